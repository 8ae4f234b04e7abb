// What a page did lately, told in a few lines when a test fails: one failure in a log should be enough to know its cause.

// Enough for what led to a failure, few enough for a log of which the end is seen.
const mostRequests = 12;
const mostMessages = 6;
const mostLines = 45;
const mostLetters = 220;
// A page that hangs cannot be asked.
const askMs = 10_000;

const watched = new WeakMap();

/** Remembers the latest requests and messages of a page, and what it still waits for. */
export function watch(page) {
  const seen = { requests: [], pending: new Set(), messages: [] };
  watched.set(page, seen);
  const started = new Map();
  const statuses = new Map();
  const say = (text) => {
    seen.messages = [...seen.messages, `${clock()} ${text}`].slice(-mostMessages);
  };
  const ended = (request, outcome) => {
    const line = `${clock()} ${wordsOf(request)}: ${outcome} after ${Date.now() - started.get(request)} ms`;
    // Parts of the dashboard that came tell nothing.
    if (outcome !== 200 || !request.url().includes('/assets/'))
      seen.requests = [...seen.requests, line].slice(-mostRequests);
    seen.pending.delete(request);
    started.delete(request);
    statuses.delete(request);
  };
  page.on('request', (request) => {
    started.set(request, Date.now());
    seen.pending.add(request);
  });
  page.on('response', (response) => statuses.set(response.request(), response.status()));
  page.on('requestfinished', (request) => ended(request, statuses.get(request)));
  page.on('requestfailed', (request) => ended(request, request.failure()?.errorText ?? 'failed'));
  page.on('console', (message) => say(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => say(`exception: ${error.stack ?? error.message}`));
  page.on('crash', () => say('the page crashed'));
}

const clock = () => new Date().toISOString().slice(11, 23);
const short = (text) => text.replace(/\s+/g, ' ').slice(0, mostLetters);

function wordsOf(request) {
  const { pathname, search } = new URL(request.url());
  const body = request.postData();
  return short(`${request.method()} ${pathname}${search}${body ? ` ${body}` : ''}`);
}

/** Asks the page; gives what went wrong instead where it does not answer. */
function ask(question) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error('the page does not answer')), askMs);
  });
  return Promise.race([question(), late])
    .catch((error) => `(${short(String(error.message))})`)
    .finally(() => clearTimeout(timer));
}

/** What a page shows, one line for each element: an open dialog first, then the page itself, and what is on every page last. */
function inOrder(snapshot) {
  const lines = snapshot.split('\n').filter((line) => !/^\s*- \/url: /.test(line));
  const depth = (line) => line.search(/\S/);
  const parts = { dialog: [], main: [], rest: [] };
  let part = 'rest';
  let within = -1;
  for (const line of lines) {
    if (depth(line) <= within)
      [part, within] = part === 'dialog' && depth(line) > 0 ? ['main', 0] : ['rest', -1];
    const begins = part === 'dialog' ? undefined : /^\s*- (dialog|main)\b/.exec(line)?.[1];
    if (begins) [part, within] = [begins, depth(line)];
    parts[part].push(line);
  }
  return [...parts.dialog, ...parts.main, ...parts.rest];
}

/**
 * Where the page is, what it asked and said lately, and what it shows. The first line has something of all this, because the
 * end of a long log tells one line of each failure.
 */
export async function describe(page) {
  const { requests, pending, messages } = watched.get(page);
  const focus = await ask(() =>
    page.evaluate(() => {
      const { activeElement: one } = document;
      return one
        ? `${one.tagName} ${one.id} ${one.getAttribute('aria-label') ?? one.getAttribute('name') ?? ''}`
        : '';
    }),
  );
  const lines = inOrder(await ask(() => page.locator('body').ariaSnapshot({ timeout: askMs })));
  const list = (title, texts) => (texts.length ? [`  ${title}:`, ...texts.map((text) => `    ${text}`)] : []);
  const waiting = [...pending].map(wordsOf);
  const head = [
    `page: ${page.url()} at ${clock()}, focus on ${focus.trim()}`,
    ...(messages.length ? [`it said ${messages.at(-1)}`] : []),
    ...(waiting.length ? [`it waits for ${waiting[0]}`] : []),
    `it shows ${lines.map((line) => line.trim().replace(/^- /, '')).join(', ')}`,
  ];
  return [
    `  ${head.map(short).join('; ')}`,
    ...list('it said', messages.map(short)),
    ...list('it asked', requests),
    ...list('it waits for', waiting.slice(0, mostRequests)),
    ...list(
      'it shows',
      lines.slice(0, mostLines).map((line) => line.slice(0, mostLetters)),
    ),
    ...(lines.length > mostLines ? [`    … ${lines.length - mostLines} lines more`] : []),
  ].join('\n');
}

/**
 * Waits until the page has the answers to all that it asked, and to what it asked because of them; not for a moment without
 * requests, which a page that looks again and again may never have.
 */
export async function answered(page) {
  const { pending } = watched.get(page);
  for (let round = 0; round < 3; round++) {
    // Whatever it is about to ask.
    await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => setTimeout(go))));
    await Promise.all(
      [...pending].map((request) =>
        request
          .response()
          .then((one) => one?.finished())
          .catch(() => undefined),
      ),
    );
  }
}
