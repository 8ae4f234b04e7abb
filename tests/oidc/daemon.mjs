// Daemons of the tests, their databases, and browsers that visit them.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

export const root = path.join(
  import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname),
  '../..',
);
const cluster = process.env.TALLY_TEST_CLUSTER;
const work = process.env.TALLY_OIDC_WORK;
let number = 0;

export const ADMIN_PASSWORD = 'a long enough password';
export const CLIENT_SECRET = 'secret of the client + /=&:';

// Long enough for a slow machine that runs other tests at the same time: only what fails takes as long.
const patienceMs = 120_000;

const running = new Set();

/** A database of its own; `sql` runs a statement in it and gives its rows as text. */
export function makeDatabase() {
  number += 1;
  const url = execFileSync(
    path.join(root, 'deploy/dev/cluster'),
    ['create', cluster, `oidc_${process.pid}_${number}`],
    {
      encoding: 'utf8',
    },
  ).trim();
  const sql = (text) =>
    execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', text], {
      encoding: 'utf8',
    }).trim();
  return { url, sql };
}

/** Start a daemon with authentication and these settings; gives it once it is ready. */
export async function startDaemon(database, settings = [], environment = {}) {
  number += 1;
  const log = path.join(work, `tallyd-${number}.log`);
  const child = spawn(
    process.env.TALLY_TEST_TALLYD,
    [
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--artifact-store',
      path.join(work, 'artifacts'),
      '--auth',
      ...settings,
    ],
    {
      stdio: ['ignore', 'ignore', fs.openSync(log, 'a')],
      env: {
        ...process.env,
        TALLY_DATABASE_URL: database.url,
        TALLY_BOOTSTRAP_PASSWORD: ADMIN_PASSWORD,
        TALLY_OIDC_CLIENT_SECRET: CLIENT_SECRET,
        ...environment,
      },
    },
  );
  const daemon = { child, log, database, url: undefined, text: () => fs.readFileSync(log, 'utf8') };
  daemon.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  running.add(daemon);
  for (const end = Date.now() + patienceMs; Date.now() < end;) {
    daemon.url = /event"?[=:]"?listening.*address"?[=:]"?(http:\/\/[^ "]+)/.exec(daemon.text())?.[1];
    if (daemon.url && (await get(`${daemon.url}/ready`)).status === 200) return daemon;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`the daemon did not start:\n${daemon.text()}`);
}

/** SIGTERM; it must end in order. */
export async function stopDaemon(daemon) {
  running.delete(daemon);
  daemon.child.kill('SIGTERM');
  const status = await daemon.ended;
  if (status !== 0) throw new Error(`the daemon ended with ${status}:\n${daemon.text().slice(-4000)}`);
}

export function killAll() {
  for (const daemon of running) daemon.child.kill('SIGKILL');
}

/** What the daemons that still run complained about lately, for whoever looks for the reason of a failure. */
export const complaints = () =>
  [...running].flatMap(({ text, url }) =>
    text()
      .split('\n')
      .filter((line) => line !== '' && !/level"?[=:]"?(debug|info)/.test(line))
      .slice(-8)
      .map((line) => `${url}: ${line.slice(0, 500)}`),
  );

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until the function gives something true: what it last said, or refused with, is part of the complaint. */
export async function until(what, probe) {
  let last;
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(100)) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error.message;
    }
  }
  throw new Error(`waited in vain for: ${what}; last: ${JSON.stringify(last)}`);
}

/** A request, never following a redirect. */
export async function get(url, options = {}) {
  try {
    return await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(patienceMs), ...options });
  } catch (cause) {
    if (options.mayFail)
      return { status: 0, headers: new Headers(), text: async () => '', json: async () => ({}) };
    throw new Error(`${options.method ?? 'GET'} ${url}: ${cause.cause ?? cause}`);
  }
}

