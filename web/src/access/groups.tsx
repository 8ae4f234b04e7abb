// Groups, for administrators: all of them, and one with its members.
import { useState } from 'react';
import {
  addMember,
  deleteGroup,
  makeGroup,
  removeMember,
  useGroup,
  useGroups,
  useRefreshAccounts,
  type Group as GroupData,
} from '../api/accounts';
import { ApiError } from '../api/http';
import { useTitle } from '../api/queries';
import { groupHref, userHref } from '../lib/access-object';
import { formatCount } from '../lib/format';
import { navigate, setQuery, usePlace } from '../router';
import { FormDialog, TypedConfirmation } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, Fact, Failure, Loading, SearchField } from '../ui/parts';
import { toast } from '../ui/toast';
import { GrantsOf } from './grants-of';
import { act, Badge, ListState, More, NameField } from './parts';
import { useSettled } from './use-settled';

export function Groups() {
  useTitle('Groups');
  const text = usePlace().query.get('q') ?? '';
  const asked = useSettled(text.trim());
  const list = useGroups(asked);
  const [making, setMaking] = useState(false);
  const { items } = list;
  return (
    <>
      <div className="bar">
        <SearchField value={text} onChange={(value) => setQuery({ q: value })} label="Search groups" />
        <button type="button" className="primary end" onClick={() => setMaking(true)}>
          <Icon name="plus" /> New group
        </button>
      </div>
      {!items ? (
        <ListState what="The groups" query={list} />
      ) : items.length === 0 ? (
        <div className="state small">
          <h2>{asked ? 'No group matches' : 'No groups yet'}</h2>
          {asked ? (
            <button type="button" onClick={() => setQuery({ q: undefined })}>
              Clear the search
            </button>
          ) : (
            <p className="faint">
              What is granted to a group holds for all its members. A provider can bring groups along.
            </p>
          )}
        </div>
      ) : (
        <section className="card">
          <table className="plain" aria-label="Groups">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col" className="number">
                  Members
                </th>
                <th scope="col">Created</th>
              </tr>
            </thead>
            <tbody>
              {items.map((group) => (
                <tr key={group.name}>
                  <th scope="row">
                    <a href={groupHref(group.name)}>{group.name}</a>
                  </th>
                  <td className="number">{formatCount(group.member_count ?? 0)}</td>
                  <td>
                    <Ago ms={group.created_at_ms} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <More list={list} />
      {making && <NewGroup onClose={() => setMaking(false)} />}
    </>
  );
}

function NewGroup({ onClose }: { onClose: () => void }) {
  const refresh = useRefreshAccounts();
  const [name, setName] = useState('');
  return (
    <FormDialog
      title="New group"
      action="Create"
      onClose={onClose}
      onSubmit={async () => {
        await makeGroup(name.trim());
        void refresh();
        toast(`Created ${name.trim()}.`);
        navigate(groupHref(name.trim()));
      }}
    >
      <label className="field">
        Name
        <input
          value={name}
          required
          maxLength={255}
          autoFocus
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
    </FormDialog>
  );
}

export function Group({ name }: { name: string }) {
  useTitle(name, 'Groups');
  const query = useGroup(name);
  const group = query.data;
  const gone = query.error instanceof ApiError && query.error.status === 404;
  if (query.isError && (gone || !group))
    return (
      <Failure
        what={gone ? 'There is no such group' : 'The group could not be loaded'}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!group) return <Loading />;
  return <Loaded group={group} />;
}

function Loaded({ group }: { group: GroupData }) {
  const { name } = group;
  const members = group.members ?? [];
  const refresh = useRefreshAccounts();
  const [adding, setAdding] = useState('');
  const [asked, setAsked] = useState(false);
  return (
    <>
      <div className="page-title">
        <h2 className="name">{name}</h2>
        <button type="button" className="quiet end" onClick={() => setAsked(true)}>
          <Icon name="trash" /> Delete
        </button>
      </div>
      <dl className="facts-grid">
        <Fact label="Created">
          <Ago ms={group.created_at_ms} />
        </Fact>
      </dl>
      <div className="sections">
        <section className="card" aria-labelledby="members">
          <h2 id="members">
            Members <span className="count">{members.length}</span>
          </h2>
          {members.length === 0 ? (
            <p className="faint empty">Nobody is in this group yet.</p>
          ) : (
            <table className="plain" aria-label="Members">
              <tbody>
                {members.map((member) => (
                  <tr key={member.username}>
                    <th scope="row">
                      <a href={userHref(member.username)}>{member.username}</a>{' '}
                      {member.source === 'claim' && <Badge>by the provider</Badge>}
                    </th>
                    <td className="col-actions">
                      <button
                        type="button"
                        className="quiet icon-only"
                        aria-label={`Take ${member.username} out`}
                        title="Take out"
                        onClick={() =>
                          void act(
                            removeMember(name, member.username),
                            `${member.username} left ${name}.`,
                            refresh,
                          )
                        }
                      >
                        <Icon name="cross" />
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <form
            className="inline-form add-tag"
            onSubmit={(event) => {
              event.preventDefault();
              const username = adding.trim();
              void act(addMember(name, username), `${username} is in ${name}.`, () => {
                setAdding('');
                return refresh();
              });
            }}
          >
            <NameField kind="user" label="User name" value={adding} onChange={setAdding} />
            <button type="submit" disabled={adding.trim() === ''}>
              <Icon name="plus" /> Add
            </button>
          </form>
        </section>
        <GrantsOf of={{ group: name }} />
      </div>
      {asked && (
        <TypedConfirmation
          title="Delete group"
          action="Delete for good"
          name={name}
          onClose={() => setAsked(false)}
          onSubmit={async () => {
            await deleteGroup(name);
            void refresh();
            toast(`Deleted ${name}.`);
            navigate('#/access/groups');
          }}
        >
          <p>
            Whatever was granted to <strong>{name}</strong> is taken from its members. The users stay.
          </p>
        </TypedConfirmation>
      )}
    </>
  );
}
