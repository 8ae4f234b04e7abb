// What the tests stand on: one browser, a fresh page for each test, checks that wait, and a watch over the console.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, watch } from './watch.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const modules = createRequire(
  join(process.env.TALLY_WEB_MODULES ?? resolve(here, '../../web'), 'package.json'),
);
const { chromium } = modules('playwright-core');

export const base = `${(process.argv[2] ?? '').replace(/\/+$/, '')}/`;
/** "name:password" of an administrator, where the server wants to know who asks; undefined where it does not. */
export const admin = process.env.TALLY_TEST_ADMIN || undefined;
export const [adminName, adminPassword] = /^([^:]*):(.*)$/s.exec(admin ?? '')?.slice(1) ?? [];
/** Part of every name made by this run, so that the tests do not mind what else the server holds. */
export const mark = `t${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;

// Long enough for a slow machine that runs other tests at the same time: only what fails takes as long. The second is less
// than what a stage of `make check` may take, so that the test is named and not the stage.
const patienceMs = 60_000;
const testMs = 600_000;
// For finding tests that count on a fast browser: how many times slower its pages compute than they could.
const slowdown = Number(process.env.TALLY_WEB_SLOWDOWN ?? 1);

// The last such argument counts, so these are Playwright's own first. The others are pages that a browser loads for its own
// window, for each anew: of its tabs, its address and its buttons, which nobody sees here.
const withoutFeatures = [
  'AutoDeElevate,AvoidUnnecessaryBeforeUnloadCheckSync,BoundaryEventDispatchTracksNodeRemoval',
  'DestroyProfileOnBrowserClose,DialMediaRouteProvider,GlobalMediaControls,HttpsUpgrades,LensOverlay,MediaRouter',
  'OptimizationHints,PaintHolding,RenderDocument,ThirdPartyStoragePartitioning,Translate',
  'InitialWebUI,PreloadTopChromeWebUI,TabSearch,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup',
  'WebUIReloadButton,WebUITabStrip',
].join();

const tests = [];
let browser;
let profile;

export function test(name, options, body) {
  if (typeof options === 'function') tests.push({ name, options: {}, body: options });
  else tests.push({ name, options, body });
}

async function launch() {
  await close();
  profile = mkdtempSync(join(tmpdir(), 'tally-web-'));
  return chromium.launch({
    timeout: patienceMs,
    executablePath: process.env.TALLY_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disable-features=${withoutFeatures}`,
      `--disk-cache-dir=${join(profile, 'cache')}`,
      `--crash-dumps-dir=${join(profile, 'crashes')}`,
    ],
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
}

export async function close() {
  await browser?.close();
  // Processes of the browser that end a moment later may still write there.
  if (profile) rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
}

// Of the test that runs: all contexts, which end with it, and all pages, of which a failure tells.
let contexts = [];
let pages = [];

/** A page that remembers what went wrong in it: console errors, exceptions, refused content, foreign requests. */
async function openPage(options) {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
    ...options,
  });
  contexts.push(context);
  // Its requests as well, which are not those of a page.
  context.setDefaultTimeout(patienceMs);
  context.on('page', (opened) => {
    pages.push(opened);
    watch(opened);
    if (slowdown > 1) void slowDown(context, opened);
  });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`refused by the content security policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  // As in a browser that has been here before: its page knows that it must ask who it is for.
  if (admin !== undefined)
    await context.addInitScript(() => localStorage.setItem('tally.authentication', '"on"'));
  const page = await context.newPage();
  const troubles = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      troubles.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(`exception: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !/^(data|blob):/.test(url)) troubles.push(`foreign request: ${url}`);
  });
  return { context, page, troubles };
}

async function slowDown(context, page) {
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
}

/** Ends what the test opened. Answers that a test gives in the server's place may still be under way. */
async function closePages() {
  await Promise.all(
    pages.map((page) => page.unrouteAll({ behavior: 'ignoreErrors' }).catch(() => undefined)),
  );
  await Promise.all(contexts.map((context) => context.close().catch(() => undefined)));
  contexts = [];
  pages = [];
}

/** Lets the browser come as somebody, as its login page would. */
export async function logInAs(context, username, password) {
  const answer = await context.request.post(`${base}api/tally/v1/login`, { data: { username, password } });
  if (!answer.ok()) throw new Error(`login of ${username}: ${answer.status()} ${await answer.text()}`);
}

/** A second person in a browser of their own; what their page complains about is not judged. */
export async function another(username, password, options = {}) {
  const opened = await openPage(options);
  await logInAs(opened.context, username, password);
  return opened;
}

