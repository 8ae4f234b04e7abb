// Logging in: a page of its own at first, a dialog over the page of who was here before.
import { useEffect, useRef, useState } from 'react';
import { ApiError, tallyAddress } from '../api/http';
import { useTitle } from '../api/queries';
import { askSession, forget, logIn, tellOthers, useOwner, useSession } from '../api/session';
import { nextHash, usePlace } from '../router';
import { Dialog } from '../ui/dialog';
import { Icon, Mark } from '../ui/icons';
import { Loading } from '../ui/parts';

/** The name that people know the provider by: that of its server. */
function issuerHost(issuer: string): string {
  try {
    return new URL(issuer).host;
  } catch {
    return issuer;
  }
}

/** Where the provider is asked; afterwards the browser comes back to a page of this server. */
function providerAddress(hash: string): string {
  // A backslash would be taken for a way to another host.
  const next = `${location.pathname}${location.search}${hash}`.replaceAll('\\', '%5C');
  return tallyAddress('login/oidc', { next });
}

export function LoginPage() {
  useTitle('Log in');
  const { query } = usePlace();
  const session = useSession();
  const issuer = session?.login?.oidc?.issuer;
  const trouble = query.get('error');
  const byPassword = session?.login?.password !== false;
  if (session?.user) return query.has('done') ? <LoggedIn /> : <Loading />;
  return (
    <div className="login scrolls">
      <div className="login-card">
        <Mark />
        <h1>Log in to Tally</h1>
        {trouble !== null && (
          <p className="form-error" role="alert">
            {trouble === '' ? 'The provider did not log you in.' : trouble}
          </p>
        )}
        {!window.isSecureContext && (
          <p className="note">
            This page is not encrypted, and browsers keep no login for such a page. Open it by https, or on
            the machine itself by http://localhost.
          </p>
        )}
        {byPassword && <PasswordForm />}
        {byPassword && issuer !== undefined && <p className="or faint">or</p>}
        {issuer !== undefined && (
          <a className="button wide" href={providerAddress(nextHash(query))}>
            <Icon name="external" /> Log in with {issuerHost(issuer)}
          </a>
        )}
      </div>
    </div>
  );
}

/** What the tab shows that was opened only to log in, where a browser does not let it close itself. */
function LoggedIn() {
  useEffect(() => {
    tellOthers();
    window.close();
  }, []);
  return (
    <div className="state">
      <h2>You are logged in</h2>
      <p className="faint">This tab can be closed; the one that you came from goes on.</p>
      <div className="state-actions">
        <a className="button" href="#/">
          All experiments
        </a>
      </div>
    </div>
  );
}

/** Over the page of somebody whose session ended: what they were about to send is sent once they are back. */
export function LoginDialog() {
  const session = useSession();
  const owner = useOwner();
  const issuer = session?.login?.oidc?.issuer;
  const byPassword = session?.login?.password !== false;
  // The provider is asked in another tab, which tells this one; where it cannot, looking when one comes back does.
  useEffect(() => {
    const look = () => {
      if (!document.hidden) void askSession();
    };
    window.addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      window.removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return (
    <Dialog title="Your session has ended" onClose={() => undefined} keep>
      <p>Log in again to go on where you are. Nothing that you have typed is lost.</p>
      {byPassword && <PasswordForm username={owner ?? ''} />}
      {byPassword && issuer !== undefined && <p className="or faint">or</p>}
      {issuer !== undefined && (
        <a className="button wide" href={providerAddress('#/login?done=1')} target="_blank" rel="opener">
          <Icon name="external" /> Log in with {issuerHost(issuer)}, in another tab
        </a>
      )}
      <p className="login-other">
        <button type="button" className="link" onClick={forget}>
          I am not {owner}
        </button>
      </p>
    </Dialog>
  );
}

function PasswordForm({ username: known }: { username?: string }) {
  const [username, setUsername] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [wait, setWait] = useWait();
  const secret = useRef<HTMLInputElement>(null);
  const send = () => {
    setBusy(true);
    setError(undefined);
    logIn(username.trim(), password).catch((cause: unknown) => {
      setBusy(false);
      if (cause instanceof ApiError && cause.status === 429) setWait(cause.waitS ?? 1);
      else setError(cause instanceof Error ? cause.message : String(cause));
      setPassword('');
      secret.current?.focus();
    });
  };
  return (
    <form
      className="login-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && wait === 0) send();
      }}
    >
      <label className="field">
        User name
        <input
          name="username"
          value={username}
          required
          readOnly={known !== undefined}
          autoFocus={!known}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setUsername(event.target.value)}
        />
      </label>
      <label className="field">
        Password
        <input
          ref={secret}
          type="password"
          name="password"
          value={password}
          required
          autoFocus={Boolean(known)}
          autoComplete="current-password"
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      <div role="alert">
        {error !== undefined && <p className="form-error">{error}</p>}
        {wait > 0 && (
          <p className="form-error">
            Too many attempts. Wait <span aria-hidden="true">{wait}</span>
            <Said seconds={wait} /> s before the next one.
          </p>
        )}
      </div>
      <button type="submit" className="primary wide" disabled={busy || wait > 0}>
        {busy ? 'One moment…' : 'Log in'}
      </button>
    </form>
  );
}

/** The first number only: a screen reader should not count down. */
function Said({ seconds }: { seconds: number }) {
  const [first] = useState(seconds);
  return <span className="visually-hidden">{first}</span>;
}

/** Seconds that are left, counting down. */
function useWait(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0);
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (until === 0) return;
    const tick = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      setLeft(seconds);
      if (seconds === 0) setUntil(0);
    };
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [until]);
  const start = (seconds: number) => {
    setLeft(seconds);
    setUntil(Date.now() + seconds * 1000);
  };
  return [left, start];
}
