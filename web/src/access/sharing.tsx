// Who can see something, by which rule, and the grants that make it so. It knows of no page: an experiment, a registered
// model and a workspace all have it.
import { useId, useState } from 'react';
import { useRights, type Explained } from '../api/access';
import { useRefreshAccounts } from '../api/accounts';
import { useSession } from '../api/session';
import {
  removeGrant,
  setGrant,
  subjectName,
  useExplained,
  useGrants,
  useWho,
  type Grant,
  type Subject,
} from '../api/sharing';
import { objectName, type AccessObject } from '../lib/access-object';
import {
  actions,
  actionWords,
  levelLabel,
  levelOptions,
  levelWords,
  mayDo,
  ruleLabel,
  type Action,
  type Level,
} from '../lib/rights';
import { Dialog, FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Popover, Segmented } from '../ui/parts';
import { toast } from '../ui/toast';
import { act, Badge, ListState, More, NameField } from './parts';

/** In a dialog, opened from the page of the thing. */
export default function SharingDialog(props: {
  object: AccessObject;
  /** What it is called there. */
  title: string;
  canManage: boolean;
  onClose: () => void;
}) {
  const { object, title, canManage, onClose } = props;
  return (
    <Dialog title={`Who can see ${title}`} onClose={onClose} size="large">
      <Sharing object={object} canManage={canManage} />
    </Dialog>
  );
}

export function Sharing({ object, canManage }: { object: AccessObject; canManage: boolean }) {
  const name = objectName(object);
  const me = useSession()?.user?.username;
  const [asked, setAsked] = useState<string>();
  if (!canManage) return me === undefined ? null : <Own me={me} object={name} />;
  return (
    <div className="sharing">
      <Grants object={object} />
      <Seers object={name} asked={asked} onAsk={setAsked} />
    </div>
  );
}

/** For who may look but not share: what they have, and why. */
function Own({ me, object }: { me: string; object: string }) {
  return (
    <div className="sharing">
      <p className="faint">Only those with MANAGE see who else can, and change it. This is what you may:</p>
      <Why user={me} object={object} />
    </div>
  );
}

// --- grants -------------------------------------------------------------------------------------------------

function Grants({ object }: { object: AccessObject }) {
  const list = useGrants(object);
  const rights = useRights(object);
  const user = useSession()?.user;
  const refresh = useRefreshAccounts();
  const [leaving, setLeaving] = useState<{ change: () => Promise<unknown>; done: string }>();
  // Nobody gives away what they do not have.
  const allowed = actions.filter((action) => action !== 'force' || (rights && mayDo(rights, 'force')));
  const mine = (subject: Subject) =>
    'username' in subject && subject.username === user?.username && !user.is_admin;
  const change = (subject: Subject, permission: Level, chosen: Action[]) => {
    const run = () => setGrant(object, subject, { permission, actions: chosen });
    const done = `${subjectName(subject)}: ${levelLabel(permission)}.`;
    if (!mine(subject) || permission === 'MANAGE') return act(run(), done, refresh);
    setLeaving({ change: run, done });
    return Promise.resolve();
  };
  const remove = (subject: Subject) => {
    const run = () => removeGrant(object, subject);
    const done = `The grant of ${subjectName(subject)} is gone.`;
    if (mine(subject)) setLeaving({ change: run, done });
    else void act(run(), done, refresh);
  };
  return (
    <section aria-labelledby="sharing-grants">
      <h3 id="sharing-grants">Grants</h3>
      {!list.data ? (
        <ListState what="The grants" query={list} rows={3} />
      ) : (
        <>
          {list.data.length === 0 && <p className="faint">None: what else there is decides, see below.</p>}
          {list.data.length > 0 && (
            <table className="plain grants" aria-label="Grants">
              <thead className="visually-hidden">
                <tr>
                  <th scope="col">Who</th>
                  <th scope="col">Permission</th>
                  <th scope="col">Actions</th>
                </tr>
              </thead>
              <tbody>
                {list.data.map((grant) => (
                  <GrantRow
                    key={`${'group' in grant} ${subjectName(grant)}`}
                    grant={grant}
                    allowed={allowed}
                    onChange={change}
                    onRemove={remove}
                  />
                ))}
              </tbody>
            </table>
          )}
          <NewGrant onAdd={change} />
        </>
      )}
      {leaving && (
        <FormDialog
          title="Give up your own right to share?"
          action="Go on"
          danger
          onClose={() => setLeaving(undefined)}
          onSubmit={async () => {
            await leaving.change();
            toast(leaving.done);
            void refresh();
          }}
        >
          <p>Without MANAGE you cannot change this back; somebody else who has it must.</p>
        </FormDialog>
      )}
    </section>
  );
}

