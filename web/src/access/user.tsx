// One account, for administrators: what it is, what it may do, its groups, quotas and tokens.
import { useState } from 'react';
import {
  addMember,
  changeUser,
  deleteUser,
  removeMember,
  useAccount,
  useRefreshAccounts,
  type Account,
  type AccountChange,
} from '../api/accounts';
import { ApiError } from '../api/http';
import { useTitle } from '../api/queries';
import { useSession } from '../api/session';
import { groupHref } from '../lib/access-object';
import { formatBytes, formatMoment } from '../lib/format';
import { parseBytes, parseWhole, readQuota } from '../lib/quota';
import { navigate } from '../router';
import { FormDialog, TypedConfirmation } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, Fact, Failure, Loading } from '../ui/parts';
import { toast } from '../ui/toast';
import { GrantsOf } from './grants-of';
import { act, NameField } from './parts';
import { Tokens } from './tokens';
import { AccountBadges, loginLabel } from './users';

type Ask = 'delete' | 'password' | 'demote' | 'disable';

export function User({ username }: { username: string }) {
  useTitle(username, 'Users');
  const query = useAccount(username);
  const account = query.data;
  const gone = query.error instanceof ApiError && query.error.status === 404;
  if (query.isError && (gone || !account))
    return (
      <Failure
        what={gone ? 'There is no such user' : 'The user could not be loaded'}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!account) return <Loading />;
  return <Loaded account={account} />;
}

function Loaded({ account }: { account: Account }) {
  const { username } = account;
  const refresh = useRefreshAccounts();
  const self = useSession()?.user?.username === username;
  const [asked, setAsked] = useState<Ask>();
  const change = (what: AccountChange, done: string) => void act(changeUser(username, what), done, refresh);
  const setAdmin = (isAdmin: boolean) =>
    change({ is_admin: isAdmin }, `${username} is ${isAdmin ? 'an' : 'no'} administrator.`);
  return (
    <>
      <div className="page-title">
        <h2 className="name">{username}</h2>
        <AccountBadges account={account} />
      </div>
      <dl className="facts-grid">
        <Fact label="Logs in by">{loginLabel(account)}</Fact>
        <Fact label="Last login">
          {account.last_login_at_ms ? (
            <Ago ms={account.last_login_at_ms} />
          ) : (
            <span className="faint">never</span>
          )}
        </Fact>
        <Fact label="Created">
          <Ago ms={account.created_at_ms} />{' '}
          <span className="faint wide-only">{formatMoment(account.created_at_ms)}</span>
        </Fact>
      </dl>
      <div className="sections">
        <section className="card" aria-labelledby="rights">
          <h2 id="rights">Account</h2>
          <p className="faint empty">{standing(account)}</p>
          <p className="form-foot in-card">
            {account.is_admin ? (
              <button type="button" onClick={() => (self ? setAsked('demote') : setAdmin(false))}>
                Take administration away
              </button>
            ) : (
              <button type="button" onClick={() => setAdmin(true)}>
                Make administrator
              </button>
            )}
            {account.disabled ? (
              <button
                type="button"
                onClick={() => change({ disabled: false }, `${username} is let in again.`)}
              >
                Enable
              </button>
            ) : (
              <button type="button" onClick={() => setAsked('disable')}>
                Disable
              </button>
            )}
            {!account.is_service && (
              <button type="button" onClick={() => setAsked('password')}>
                <Icon name="key" /> Set password
              </button>
            )}
            <button type="button" className="danger" onClick={() => setAsked('delete')}>
              <Icon name="trash" /> Delete user
            </button>
          </p>
        </section>
        <Groups account={account} />
        <Quotas account={account} />
        <Tokens username={username} canMake={account.is_service || self} />
        <GrantsOf of={{ username }} isAdmin={account.is_admin} />
      </div>
      {asked === 'delete' && (
        <TypedConfirmation
          title="Delete user"
          action="Delete for good"
          name={username}
          onClose={() => setAsked(undefined)}
          onSubmit={async () => {
            await deleteUser(username);
            void refresh();
            toast(`Deleted ${username}.`);
            navigate('#/access/users');
          }}
        >
          <p>
            <strong>{username}</strong> goes with all tokens and grants. Experiments and runs stay. Somebody
            who comes back later can be disabled instead.
          </p>
        </TypedConfirmation>
      )}
      {asked === 'password' && <SetPassword username={username} onClose={() => setAsked(undefined)} />}
      {asked === 'demote' && (
        <FormDialog
          title="Give up administration"
          action="Give it up"
          danger
          onClose={() => setAsked(undefined)}
          onSubmit={async () => {
            await changeUser(username, { is_admin: false });
            navigate('#/');
            location.reload();
          }}
        >
          <p>You will not be an administrator any more, and cannot make yourself one again.</p>
        </FormDialog>
      )}
      {asked === 'disable' && (
        <FormDialog
          title="Disable user"
          action="Disable"
          danger
          onClose={() => setAsked(undefined)}
          onSubmit={async () => {
            await changeUser(username, { disabled: true });
            void refresh();
            toast(`${username} is disabled.`);
          }}
        >
          <p>
            <strong>{username}</strong> is logged out everywhere and its tokens are refused, until you enable
            it again.
          </p>
        </FormDialog>
      )}
    </>
  );
}

