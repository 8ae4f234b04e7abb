// Tokens of the person or, for administrators, of somebody else: list, make, show once, revoke.
import { useState } from 'react';
import { makeToken, revokeToken, useRefreshAccounts, useTokens, type Token } from '../api/accounts';
import { useSession } from '../api/session';
import { expiryOptions, expirySeconds, isoDay, type Expiry } from '../lib/expiry';
import { actions, levels, levelWords, mayDo, type Action, type Level } from '../lib/rights';
import { Dialog, FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, Copy } from '../ui/parts';
import { clientLines, serverAddress, Snippet } from '../ui/start-here';
import { toast } from '../ui/toast';
import { ActionChoice, Badge, ListState } from './parts';

export function Tokens({ username, canMake }: { username?: string; canMake: boolean }) {
  const list = useTokens(username);
  const refresh = useRefreshAccounts();
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<{ token: Token; secret: string }>();
  const [revoking, setRevoking] = useState<Token>();
  return (
    <>
      <section className="card" aria-labelledby="tokens">
        <div className="card-head">
          <h2 id="tokens">Tokens {list.data && <span className="count">{list.data.length}</span>}</h2>
          {canMake && (
            <button type="button" onClick={() => setMaking(true)}>
              <Icon name="plus" /> New token
            </button>
          )}
        </div>
        <p className="faint empty">
          {username === undefined
            ? 'With a token a program works in your name, but can do no more than you allow it.'
            : `With a token a program works in the name of ${username}.`}
        </p>
        {!list.data ? (
          <ListState what="The tokens" query={list} rows={3} />
        ) : list.data.length === 0 ? (
          <p className="faint empty">No tokens yet.</p>
        ) : (
          <TokenTable tokens={list.data} onRevoke={setRevoking} />
        )}
      </section>
      {making && (
        <NewToken
          username={username}
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMade(token);
            void refresh();
          }}
        />
      )}
      {made && <Secret {...made} onClose={() => setMade(undefined)} />}
      {revoking && (
        <FormDialog
          title="Revoke token"
          action="Revoke"
          danger
          onClose={() => setRevoking(undefined)}
          onSubmit={async () => {
            await revokeToken(revoking.token_id);
            void refresh();
            toast(`Revoked ${revoking.name}.`);
          }}
        >
          <p>
            Revoke <strong>{revoking.name}</strong> (<code>{revoking.hint}…</code>)? Whatever uses it is
            refused from now on. This cannot be undone.
          </p>
        </FormDialog>
      )}
    </>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: readonly Token[]; onRevoke: (token: Token) => void }) {
  return (
    <table className="plain stacks" aria-label="Tokens">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Begins with</th>
          <th scope="col">May</th>
          <th scope="col">Expires</th>
          <th scope="col">Last used</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.token_id}>
            <th scope="row">
              {token.name}
              <span className="faint made">
                made <Ago ms={token.created_at_ms} />
              </span>
            </th>
            <td data-label="Begins with">
              <code className="hint">{token.hint}…</code>
            </td>
            <td data-label="May">
              <span className="with-badges">
                {token.permission}
                {token.actions?.map((action) => (
                  <Badge key={action}>{action}</Badge>
                ))}
                {token.is_admin && <Badge kind="warn">administrator</Badge>}
              </span>
            </td>
            <td data-label="Expires">
              <Expires ms={token.expires_at_ms} />
            </td>
            <td data-label="Last used">
              {token.last_used_at_ms ? (
                <Ago ms={token.last_used_at_ms} />
              ) : (
                <span className="faint">never</span>
              )}
            </td>
            <td className="col-actions">
              <button
                type="button"
                className="quiet"
                aria-label={`Revoke ${token.name}`}
                onClick={() => onRevoke(token)}
              >
                <Icon name="trash" /> Revoke
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Expires({ ms }: { ms: number | undefined }) {
  const [now] = useState(() => Date.now());
  if (!ms) return <span className="faint">never</span>;
  if (ms <= now) return <Badge kind="bad">expired</Badge>;
  return <Ago ms={ms} />;
}

const tokenLevels = levels.filter((level) => level !== 'NO_PERMISSIONS');

function NewToken(props: {
  username: string | undefined;
  onClose: () => void;
  onMade: (made: { token: Token; secret: string }) => void;
}) {
  const { username, onClose, onMade } = props;
  const user = useSession()?.user;
  const [name, setName] = useState('');
  // What a training script needs, and no more than that.
  const [permission, setPermission] = useState<Level>('EDIT');
  const [chosen, setChosen] = useState<Action[]>([]);
  const [isAdmin, setIsAdmin] = useState(false);
  const [expiry, setExpiry] = useState<Expiry>('90');
  const [now] = useState(() => Date.now());
  const [date, setDate] = useState(() => isoDay(now + 90 * 86_400_000));
  const seconds = expirySeconds(expiry, date, now);
  return (
    <FormDialog
      title={username === undefined ? 'New token' : `New token of ${username}`}
      action="Make token"
      disabled={Number.isNaN(seconds)}
      onClose={onClose}
      onSubmit={async () => {
        const inS = expirySeconds(expiry, date, Date.now());
        onMade(
          await makeToken({
            name: name.trim(),
            permission,
            actions: chosen,
            is_admin: isAdmin,
            ...(inS === undefined ? {} : { expires_in_s: inS }),
            ...(username === undefined ? {} : { username }),
          }),
        );
      }}
    >
      <label className="field">
        What is it for?
        <input
          value={name}
          required
          maxLength={255}
          autoFocus
          autoComplete="off"
          placeholder="training on the cluster"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <fieldset className="choices">
        <legend>What may it do at most?</legend>
        {tokenLevels.map((level) => (
          <label key={level} className="check">
            <input
              type="radio"
              name="permission"
              checked={permission === level}
              onChange={() => {
                setPermission(level);
                setChosen(
                  actions.filter((action) => action !== 'force' && mayDo({ permission: level }, action)),
                );
              }}
            />
            <span>
              <strong>{level}</strong> <span className="faint">{levelWords[level]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {(permission === 'EDIT' || permission === 'MANAGE') && (
        <ActionChoice legend="And of the protected actions?" value={chosen} onChange={setChosen} />
      )}
      {user?.is_admin && (
        <label className="check">
          <input type="checkbox" checked={isAdmin} onChange={(event) => setIsAdmin(event.target.checked)} />
          <span>
            <strong>administrator</strong>{' '}
            <span className="faint">
              manage users, groups and grants{username === undefined ? '' : ', if the account may'}
            </span>
          </span>
        </label>
      )}
      <label className="field">
        Good for
        <select value={expiry} onChange={(event) => setExpiry(event.target.value as Expiry)}>
          {expiryOptions.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {expiry === 'date' && (
        <label className="field">
          Last day
          <input
            type="date"
            value={date}
            min={isoDay(now)}
            required
            onChange={(event) => setDate(event.target.value)}
          />
        </label>
      )}
      {expiry === 'never' && (
        <p className="note">A token that never ends is one that somebody may find in ten years.</p>
      )}
    </FormDialog>
  );
}

/** The only time that anybody sees the token. */
function Secret({ token, secret, onClose }: { token: Token; secret: string; onClose: () => void }) {
  const { environment, curl } = clientLines(secret);
  return (
    <Dialog title={`Token ${token.name}`} onClose={onClose} keep size="medium">
      <p className="note" role="status">
        <strong>Copy it now.</strong> The server keeps only a digest of it: nobody can show it again.
      </p>
      <div className="secret">
        <input
          readOnly
          value={secret}
          aria-label="The token"
          autoFocus
          onFocus={(event) => event.target.select()}
        />
        <Copy text={secret} label="Copy it" />
      </div>
      <div className="start-here">
        <Snippet title="For MLflow's clients" text={environment} />
        <Snippet
          title="Then, from the same shell"
          text={`curl \\\n${curl}  '${serverAddress()}/api/2.0/mlflow/experiments/search?max_results=10'`}
        />
      </div>
      <footer>
        <button type="button" className="primary" onClick={onClose}>
          I have stored it
        </button>
      </footer>
    </Dialog>
  );
}
