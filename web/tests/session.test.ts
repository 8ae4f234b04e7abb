// Requests before, while and after somebody is logged in, over a server that is made of a few lines here.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Http from '../src/api/http';
import type * as SessionModule from '../src/api/session';

interface Sent {
  path: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
}

/** What the stand-in for the server knows; tests change it as a person or an administrator would. */
const server = {
  auth: true,
  user: undefined as string | undefined,
  token: 'csrf-1',
  /** More seconds to wait after a login; 0: none. */
  wait: 0,
  broken: false,
  sent: [] as Sent[],
};

const reply = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

const refusal = (status: number, code: string, message: string, headers = {}) =>
  reply(status, { error_code: code, message }, headers);

function session() {
  return {
    authentication: server.auth,
    workspaces: false,
    login: { password: true },
    ...(server.user === undefined
      ? {}
      : { user: { username: server.user, is_admin: false, method: 'session' }, csrf_token: server.token }),
  };
}

function answer({ path, method, headers, body }: Sent): Response {
  if (path === 'api/tally/v1/session') return reply(200, session());
  if (path === 'api/tally/v1/login') {
    if (server.wait > 0)
      return refusal(429, 'REQUEST_LIMIT_EXCEEDED', 'Too many.', { 'Retry-After': String(server.wait) });
    const { username, password } = body as { username: string; password: string };
    if (password !== 'right')
      return refusal(401, 'UNAUTHENTICATED', 'The user name or the password is wrong.');
    server.user = username;
    return reply(200, session());
  }
  if (server.auth && server.user === undefined) return refusal(401, 'UNAUTHENTICATED', 'Send credentials.');
  if (path === 'api/tally/v1/logout') {
    server.user = undefined;
    return reply(200, {});
  }
  if (server.auth && method !== 'GET' && headers['X-Tally-CSRF-Token'] !== server.token)
    return refusal(403, 'PERMISSION_DENIED', 'A login by cookie needs the header.');
  if (path.endsWith('/forbidden')) return refusal(403, 'PERMISSION_DENIED', 'This needs EDIT.');
  return reply(200, { by: server.user ?? 'everybody' });
}

let http: typeof Http;
let sessions: typeof SessionModule;
const memory = new Map<string, string>();

beforeEach(async () => {
  Object.assign(server, { auth: true, user: undefined, token: 'csrf-1', wait: 0, broken: false, sent: [] });
  memory.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
    removeItem: (key: string) => void memory.delete(key),
  });
  vi.stubGlobal('BroadcastChannel', undefined);
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    if (server.broken) return Promise.reject(new TypeError('refused'));
    const sent: Sent = {
      path: url,
      method: init.method ?? 'GET',
      headers: (init.headers ?? {}) as Record<string, string>,
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
    };
    server.sent.push(sent);
    return Promise.resolve(answer(sent));
  });
  await load();
});

/** The modules as a page that was just opened has them. */
async function load() {
  vi.resetModules();
  http = await import('../src/api/http');
  sessions = await import('../src/api/session');
}

afterEach(() => vi.unstubAllGlobals());

const paths = () => server.sent.map(({ path }) => path.replace('ajax-api/2.0/mlflow/', ''));
const tick = () => new Promise((resume) => setTimeout(resume, 5));

describe('without authentication', () => {
  it('sends the first request beside the question who is logged in, and neither waits nor adds anything', async () => {
    server.auth = false;
    sessions.startSession();
    const first = http.post('experiments/search', { max_results: 1 });
    expect(paths()).toEqual(['api/tally/v1/session', 'experiments/search']);
    await expect(first).resolves.toEqual({ by: 'everybody' });
    expect(server.sent[1]?.headers).toEqual({ 'Content-Type': 'application/json' });
  });
  it('takes a server that knows no sessions for one without authentication', async () => {
    vi.stubGlobal('fetch', (url: string) => {
      server.sent.push({ path: url, method: 'GET', headers: {}, body: undefined });
      return Promise.resolve(
        url.endsWith('session')
          ? refusal(404, 'ENDPOINT_NOT_FOUND', 'No such path.')
          : refusal(401, 'X', 'No.'),
      );
    });
    sessions.startSession();
    await expect(http.get('runs/get')).rejects.toMatchObject({ status: 401 });
  });
  it('does not ask about a refusal', async () => {
    server.auth = false;
    sessions.startSession();
    await tick();
    await expect(http.post('forbidden', {})).rejects.toMatchObject({ status: 403 });
    expect(paths()).toEqual(['api/tally/v1/session', 'forbidden']);
  });
});

