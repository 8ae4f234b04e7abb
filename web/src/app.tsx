// The frame around every page: top bar, banner while the server is away, shortcuts, messages.
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { probeNow, useReachable } from './api/http';
import { useExperiment, useLoggedModel, useRefresh, useRun, useTitle } from './api/queries';
import { useEpoch, usePhase } from './api/session';
import { experimentHref, registeredHref, runName } from './lib/run';
import { ExperimentsPage } from './pages/experiments';
import { loginHref, navigate, nextHash, replacePlace, usePlace, type Route } from './router';
import { setTheme, useTheme, type Theme } from './theme';
import { Dialog } from './ui/dialog';
import { Icon, Mark, type IconName } from './ui/icons';
import { Loading } from './ui/parts';
import { useShortcuts } from './ui/shortcuts';
import { announce, Toasts } from './ui/toast';
import { UserMenu } from './ui/user-menu';
import { WorkspaceSwitch } from './ui/workspace-switch';

const ExperimentPage = lazy(() => import('./pages/experiment'));
const RunPage = lazy(() => import('./pages/run'));
const ModelPage = lazy(() => import('./pages/model'));
const ComparePage = lazy(() => import('./pages/compare'));
const RegistryPages = lazy(() => import('./registry/pages'));
const LoginPage = lazy(() => import('./pages/login').then((page) => ({ default: page.LoginPage })));
const LoginDialog = lazy(() => import('./pages/login').then((page) => ({ default: page.LoginDialog })));
const ProfilePage = lazy(() => import('./access/profile'));
const AccessPages = lazy(() => import('./access/pages'));