/** What the account can do at all, in a sentence. */
function standing({ is_admin: isAdmin, is_service: isService, disabled }: Account): string {
  if (disabled) return 'Shut out: it can neither log in nor use its tokens.';
  if (isAdmin) return 'An administrator, who may do everything everywhere.';
  return isService
    ? 'A program. It may do what it and its groups are granted.'
    : 'May do what they and their groups are granted.';
}

function Groups({ account }: { account: Account }) {
  const refresh = useRefreshAccounts();
  const [name, setName] = useState('');
  const groups = account.groups ?? [];
  return (
    <section className="card" aria-labelledby="groups">
      <h2 id="groups">
        Groups <span className="count">{groups.length}</span>
      </h2>
      <div className="card-form">
        {groups.length > 0 && (
          <ul className="chips">
            {groups.map((group) => (
              <li key={group} className="chip">
                <a href={groupHref(group)}>{group}</a>
                <button
                  type="button"
                  className="quiet icon-only"
                  aria-label={`Take out of ${group}`}
                  title={`Take out of ${group}`}
                  onClick={() =>
                    void act(
                      removeMember(group, account.username),
                      `${account.username} left ${group}.`,
                      refresh,
                    )
                  }
                >
                  <Icon name="cross" />
                </button>
              </li>
            ))}
          </ul>
        )}
        <form
          className="inline-form"
          onSubmit={(event) => {
            event.preventDefault();
            const group = name.trim();
            void act(addMember(group, account.username), `${account.username} is in ${group}.`, () => {
              setName('');
              return refresh();
            });
          }}
        >
          <NameField kind="group" label="Name of a group" value={name} onChange={setName} />
          <button type="submit" disabled={name.trim() === ''}>
            <Icon name="plus" /> Add
          </button>
        </form>
      </div>
    </section>
  );
}

const shownBytes = (bytes: number | undefined) => (bytes === undefined ? '' : String(bytes));

const shownWhole = (number: number | undefined): string => (number === undefined ? '' : String(number));

function Quotas({ account }: { account: Account }) {
  const refresh = useRefreshAccounts();
  // What is typed stays, also while an answer is under way; a field that nobody touched says what is set.
  const [typedRequests, setRequests] = useState<string>();
  const [typedBytes, setBytes] = useState<string>();
  const requests = typedRequests ?? shownWhole(account.requests_per_s);
  const bytes = typedBytes ?? shownBytes(account.bytes_per_day);
  const wantedRequests = readQuota(requests, parseWhole);
  const wantedBytes = readQuota(bytes, parseBytes);
  const wrong = Number.isNaN(wantedRequests) || Number.isNaN(wantedBytes);
  const same =
    wantedRequests === (account.requests_per_s ?? null) && wantedBytes === (account.bytes_per_day ?? null);
  return (
    <section className="card" aria-labelledby="quotas">
      <h2 id="quotas">Quotas</h2>
      <form
        className="card-form"
        onSubmit={(event) => {
          event.preventDefault();
          void act(
            changeUser(account.username, { requests_per_s: wantedRequests, bytes_per_day: wantedBytes }),
            'The quotas are saved.',
            refresh,
          );
        }}
      >
        <label className="field">
          Requests in a second
          <input
            value={requests}
            inputMode="numeric"
            placeholder="as for everybody"
            aria-invalid={Number.isNaN(wantedRequests) || undefined}
            onChange={(event) => setRequests(event.target.value)}
          />
        </label>
        <label className="field">
          Bytes in a day
          <input
            value={bytes}
            placeholder="as for everybody"
            aria-invalid={Number.isNaN(wantedBytes) || undefined}
            aria-describedby="bytes-hint"
            onChange={(event) => setBytes(event.target.value)}
          />
        </label>
        <p className="faint" id="bytes-hint">
          {wantedBytes === null
            ? 'Such as 20 GiB. Empty: as the server is set; 0: any.'
            : Number.isNaN(wantedBytes)
              ? 'A number of bytes, or such as 20 GiB or 500 MB.'
              : wantedBytes === 0
                ? 'Any.'
                : `${formatBytes(wantedBytes)}.`}
        </p>
        <p className="form-foot">
          <button type="submit" disabled={wrong || same}>
            Save quotas
          </button>
        </p>
      </form>
    </section>
  );
}

function SetPassword({ username, onClose }: { username: string; onClose: () => void }) {
  const refresh = useRefreshAccounts();
  const [password, setPassword] = useState('');
  return (
    <FormDialog
      title={`Password of ${username}`}
      action="Set password"
      onClose={onClose}
      onSubmit={async () => {
        await changeUser(username, { password });
        void refresh();
        toast(`The password of ${username} is set.`);
      }}
    >
      <label className="field">
        New password
        <input
          type="password"
          value={password}
          required
          minLength={12}
          autoFocus
          autoComplete="new-password"
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      <p className="faint">At least 12 characters. All sessions of {username} end.</p>
    </FormDialog>
  );
}