describe('when nobody is logged in', () => {
  it('holds a request until somebody is, then sends it with the token of their session', async () => {
    sessions.startSession();
    const first = http.post('runs/search', {});
    await tick();
    expect(paths()).toEqual(['api/tally/v1/session', 'runs/search']);
    await sessions.logIn('anna', 'right');
    await expect(first).resolves.toEqual({ by: 'anna' });
    expect(server.sent.at(-1)?.headers['X-Tally-CSRF-Token']).toBe('csrf-1');
  });
  it('asks nothing before that where the last visit met authentication', async () => {
    memory.set('tally.authentication', '"on"');
    await load();
    sessions.startSession();
    const first = http.get('runs/get');
    await tick();
    expect(paths()).toEqual(['api/tally/v1/session']);
    await sessions.logIn('anna', 'right');
    await expect(first).resolves.toEqual({ by: 'anna' });
  });
  it('lets go of a request that nobody waits for', async () => {
    sessions.startSession();
    await tick();
    const stop = new AbortController();
    const first = http.get('runs/get', {}, stop.signal);
    stop.abort();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    await sessions.logIn('anna', 'right');
    await tick();
    expect(paths()).not.toContain('runs/get');
  });
  it('says why a login failed, and how long to wait', async () => {
    sessions.startSession();
    await expect(sessions.logIn('anna', 'wrong')).rejects.toThrow('The user name or the password is wrong.');
    server.wait = 27;
    await expect(sessions.logIn('anna', 'right')).rejects.toMatchObject({ status: 429, waitS: 27 });
    expect(paths()).toEqual(['api/tally/v1/session', 'api/tally/v1/login', 'api/tally/v1/login']);
  });
});

describe('when the session ends during work', () => {
  const begin = async () => {
    server.user = 'anna';
    sessions.startSession();
    await tick();
    server.user = undefined;
    const save = http.post('runs/set-tag', { key: 'a' });
    // Looked at by the test, but perhaps not before it is refused.
    save.catch(() => undefined);
    await tick();
    return { save };
  };
  it('sends what was about to be sent once the same person is back', async () => {
    const come = vi.fn();
    sessions.onEntered(come);
    const { save } = await begin();
    server.token = 'csrf-2';
    await sessions.logIn('anna', 'right');
    await expect(save).resolves.toEqual({ by: 'anna' });
    expect(server.sent.at(-1)).toMatchObject({ method: 'POST', body: { key: 'a' } });
    expect(server.sent.at(-1)?.headers['X-Tally-CSRF-Token']).toBe('csrf-2');
    expect(come.mock.calls).toEqual([[false]]);
  });
  it('never does in the name of another what the first one began', async () => {
    const come = vi.fn();
    sessions.onEntered(come);
    const { save } = await begin();
    await sessions.logIn('bob', 'right');
    await expect(save).rejects.toMatchObject({ status: 401 });
    expect(paths().filter((path) => path === 'runs/set-tag')).toHaveLength(1);
    expect(come.mock.calls).toEqual([[true]]);
  });
});

describe('tokens against forged requests', () => {
  it('are asked for anew when the session is another one by now', async () => {
    server.user = 'anna';
    sessions.startSession();
    await tick();
    server.token = 'csrf-2';
    await expect(http.post('runs/set-tag', {})).resolves.toEqual({ by: 'anna' });
    expect(paths()).toEqual(['api/tally/v1/session', 'runs/set-tag', 'api/tally/v1/session', 'runs/set-tag']);
  });
  it('do not make a refusal be tried again, but what one may do is looked at again', async () => {
    server.user = 'anna';
    sessions.startSession();
    await tick();
    const refused = vi.fn();
    sessions.onRefused(refused);
    await expect(http.post('forbidden', {})).rejects.toThrow('This needs EDIT.');
    expect(paths().filter((path) => path === 'forbidden')).toHaveLength(1);
    expect(refused).toHaveBeenCalledTimes(1);
  });
  it('are not sent with what only reads', async () => {
    server.user = 'anna';
    sessions.startSession();
    await tick();
    await http.get('runs/get');
    expect(server.sent.at(-1)?.headers).toEqual({});
  });
});

describe('logging out', () => {
  it('forgets, and holds what comes after', async () => {
    server.user = 'anna';
    sessions.startSession();
    await tick();
    const come = vi.fn();
    sessions.onEntered(come);
    await sessions.logOut();
    expect(come.mock.calls).toEqual([[true]]);
    void http.get('runs/get').catch(() => undefined);
    await tick();
    expect(paths().at(-1)).toBe('api/tally/v1/logout');
  });
  it('works when the session was over anyway', async () => {
    server.user = 'anna';
    sessions.startSession();
    await tick();
    server.user = undefined;
    await expect(sessions.logOut()).resolves.toBeUndefined();
  });
});

it('asks again who is logged in when the server was away at first', async () => {
  server.user = 'anna';
  server.broken = true;
  sessions.startSession();
  await expect(http.get('runs/get')).rejects.toMatchObject({ status: 0 });
  server.broken = false;
  await http.get('runs/get');
  await tick();
  expect(paths().filter((path) => path === 'api/tally/v1/session')).toHaveLength(1);
});