export function App() {
  const { route } = usePlace();
  const phase = usePhase();
  const epoch = useEpoch();
  useLoginPlace();
  const [help, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  const refresh = useRefresh();
  useShortcuts({
    '?': () => setHelp(true),
    'g e': () => navigate('#/'),
    'g m': () => navigate('#/models'),
    'g g': () => navigate('#/gates'),
    r: () => {
      announce('Refreshing.');
      void refresh.everything().then(() => announce('Refreshed.'));
    },
  });
  // Whoever logs in after somebody else finds nothing of what they had open.
  const key = `${epoch} ${pageKey(route)}`;
  const first = useRef(true);
  useEffect(() => {
    // A new page is announced by moving the focus to it, as loading a document would; unless it has put it into a field.
    if (first.current) first.current = false;
    else if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [key]);
  return (
    <>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <TopBar route={route} onHelp={() => setHelp(true)} />
      <AwayBanner />
      <main id="main" ref={main} tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          {phase === 'out' && route.page !== 'login' ? <Loading /> : <Page key={key} route={route} />}
        </Suspense>
      </main>
      {phase === 'lost' && route.page !== 'login' && (
        <Suspense>
          <LoginDialog />
        </Suspense>
      )}
      {help && <Help onClose={() => setHelp(false)} />}
      <Toasts />
    </>
  );
}

/** Leads to the login page whom the server does not know, and back once it does. */
function useLoginPlace(): void {
  const { route, query } = usePlace();
  const phase = usePhase();
  const isLogin = route.page === 'login';
  useEffect(() => {
    if (phase === 'out' && !isLogin) replacePlace(loginHref(location.hash));
    if ((phase === 'in' || phase === 'open') && isLogin && !query.has('done')) replacePlace(nextHash(query));
  }, [phase, isLogin, query]);
}

function pageKey(route: Route): string {
  if (route.page === 'experiment') return `e:${route.experimentId}`;
  if (route.page === 'run') return `r:${route.runId}`;
  if (route.page === 'model') return `m:${route.modelId}`;
  if (route.page === 'registered') return `n:${route.name}`;
  if (route.page === 'version') return `v:${route.version}:${route.name}`;
  if (route.page === 'user') return `u:${route.username}`;
  if (route.page === 'group') return `g:${route.group}`;
  return route.page;
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'experiments':
      return <ExperimentsPage />;
    case 'experiment':
      return <ExperimentPage experimentId={route.experimentId} />;
    case 'run':
      return (
        <RunPage runId={route.runId} experimentId={route.experimentId} tab={route.tab} path={route.path} />
      );
    case 'model':
      return <ModelPage experimentId={route.experimentId} modelId={route.modelId} path={route.path} />;
    case 'compare':
      return <ComparePage runIds={route.runIds} />;
    case 'registry':
    case 'lineage':
    case 'gates':
    case 'registered':
    case 'version':
      return <RegistryPages route={route} />;
    case 'login':
      return <LoginPage />;
    case 'profile':
      return <ProfilePage />;
    case 'users':
    case 'user':
    case 'groups':
    case 'group':
    case 'audit':
    case 'workspace':
      return <AccessPages route={route} />;
    case 'unknown':
      return <NotFound />;
  }
}

function NotFound() {
  useTitle('No such page');
  return (
    <div className="state">
      <h2>There is no such page</h2>
      <p className="faint">The address may be from another tool, or from a newer dashboard than this one.</p>
      <div className="state-actions">
        <a className="button primary" href="#/">
          All experiments
        </a>
      </div>
    </div>
  );
}

// The two halves of what there is; everything else is a page of one of them, or of neither.
const rooms: { href: string; label: string; pages: Route['page'][] }[] = [
  { href: '#/', label: 'Experiments', pages: ['experiments', 'experiment', 'run', 'model', 'compare'] },
  { href: '#/models', label: 'Models', pages: ['registry', 'registered', 'version', 'lineage', 'gates'] },
];

function TopBar({ route, onHelp }: { route: Route; onHelp: () => void }) {
  if (route.page === 'login')
    return (
      <header className="top">
        <span className="crumbs" />
        <ThemeButton />
      </header>
    );
  return (
    <header className="top">
      <a className="brand" href="#/" aria-label="Tally, all experiments">
        <Mark />
        <span>Tally</span>
      </a>
      <WorkspaceSwitch />
      <nav aria-label="Rooms" className="rooms">
        {rooms.map(({ href, label, pages }) => (
          <a
            key={href}
            href={href}
            className={pages.includes(route.page) ? 'here' : undefined}
            aria-current={pages[0] === route.page ? 'page' : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <nav aria-label="Where you are" className="crumbs">
        <ol>
          {'experimentId' in route && (
            <ExperimentCrumb id={route.experimentId} current={route.page === 'experiment'} />
          )}
          {route.page === 'run' && <RunCrumb id={route.runId} />}
          {route.page === 'model' && <ModelCrumb id={route.modelId} />}
          {route.page === 'compare' && <LastCrumb text="Compare" />}
          {route.page === 'lineage' && <LastCrumb text="Lineage" />}
          {route.page === 'gates' && <LastCrumb text="Gates" />}
          {route.page === 'registered' && <LastCrumb text={route.name} />}
          {route.page === 'version' && (
            <>
              <li>
                <a href={registeredHref(route.name)} title={route.name}>
                  {route.name}
                </a>
              </li>
              <LastCrumb text={`Version ${route.version}`} />
            </>
          )}
          {route.page === 'profile' && <LastCrumb text="Profile" />}
          <AccessCrumbs route={route} />
        </ol>
      </nav>
      <ThemeButton />
      <button
        type="button"
        className="quiet icon-only help-button"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={onHelp}
      >
        <Icon name="keyboard" />
      </button>
      <UserMenu />
    </header>
  );
}

function LastCrumb({ text }: { text: string }) {
  return (
    <li>
      <span aria-current="page" title={text}>
        {text}
      </span>
    </li>
  );
}

function AccessCrumbs({ route }: { route: Route }) {
  switch (route.page) {
    case 'users':
      return <LastCrumb text="Users" />;
    case 'groups':
      return <LastCrumb text="Groups" />;
    case 'audit':
      return <LastCrumb text="Audit trail" />;
    case 'workspace':
      return <LastCrumb text="Workspace" />;
    case 'user':
      return (
        <>
          <li>
            <a href="#/access/users">Users</a>
          </li>
          <LastCrumb text={route.username} />
        </>
      );
    case 'group':
      return (
        <>
          <li>
            <a href="#/access/groups">Groups</a>
          </li>
          <LastCrumb text={route.group} />
        </>
      );
    default:
      return null;
  }
}

function ExperimentCrumb({ id, current }: { id: string; current: boolean }) {
  const { data } = useExperiment(id);
  return (
    <li>
      <a href={experimentHref(id)} aria-current={current ? 'page' : undefined} title={data?.name}>
        {data?.name ?? `Experiment ${id}`}
      </a>
    </li>
  );
}

function RunCrumb({ id }: { id: string }) {
  const { data } = useRun(id);
  return <LastCrumb text={data ? runName(data) : id.slice(0, 8)} />;
}

function ModelCrumb({ id }: { id: string }) {
  const { data } = useLoggedModel(id);
  return <LastCrumb text={data?.info.name ?? id} />;
}

const themes: Record<Theme, { next: Theme; icon: IconName; label: string }> = {
  system: { next: 'light', icon: 'auto', label: 'Theme: as the system' },
  light: { next: 'dark', icon: 'sun', label: 'Theme: light' },
  dark: { next: 'system', icon: 'moon', label: 'Theme: dark' },
};

function ThemeButton() {
  const { next, icon, label } = themes[useTheme()];
  return (
    <button
      type="button"
      className="quiet icon-only"
      aria-label={label}
      title={label}
      onClick={() => setTheme(next)}
    >
      <Icon name={icon} />
    </button>
  );
}

function AwayBanner() {
  const reachable = useReachable();
  return (
    <div className="banner-place" role="status" aria-live="polite">
      {!reachable && (
        <div className="banner">
          <Icon name="offline" />
          <span>The server does not answer. What you see may be old; this page looks again by itself.</span>
          <button type="button" className="link" onClick={probeNow}>
            Look now
          </button>
        </div>
      )}
    </div>
  );
}

const shortcuts: [string, [string[], string][]][] = [
  [
    'Everywhere',
    [
      [['/'], 'Filter or search'],
      [['g', 'e'], 'Go to the experiments'],
      [['g', 'm'], 'Go to the registered models'],
      [['g', 'g'], 'Go to the gates of all models'],
      [['r'], 'Refresh'],
      [['?'], 'This list'],
      [['Esc'], 'Close, clear or leave'],
    ],
  ],
  [
    'In tables',
    [
      [['j'], 'Next row (also ↓)'],
      [['k'], 'Previous row (also ↑)'],
      [['Enter'], 'Open the row'],
      [['x'], 'Select the run'],
      [['←'], 'Fold nested runs'],
      [['→'], 'Unfold nested runs'],
      [['c'], 'Compare the selected runs'],
    ],
  ],
  [
    'In the tree of files',
    [
      [['→'], 'Unfold a folder, go into it'],
      [['←'], 'Fold it, go out of it'],
      [['a', '–', 'z'], 'Go to a name that starts so'],
    ],
  ],
  [
    'On charts',
    [
      [['←', '→'], 'Move along the curves'],
      [['drag'], 'Zoom in'],
      [['double click'], 'Zoom out'],
    ],
  ],
];

function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div className="help">
        {shortcuts.map(([title, list]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {list.map(([keys, text]) => (
                <div key={text}>
                  <dt>
                    {keys.map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