/**
 * Which tests make sense on this server: those about logins where one must log in, the others where not. Words choose
 * among all that can run: where one must log in, those that are not about it are run by an administrator.
 */
function choose(words) {
  return tests.filter(({ name, options }) => {
    if (words.length > 0 && !words.some((word) => name.includes(word))) return false;
    return options.login ? admin !== undefined : admin === undefined || words.length > 0;
  });
}

// What a log shows of a failure in one line: enough for what was waited for, which Playwright says after its first line.
const mostLetters = 800;

/** A failure on one line: the whole name and what is wrong, without the colours and the lines of a terminal. */
function failureLine(name, error) {
  const message = String(error?.message ?? error)
    .replace(/\p{Cc}\[[0-9;]*m/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  return `FAILED ${name}: ${message.slice(0, mostLetters)}`;
}

/** Where in the tests it was noticed. */
const places = (error) =>
  String(error?.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

/** Refuses when something fails that nobody waits for, such as an answer in the server's place, which would end everything. */
function unawaited() {
  let refuse;
  const failed = new Promise((_, reject) => (refuse = reject));
  failed.catch(() => undefined);
  process.on('unhandledRejection', refuse);
  return { failed, stop: () => process.off('unhandledRejection', refuse) };
}

export async function runAll(words) {
  browser = await launch();
  let passed = 0;
  const failures = [];
  const chosen = choose(words);
  for (const { name, options, body } of chosen) {
    const started = Date.now();
    const stray = unawaited();
    let troubles = [];
    let timer;
    try {
      // One that died took a test with it, and not those that follow.
      if (!browser.isConnected()) browser = await launch();
      const opened = await openPage(options.context);
      const { context, page } = opened;
      troubles = opened.troubles;
      if (admin !== undefined && options.login !== 'nobody') await logInAs(context, adminName, adminPassword);
      const late = new Promise((_, refuse) => {
        timer = setTimeout(() => refuse(new Error(`took longer than ${testMs} ms`)), testMs);
      });
      await Promise.race([body({ page, context, browser }), late, stray.failed]);
      const unexpected = troubles.filter((text) => !options.expects?.some((pattern) => pattern.test(text)));
      if (unexpected.length) throw new Error(`the page complained:\n  ${unexpected.join('\n  ')}`);
      passed++;
      console.log(`ok     ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failures.push(failureLine(name, error));
      console.log(`${failures.at(-1)}\n  after ${Date.now() - started} ms\n${places(error)}`);
      if (troubles.length) console.log(`  ${troubles.join('\n  ')}`);
      for (const page of pages) console.log(await describe(page));
      if (process.env.TALLY_WEB_SHOTS)
        await pages[0]
          ?.screenshot({
            path: join(process.env.TALLY_WEB_SHOTS, `${name.replace(/\W+/g, '-')}.png`),
          })
          .catch(() => undefined);
    } finally {
      clearTimeout(timer);
      await closePages();
      stray.stop();
    }
  }
  return { passed, failures };
}

/** Waits until the function gives something true, and returns it; its last answer is part of the complaint. */
export async function until(what, probe, ms = patienceMs) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}; last: ${JSON.stringify(last)}`);
    await new Promise((resume) => setTimeout(resume, 60));
  }
}

/**
 * Waits until the function gives this value: a page follows what one does a moment later, on a busy machine a long one.
 * What must never be there is looked at once, by `equal`: a wait would let it come and go.
 */
export async function comes(probe, expected, what) {
  const wanted = JSON.stringify(expected);
  let seen;
  await until(`${what}: ${wanted}`, async () => (seen = JSON.stringify(await probe())) === wanted).catch(
    (error) => {
      throw new Error(`${error.message.replace(/; last: .*/s, '')}; found ${seen}`, { cause: error });
    },
  );
}

/** Presses keys that belong together only while they follow each other closely, again and again until they have done it. */
export async function inOneGo(page, keys, what, probe) {
  await until(what, async () => {
    for (const key of keys) await page.keyboard.press(key);
    return until(what, probe, 3000);
  });
}

export function equal(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, found ${a}`);
}

export function ok(value, what) {
  if (!value) throw new Error(`not so: ${what}`);
}

export function go(page, hash) {
  return page.goto(`${base}${hash}`, { waitUntil: 'load' });
}

/** The row of the table of runs or experiments that has this text as its link. */
export function rowOf(page, name) {
  return page.locator('table.grid tbody tr').filter({ has: page.getByRole('link', { name, exact: true }) });
}

/** The chart of a metric, as the words beside it tell it. */
export function chartWords(page, metric) {
  return page.locator(`figure[data-metric="${metric}"] figcaption`).first().textContent();
}