/** A request from another address of this machine; fetch cannot choose one. */
export function getFrom(address, url, headers) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { localAddress: address, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode, json: () => JSON.parse(text) }));
    });
    request.on('error', reject);
  });
}

/** Who a bearer token stands for: the answer of GET session, or the status that refused it. */
export async function identify(daemon, token) {
  const answer = await get(`${daemon.url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  if (answer.status === 401 || answer.status === 503)
    return { status: answer.status, headers: answer.headers, ...(await answer.json()) };
  const session = await get(`${daemon.url}/api/tally/v1/session`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  return { status: session.status, headers: answer.headers, ...whole(await session.json()) };
}

/** A session document in which groups are there also when there are none: the API leaves empty lists out. */
export function whole(session) {
  if (session.user) session.user.groups ??= [];
  return session;
}

/** A browser: it keeps cookies by host, port and path as browsers do (which forget the port; here hosts are all one, so
 * keeping it tells the provider's from the daemon's). */
export class Browser {
  constructor() {
    this.jar = new Map();
  }

  #key(url) {
    return new URL(url).host;
  }

  cookies(url) {
    const { pathname } = new URL(url);
    return [...(this.jar.get(this.#key(url)) ?? new Map()).values()]
      .filter((cookie) => pathname.startsWith(cookie.path))
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join('; ');
  }

  async open(url, options = {}) {
    const answer = await get(url, {
      ...options,
      headers: { Accept: 'text/html,application/xhtml+xml', Cookie: this.cookies(url), ...options.headers },
    });
    const jar = this.jar.get(this.#key(url)) ?? new Map();
    this.jar.set(this.#key(url), jar);
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const where = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
      const gone =
        attributes.some((part) => /^max-age=0$/i.test(part)) ||
        attributes.some((part) => /^expires=/i.test(part) && Date.parse(part.slice(8)) < Date.now());
      if (gone || value === '') jar.delete(name);
      else jar.set(name, { name, value, path: where, attributes });
    }
    return answer;
  }

  /** Go where the answer says, until it is no redirect any more, or leads to what `until` accepts. */
  async follow(url, until = () => false) {
    for (let steps = 0; steps < 20; steps += 1) {
      if (until(url)) return { url };
      const answer = await this.open(url);
      const next = answer.headers.get('location');
      if (answer.status < 300 || answer.status > 399 || !next) return { url, answer };
      url = new URL(next, url).href;
    }
    throw new Error(`redirects without end at ${url}`);
  }

  /** From a page of the provider back to Tally, as somebody who fills in its forms; gives the address of the callback. */
  async logInAt(url, subject, callback) {
    let at = await this.follow(url, (next) => next.startsWith(callback));
    for (let forms = 0; forms < 4 && at.answer; forms += 1) {
      const page = await at.answer.text();
      const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
      const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
      if (!action || !prompt)
        throw new Error(`no form at ${at.url}: ${at.answer.status} ${page.slice(0, 500)}`);
      const fields = prompt === 'login' ? { prompt, login: subject, password: 'any' } : { prompt };
      const sent = await this.open(new URL(action, at.url).href, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields).toString(),
      });
      at = await this.follow(new URL(sent.headers.get('location'), at.url).href, (next) =>
        next.startsWith(callback),
      );
    }
    return at.url;
  }

  /** The whole login; gives the answer of the callback. */
  async logIn(daemon, subject, next) {
    const query = next === undefined ? '' : `?next=${encodeURIComponent(next)}`;
    const first = await this.open(`${daemon.url}/api/tally/v1/login/oidc${query}`);
    if (first.status !== 302) throw new Error(`login/oidc: ${first.status} ${await first.text()}`);
    const callback = await this.logInAt(first.headers.get('location'), subject, `${daemon.url}/api/`);
    return this.open(callback);
  }

  async session(daemon) {
    return whole(await (await this.open(`${daemon.url}/api/tally/v1/session`)).json());
  }
}
