// Who is logged in: asked once when the page starts, told to all parts of it, and minded by every request.
//
// DESIGN
// Without authentication nothing may get slower, so requests do not wait for the session; they run beside it. Where the
// last visit met authentication they do wait, because a change needs the session's token, and because asking before
// somebody is logged in is of no use. A request that is refused because nobody is logged in any more is not lost: it
// waits until the same person is back and is sent again. When somebody else comes, all that was loaded is forgotten.
import { useSyncExternalStore } from 'react';
import { recall, remember } from '../lib/storage';
import { workspace } from '../lib/workspace';
import { ApiError, askUnguarded, onReturn, setGuard } from './http';

export interface SessionUser {
  username: string;
  is_admin: boolean;
  is_service?: boolean;
  /** How the server recognised them: session, password, token, jwt or proxy. */
  method: string;
  groups?: string[];
  /** What opens the account: a password here, the provider, or neither. */
  login?: 'password' | 'oidc' | 'proxy' | 'none';
}

export interface Session {
  authentication: boolean;
  workspaces: boolean;
  login?: { password?: boolean; oidc?: { issuer: string } };
  user?: SessionUser;
  /** To be sent with every change; only there when a cookie says who it is. */
  csrf_token?: string;
  workspace?: string;
}

/**
 * open: everybody may do everything. in: somebody is logged in. out: nobody is. lost: nobody is any more, and the page
 * of who was is still there. unknown: the server has not said yet.
 */
export type Phase = 'unknown' | 'open' | 'in' | 'out' | 'lost';

const tokenHeader = 'X-Tally-CSRF-Token';
const workspaceHeader = 'X-MLFLOW-WORKSPACE';
// Who somebody says to be where nobody logs in; the ledger of the registry has it as said, not as known.
const actorHeader = 'X-Tally-Actor';
export const actorKey = 'actor';

/** What a server without this part of the API means. */
const open: Session = { authentication: false, workspaces: false };

interface State {
  session: Session | undefined;
  phase: Phase;
  /** Whose page this is, also while they are away. */
  owner: string | undefined;
  /** Another number for every owner but the first: nothing of a page outlives that. */
  epoch: number;
}

// What the last visit met; the answer of the server is what counts.
const remembered = recall<'on' | 'off' | null>('authentication', null);
let state: State = { session: undefined, phase: 'unknown', owner: undefined, epoch: 0 };
let asking: Promise<Session | undefined> | undefined;

const listeners = new Set<() => void>();
const entered = new Set<(other: boolean) => void>();
const refused = new Set<() => void>();
interface Waiter {
  resolve: () => void;
  reject: (cause: unknown) => void;
}
const waiters = new Set<Waiter>();

// Tabs tell each other, so that a login or logout in one is one in all.
const others = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('tally-session');

function set(session: Session, phase: Phase, owner: string | undefined, other = false): void {
  state = { session, phase, owner, epoch: state.epoch + (other ? 1 : 0) };
  for (const listener of listeners) listener();
}

/** Takes in what the server says. */
function apply(session: Session): void {
  const { owner } = state;
  remember('authentication', session.authentication ? 'on' : 'off');
  if (!session.authentication) {
    set(session, 'open', undefined);
    release();
  } else if (session.user) {
    const came = state.phase !== 'in' || owner !== session.user.username;
    const other = owner !== undefined && owner !== session.user.username;
    set(session, 'in', session.user.username, other);
    if (came && owner !== undefined) for (const one of entered) one(other);
    release();
  } else if (owner === undefined) set(session, 'out', undefined);
  // What they may do is as before, or the page would lose what they were about to do.
  else set(state.session ?? session, 'lost', owner);
}

function nobody(): boolean {
  return state.phase === 'out' || state.phase === 'lost';
}

function release(): void {
  const all = [...waiters];
  waiters.clear();
  for (const { resolve } of all) resolve();
}

/** Asks the server; several at once share one answer. Undefined when it does not answer. */
export function askSession(): Promise<Session | undefined> {
  asking ??= askUnguarded<Session>('GET', 'session', {})
    .catch((cause: unknown) => {
      if (cause instanceof ApiError && (cause.status === 404 || cause.status === 501)) return open;
      return undefined;
    })
    .then((session) => {
      asking = undefined;
      if (session) apply(session);
      return session;
    });
  return asking;
}

function whenIn(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiter = { resolve, reject };
    waiters.add(waiter);
    signal?.addEventListener('abort', () => {
      waiters.delete(waiter);
      reject(new DOMException('Nobody waits for it any more.', 'AbortError'));
    });
  });
}

