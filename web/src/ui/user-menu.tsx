// Who is logged in, and what that lets them do beside the pages that everybody has.
import { useState } from 'react';
import { logOut, useSession } from '../api/session';
import { navigate } from '../router';
import { Icon } from './icons';
import { Popover } from './parts';
import { toast } from './toast';

export function UserMenu() {
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const user = session?.user;
  if (!user) return null;
  // Whom a proxy or a client names is named with every request: there is nothing to end.
  const canLeave = session.csrf_token !== undefined;
  const leave = () => {
    setBusy(true);
    logOut().then(
      () => navigate('#/login'),
      (cause: Error) => {
        setBusy(false);
        toast(cause.message, 'failed');
      },
    );
  };
  return (
    <Popover
      className="user-menu"
      name={`Account of ${user.username}`}
      label={
        <>
          <Icon name="person" /> <span className="clip wide-only">{user.username}</span>
        </>
      }
    >
      {(close) => (
        <>
          <p className="user-menu-head">
            <strong className="clip">{user.username}</strong>
            <span className="faint">{user.is_admin ? 'Administrator' : 'Logged in'}</span>
          </p>
          <nav aria-label="Your account">
            <a href="#/profile" onClick={close}>
              Profile and tokens
            </a>
            {user.is_admin && (
              <>
                <a href="#/access/users" onClick={close}>
                  Users
                </a>
                <a href="#/access/groups" onClick={close}>
                  Groups
                </a>
                <a href="#/access/audit" onClick={close}>
                  Audit trail
                </a>
              </>
            )}
          </nav>
          {canLeave && (
            <button type="button" disabled={busy} onClick={leave}>
              Log out
            </button>
          )}
        </>
      )}
    </Popover>
  );
}
