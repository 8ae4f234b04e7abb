// The pages about accounts, below one head. They are for administrators; the one of a workspace for who manages it too.
import { useMayWorkspace } from '../api/access';
import { useIsOpen, useSession } from '../api/session';
import { workspace } from '../lib/workspace';
import type { Route } from '../router';
import { Loading } from '../ui/parts';
import { Audit } from './audit';
import { Group, Groups } from './groups';
import { User } from './user';
import { Users } from './users';
import { WorkspaceAccess } from './workspace';

const tabs = [
  { pages: ['users', 'user'], href: '#/access/users', label: 'Users' },
  { pages: ['groups', 'group'], href: '#/access/groups', label: 'Groups' },
  { pages: ['workspace'], href: '#/access/workspace', label: 'Everything' },
  { pages: ['audit'], href: '#/access/audit', label: 'Audit trail' },
];

const here = { workspace: workspace ?? 'default' };

export default function AccessPages({ route }: { route: Route }) {
  const session = useSession();
  const isOpen = useIsOpen();
  const user = session?.user;
  const manages = useMayWorkspace(route.page === 'workspace').share;
  if (isOpen || (user && !user.is_admin && route.page !== 'workspace'))
    return (
      <div className="state">
        <h2>{isOpen ? 'Nobody needs to log in here' : 'This page is for administrators'}</h2>
        <p className="faint">
          {isOpen
            ? 'This server runs without authentication: everybody who reaches it may do everything.'
            : 'Your own account and tokens are on the page of your profile.'}
        </p>
        <div className="state-actions">
          <a className="button primary" href={isOpen ? '#/' : '#/profile'}>
            {isOpen ? 'All experiments' : 'Profile'}
          </a>
        </div>
      </div>
    );
  if (!user) return <Loading />;
  return (
    <div className="page account">
      <div className="page-head">
        <div className="page-title">
          <h1>Access</h1>
        </div>
        {user.is_admin && (
          <nav className="tabs" aria-label="Access">
            {tabs.map(({ pages, href, label }) => (
              <a key={href} href={href} aria-current={pages.includes(route.page) ? 'page' : undefined}>
                {href === '#/access/workspace' && session?.workspaces ? 'Workspace' : label}
              </a>
            ))}
          </nav>
        )}
      </div>
      <div className="page-body scrolls" tabIndex={0} role="region" aria-label="Access">
        <div className="account-body">
          {route.page === 'users' && <Users />}
          {route.page === 'user' && <User key={route.username} username={route.username} />}
          {route.page === 'groups' && <Groups />}
          {route.page === 'group' && <Group key={route.group} name={route.group} />}
          {route.page === 'audit' && <Audit />}
          {route.page === 'workspace' && <WorkspaceAccess object={here} canManage={manages} />}
        </div>
      </div>
    </div>
  );
}