async function known(signal: AbortSignal | undefined): Promise<void> {
  await asking;
  if (nobody()) await whenIn(signal);
}

function before(signal: AbortSignal | undefined): Promise<void> | undefined {
  if (nobody()) return whenIn(signal);
  if (state.phase === 'unknown' && asking && remembered === 'on') return known(signal);
  return undefined;
}

function headers(changes: boolean): Record<string, string> {
  const token = state.session?.csrf_token;
  const actor = changes && state.phase === 'open' ? recall(actorKey, '').trim() : '';
  return {
    // A header holds bytes: those of the name in UTF-8, each as a character.
    ...(actor === '' ? {} : { [actorHeader]: String.fromCharCode(...new TextEncoder().encode(actor)) }),
    ...(changes && token !== undefined ? { [tokenHeader]: token } : {}),
    ...(workspace !== undefined && state.session?.workspaces !== false
      ? { [workspaceHeader]: workspace }
      : {}),
  };
}

async function again(
  error: ApiError,
  sent: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (state.phase === 'open') return false;
  if (error.status === 401) {
    const { owner } = state;
    if (!nobody()) {
      const session = await askSession();
      if (!session?.authentication) return false;
    }
    if (nobody()) await whenIn(signal);
    // What one person began is not done in the name of the next.
    return owner === undefined || owner === state.owner;
  }
  if (error.status === 403) {
    // Perhaps the session began while the request was on its way, or is another one now.
    const { owner } = state;
    const session = await askSession();
    const token = session?.csrf_token;
    if (token !== undefined && token !== sent[tokenHeader] && (owner === undefined || owner === state.owner))
      return true;
    for (const one of refused) one();
  }
  return false;
}

/** Puts the guard before all requests and asks who is logged in. */
export function startSession(): void {
  setGuard({ before, headers, again });
  onReturn(() => {
    if (!state.session) void askSession();
  });
  if (others)
    others.onmessage = (event: MessageEvent<unknown>) => {
      if (event.data === 'out' && state.phase === 'in') forget();
      else void askSession();
    };
  void askSession();
}

/** Whoever was here is gone: nothing of them stays. */
export function forget(): void {
  if (state.session) {
    const { authentication, workspaces, login } = state.session;
    set({ authentication, workspaces, ...(login ? { login } : {}) }, 'out', undefined, true);
  }
  for (const one of entered) one(true);
}

export async function logIn(username: string, password: string): Promise<void> {
  const session = await askUnguarded<Session>('POST', 'login', headers(true), { username, password });
  // The cookie is for encrypted pages: without one the next request would be nobody's again.
  if (typeof window !== 'undefined' && !window.isSecureContext && !(await askSession())?.user)
    throw new Error(
      'The password is right, but the browser keeps no login for a page that is not encrypted.',
    );
  apply(session);
  tellOthers();
}

/** Other tabs look again who is logged in. */
export function tellOthers(): void {
  others?.postMessage('in');
}

export async function logOut(): Promise<void> {
  await askUnguarded('POST', 'logout', headers(true), {}).catch((cause: unknown) => {
    // Whoever was not logged in any more is logged out all the same.
    if (!(cause instanceof ApiError && cause.status === 401)) throw cause;
  });
  forget();
  others?.postMessage('out');
}

/** Calls back when somebody came: with true when all that was loaded was another's. */
export function onEntered(listener: (other: boolean) => void): () => void {
  entered.add(listener);
  return () => entered.delete(listener);
}

/** Calls back when the server refused somebody: what they may do is not what was thought. */
export function onRefused(listener: () => void): () => void {
  refused.add(listener);
  return () => refused.delete(listener);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSession(): Session | undefined {
  return useSyncExternalStore(subscribe, () => state.session);
}

export function usePhase(): Phase {
  return useSyncExternalStore(subscribe, () => state.phase);
}

/** Whose page this is: undefined when it is nobody's, or everybody's. */
export function useOwner(): string | undefined {
  return useSyncExternalStore(subscribe, () => state.owner);
}

export function useEpoch(): number {
  return useSyncExternalStore(subscribe, () => state.epoch);
}

/** True when everybody may do everything; until the server has said so, what it said at the last visit. */
export function useIsOpen(): boolean {
  const phase = usePhase();
  return phase === 'open' || (phase === 'unknown' && remembered === 'off');
}