const subjectOf = (grant: Grant): Subject =>
  'username' in grant ? { username: grant.username } : { group: grant.group };

function GrantRow(props: {
  grant: Grant;
  allowed: readonly Action[];
  onChange: (subject: Subject, permission: Level, actions: Action[]) => Promise<void>;
  onRemove: (subject: Subject) => void;
}) {
  const { grant, allowed, onChange, onRemove } = props;
  const subject = subjectOf(grant);
  const name = subjectName(subject);
  const isGroup = 'group' in subject;
  // What was chosen is shown at once; what the server made of it follows.
  const [wanted, setWanted] = useState<{ permission: Level; actions: Action[] }>();
  const { permission, actions: chosen = [] } = wanted ?? grant;
  const change = (next: Level, nextActions: Action[]) => {
    setWanted({ permission: next, actions: nextActions });
    void onChange(subject, next, nextActions).finally(() => setWanted(undefined));
  };
  return (
    <tr>
      <th scope="row">
        <span className="who">
          <Icon name={isGroup ? 'people' : 'person'} />
          <span className="visually-hidden">{isGroup ? 'group' : 'user'}</span>{' '}
          <span className="clip">{name}</span>
        </span>
      </th>
      <td className="rights">
        <LevelChoice
          label={`Permission of ${name}`}
          value={permission}
          onChange={(next) => change(next, chosen)}
        />
        <ActionsButton
          name={name}
          permission={permission}
          value={chosen}
          allowed={allowed}
          onChange={(next) => change(permission, next)}
        />
      </td>
      <td className="col-actions">
        <button
          type="button"
          className="quiet icon-only"
          aria-label={`Remove the grant of ${name}`}
          title="Remove"
          onClick={() => onRemove(subject)}
        >
          <Icon name="cross" />
        </button>
      </td>
    </tr>
  );
}

