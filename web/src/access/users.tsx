// All accounts, for administrators: found by name, made here, opened one by one.
import { useRef, useState } from 'react';
import { makeUser, useRefreshAccounts, useUsers, type Account } from '../api/accounts';
import { useTitle } from '../api/queries';
import { groupHref, userHref } from '../lib/access-object';
import { navigate, setQuery, usePlace } from '../router';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, SearchField, Segmented } from '../ui/parts';
import { useShortcuts } from '../ui/shortcuts';
import { toast } from '../ui/toast';
import { Badge, ListState, More } from './parts';
import { useSettled } from './use-settled';

const loginWords: Record<Account['login'], string> = {
  password: 'Password',
  oidc: 'Provider',
  proxy: 'Proxy',
  none: 'Tokens only',
};

export function loginLabel(account: Account): string {
  return loginWords[account.login] ?? account.login;
}

export function AccountBadges({ account }: { account: Account }) {
  return (
    <>
      {account.is_admin && <Badge kind="warn">administrator</Badge>}
      {account.is_service && <Badge>service</Badge>}
      {account.disabled && <Badge kind="bad">disabled</Badge>}
    </>
  );
}

export function Users() {
  useTitle('Users');
  const { query } = usePlace();
  const text = query.get('q') ?? '';
  const asked = useSettled(text.trim());
  const list = useUsers(asked);
  const search = useRef<HTMLInputElement>(null);
  const [making, setMaking] = useState(false);
  useShortcuts({ '/': () => search.current?.focus() });
  const { items } = list;
  return (
    <>
      <div className="bar">
        <SearchField
          inputRef={search}
          value={text}
          onChange={(value) => setQuery({ q: value })}
          label="Search users"
          hint
        />
        <button type="button" className="primary end" onClick={() => setMaking(true)}>
          <Icon name="plus" /> New user
        </button>
      </div>
      {!items ? (
        <ListState what="The users" query={list} />
      ) : items.length === 0 ? (
        <div className="state small">
          <h2>No user matches</h2>
          <button type="button" onClick={() => setQuery({ q: undefined })}>
            Clear the search
          </button>
        </div>
      ) : (
        <section className="card">
          <table className="plain stacks users" aria-label="Users">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Logs in by</th>
                <th scope="col">Groups</th>
                <th scope="col">Last login</th>
                <th scope="col">Created</th>
              </tr>
            </thead>
            <tbody>
              {items.map((account) => (
                <tr key={account.username}>
                  <th scope="row">
                    <a href={userHref(account.username)}>{account.username}</a>{' '}
                    <AccountBadges account={account} />
                  </th>
                  <td data-label="Logs in by">{loginLabel(account)}</td>
                  <td data-label="Groups">
                    <span className="with-badges">
                      {account.groups?.length ? (
                        account.groups.map((group) => (
                          <a key={group} className="chip" href={groupHref(group)}>
                            {group}
                          </a>
                        ))
                      ) : (
                        <span className="faint">–</span>
                      )}
                    </span>
                  </td>
                  <td data-label="Last login">
                    <Ago ms={account.last_login_at_ms} />
                  </td>
                  <td data-label="Created">
                    <Ago ms={account.created_at_ms} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <More list={list} />
      {making && <NewUser onClose={() => setMaking(false)} />}
    </>
  );
}

type Kind = 'person' | 'service';

function NewUser({ onClose }: { onClose: () => void }) {
  const refresh = useRefreshAccounts();
  const [kind, setKind] = useState<Kind>('person');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [isAdmin, setIsAdmin] = useState(false);
  return (
    <FormDialog
      title="New user"
      action="Create"
      onClose={onClose}
      onSubmit={async () => {
        const name = username.trim();
        await makeUser({
          username: name,
          is_admin: isAdmin,
          is_service: kind === 'service',
          ...(kind === 'person' && password !== '' ? { password } : {}),
        });
        void refresh();
        toast(`Created ${name}.`);
        navigate(userHref(name));
      }}
    >
      <Segmented<Kind>
        label="Kind"
        value={kind}
        options={[
          { value: 'person', label: 'Person' },
          { value: 'service', label: 'Service account' },
        ]}
        onChange={setKind}
      />
      <p className="faint">
        {kind === 'person'
          ? 'Somebody who logs in here, and may have tokens.'
          : 'A program: it has tokens and no password, and stays when people leave.'}
      </p>
      <label className="field">
        User name
        <input
          value={username}
          required
          maxLength={255}
          autoFocus
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          onChange={(event) => setUsername(event.target.value)}
        />
      </label>
      {kind === 'person' && (
        <>
          <label className="field">
            Password
            <input
              type="password"
              value={password}
              autoComplete="new-password"
              aria-describedby="new-user-rule"
              onChange={(event) => setPassword(event.target.value)}
            />
          </label>
          <p className="faint" id="new-user-rule">
            At least 12 characters. Empty: for somebody who comes by the provider.
          </p>
        </>
      )}
      <label className="check">
        <input type="checkbox" checked={isAdmin} onChange={(event) => setIsAdmin(event.target.checked)} />
        <span>
          <strong>administrator</strong> <span className="faint">may do everything everywhere</span>
        </span>
      </label>
    </FormDialog>
  );
}
