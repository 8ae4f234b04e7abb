// The person's own page: who they are, their tokens, their password.
import { useState } from 'react';
import { changePassword } from '../api/accounts';
import { useTitle } from '../api/queries';
import { useIsOpen, useSession } from '../api/session';
import { Fact, Loading } from '../ui/parts';
import { toast } from '../ui/toast';
import { Badge } from './parts';
import { Tokens } from './tokens';

const methodWords: Record<string, string> = {
  password: 'by user name and password with each request',
  token: 'by a token',
  jwt: 'by a token of the provider',
  proxy: 'by the proxy before this server',
};

export default function ProfilePage() {
  useTitle('Profile');
  const session = useSession();
  const isOpen = useIsOpen();
  if (isOpen)
    return (
      <div className="state">
        <h2>Nobody needs to log in here</h2>
        <p className="faint">
          This server runs without authentication, so there are no accounts and no tokens.
        </p>
        <div className="state-actions">
          <a className="button primary" href="#/">
            All experiments
          </a>
        </div>
      </div>
    );
  const user = session?.user;
  if (!user) return <Loading />;
  const hasPassword =
    user.login === undefined
      ? session.login?.password === true && user.method === 'session'
      : user.login === 'password';
  return (
    <div className="page account">
      <div className="page-head">
        <div className="page-title">
          <h1>{user.username}</h1>
          {user.is_admin && <Badge kind="warn">administrator</Badge>}
          {user.is_service && <Badge>service account</Badge>}
        </div>
        <dl className="facts-grid">
          {user.method !== 'session' && <Fact label="Known">{methodWords[user.method] ?? user.method}</Fact>}
          <Fact label="Groups">
            {user.groups?.length ? (
              user.groups.map((group) => (
                <span key={group} className="chip">
                  {group}
                </span>
              ))
            ) : (
              <span className="faint">none</span>
            )}
          </Fact>
        </dl>
      </div>
      <div className="page-body scrolls" tabIndex={0} role="region" aria-label="Profile">
        <div className="sections">
          <Tokens canMake />
          {hasPassword && <Password />}
        </div>
      </div>
    </div>
  );
}

// The server's own least (12 characters): said before it refuses.
const leastCharacters = 12;

function Password() {
  const session = useSession();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [repeated, setRepeated] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const differs = repeated !== '' && repeated !== next;
  return (
    <section className="card" aria-labelledby="password">
      <h2 id="password">Password</h2>
      <form
        className="card-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (next !== repeated) {
            setError('The new password and its repetition are not the same.');
            return;
          }
          setBusy(true);
          setError(undefined);
          changePassword(current, next)
            .then(
              () => {
                setCurrent('');
                setNext('');
                setRepeated('');
                toast('The password is changed. Wherever else you were logged in, you are not any more.');
              },
              (cause: unknown) => setError(cause instanceof Error ? cause.message : String(cause)),
            )
            .finally(() => setBusy(false));
        }}
      >
        {/* Password managers want to know whose it is. */}
        <input
          type="text"
          name="username"
          autoComplete="username"
          value={session?.user?.username ?? ''}
          readOnly
          hidden
        />
        <label className="field">
          Current password
          <input
            type="password"
            value={current}
            required
            autoComplete="current-password"
            onChange={(event) => setCurrent(event.target.value)}
          />
        </label>
        <label className="field">
          New password
          <input
            type="password"
            value={next}
            required
            minLength={leastCharacters}
            autoComplete="new-password"
            aria-describedby="password-rule"
            onChange={(event) => setNext(event.target.value)}
          />
        </label>
        <p className="faint" id="password-rule">
          At least {leastCharacters} characters.
        </p>
        <label className="field">
          New password, again
          <input
            type="password"
            value={repeated}
            required
            autoComplete="new-password"
            aria-invalid={differs || undefined}
            onChange={(event) => setRepeated(event.target.value)}
          />
        </label>
        {error !== undefined && (
          <p className="form-error" role="alert">
            {error}
          </p>
        )}
        <p className="form-foot">
          <button type="submit" disabled={busy}>
            {busy ? 'One moment…' : 'Change password'}
          </button>
          <span className="faint">All your other sessions end; tokens stay.</span>
        </p>
      </form>
    </section>
  );
}