function LevelChoice(props: { label: string; value: Level; onChange: (level: Level) => void }) {
  const { label, value, onChange } = props;
  return (
    <select
      aria-label={label}
      title={levelWords[value]}
      value={value}
      onChange={(event) => onChange(event.target.value as Level)}
    >
      {levelOptions.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

/** The protected actions of a grant: few ever need them, so they are behind a button that says which there are. */
function ActionsButton(props: {
  name: string;
  permission: Level;
  value: readonly Action[];
  allowed: readonly Action[];
  onChange: (value: Action[]) => void;
}) {
  const { name, permission, value, allowed, onChange } = props;
  const included = actions.filter((action) => mayDo({ permission }, action));
  const extra = value.filter((action) => !included.includes(action));
  return (
    <Popover
      className="grant-actions"
      name={`Protected actions of ${name}${extra.length > 0 ? `: ${extra.join(', ')}` : ''}`}
      label={
        <>
          <Icon name="key" />
          {extra.length > 0 ? extra.join(', ') : ''}
        </>
      }
    >
      {() => (
        <fieldset className="choices">
          <legend>Protected actions</legend>
          {actions.map((action) => (
            <label key={action} className="check">
              <input
                type="checkbox"
                checked={included.includes(action) || value.includes(action)}
                disabled={included.includes(action) || !allowed.includes(action)}
                onChange={(event) =>
                  onChange(event.target.checked ? [...value, action] : value.filter((one) => one !== action))
                }
              />
              <span>
                <strong>{action}</strong> <span className="faint">{actionWords[action]}</span>
              </span>
            </label>
          ))}
          {permission !== 'MANAGE' && permission !== 'EDIT' && (
            <p className="faint">They count with EDIT or MANAGE only.</p>
          )}
        </fieldset>
      )}
    </Popover>
  );
}

function NewGrant(props: {
  onAdd: (subject: Subject, permission: Level, actions: Action[]) => Promise<void>;
}) {
  const { onAdd } = props;
  const [kind, setKind] = useState<'user' | 'group'>('user');
  const [name, setName] = useState('');
  const [permission, setPermission] = useState<Level>('READ');
  return (
    <form
      className="inline-form new-grant"
      aria-label="New grant"
      onSubmit={(event) => {
        event.preventDefault();
        const who = name.trim();
        void onAdd(kind === 'user' ? { username: who } : { group: who }, permission, []);
        setName('');
      }}
    >
      <Segmented<'user' | 'group'>
        label="Grant to"
        value={kind}
        options={[
          { value: 'user', label: 'User' },
          { value: 'group', label: 'Group' },
        ]}
        onChange={setKind}
      />
      <NameField
        kind={kind}
        label={kind === 'user' ? 'User name' : 'Name of a group'}
        value={name}
        onChange={setName}
      />
      <LevelChoice label="Permission" value={permission} onChange={setPermission} />
      <button type="submit" className="primary" disabled={name.trim() === ''}>
        Grant
      </button>
    </form>
  );
}

// --- who can see it -----------------------------------------------------------------------------------------

function Seers(props: {
  object: string;
  asked: string | undefined;
  onAsk: (user: string | undefined) => void;
}) {
  const { object, asked, onAsk } = props;
  const list = useWho(object, true);
  const { users, fallback, administrators } = list;
  // Where everybody may look, those who may not are told too.
  const seeing = users?.filter((user) => user.permission !== 'NO_PERMISSIONS').length ?? 0;
  const isOpen = fallback !== undefined && fallback !== 'NO_PERMISSIONS';
  return (
    <section aria-labelledby="sharing-who">
      <h3 id="sharing-who">
        Who can see it {users && !list.hasNextPage && !isOpen && <span className="count">{seeing}</span>}
      </h3>
      {!users ? (
        <ListState what="The list" query={list} rows={3} />
      ) : (
        <>
          {users.length === 0 && !isOpen && <p className="faint">Nobody beside administrators.</p>}
          {users.length > 0 && (
            <table className="plain seers" aria-label="Who can see it">
              <tbody>
                {users.map((user) => (
                  <tr key={user.username}>
                    <th scope="row">{user.username}</th>
                    <td>
                      {levelLabel(user.permission)} <span className="faint">by {ruleLabel(user.rule)}</span>
                    </td>
                    <td className="col-actions">
                      <button
                        type="button"
                        className="link"
                        aria-expanded={asked === user.username}
                        aria-label={`Why ${user.username}?`}
                        onClick={() => onAsk(asked === user.username ? undefined : user.username)}
                      >
                        Why?
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <More list={list} />
          {asked !== undefined && <Why user={asked} object={object} />}
          <p className="faint">
            {isOpen
              ? `Everybody else has ${fallback}: the default for everybody.`
              : 'Everybody else does not know that it is there.'}
            {administrators.length > 0 && ` Administrators may do everything: ${administrators.join(', ')}.`}
          </p>
          <AskWhy object={object} onAsk={onAsk} />
        </>
      )}
    </section>
  );
}

/** About somebody who is not in the list. */
function AskWhy({ onAsk }: { object: string; onAsk: (user: string) => void }) {
  const [name, setName] = useState('');
  return (
    <form
      className="inline-form"
      aria-label="Ask about somebody"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk(name.trim());
      }}
    >
      <NameField kind="user" label="Somebody else" value={name} onChange={setName} />
      <button type="submit" disabled={name.trim() === ''}>
        Why, or why not?
      </button>
    </form>
  );
}

function Why({ user, object }: { user: string; object: string }) {
  const query = useExplained(user, object);
  const id = useId();
  if (!query.data)
    return query.isError ? (
      <p className="form-error" role="alert">
        {query.error.message}
      </p>
    ) : (
      <p className="faint" role="status">
        One moment…
      </p>
    );
  const { permission, because, rules } = query.data;
  const chosen = query.data.actions ?? [];
  return (
    <div className="why" role="region" aria-labelledby={id} aria-live="polite">
      <p id={id} className="with-badges">
        <strong>{user}</strong> has <strong>{levelLabel(permission)}</strong>
        {chosen.map((action) => (
          <Badge key={action}>{action}</Badge>
        ))}
      </p>
      <p>{because}</p>
      {rules && rules.length > 0 && <Rules rules={rules} />}
    </div>
  );
}

function Rules({ rules }: { rules: NonNullable<Explained['rules']> }) {
  return (
    <>
      <p className="faint">The first of these that says something decides:</p>
      <ol className="rules">
        {rules.map((rule, index) => (
          <li key={`${index} ${rule.rule}`} className={rule.decides ? 'decides' : undefined}>
            <Icon name={rule.decides ? 'check' : 'without'} />
            <span>
              {ruleLabel(rule.rule)}
              {rule.by && <span className="faint"> ({rule.by})</span>}
            </span>
            <span>
              {rule.permission === undefined ? (
                <span className="faint">says nothing</span>
              ) : (
                levelLabel(rule.permission)
              )}
              {rule.decides && <span className="visually-hidden">, decides</span>}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
