// The frame of the dashboard: how it is served, its weight, theme, shortcuts, links, and the server going away.
import { base, comes, equal, go, inOneGo, mark, ok, rowOf, test, until } from '../harness.mjs';
import { makeExperiment, makeRun } from '../api.mjs';
import { answered } from '../watch.mjs';

test('served with a strict policy, relative addresses and compression', async ({ page }) => {
  const answers = [];
  page.on('response', (response) => answers.push(response));
  await go(page, '');
  await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
  const document = answers.find((response) => response.url() === base);
  const policy = (await document.headerValue('content-security-policy')) ?? '';
  for (const part of [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
  ])
    ok(policy.includes(part), `the policy "${policy}" has ${part}`);
  ok(!/unsafe-(inline|eval)/.test(policy), `the policy "${policy}" has no unsafe part`);
  const headers = await document.allHeaders();
  equal(headers['cross-origin-opener-policy'], 'same-origin');
  equal(headers['cross-origin-resource-policy'], 'same-origin');
  equal(headers['referrer-policy'], 'no-referrer');
  ok(/camera=\(\)/.test(headers['permissions-policy'] ?? ''), 'the page may not use a camera');
  const html = await document.text();
  for (const [, url] of html.matchAll(/(?:src|href)="([^"]*)"/g))
    ok(url.startsWith('./'), `${url} is relative`);
  ok(!/<style|<script(?![^>]*src=)|\son\w+=|\sstyle=/.test(html), 'the page has nothing inline');
  const script = answers.find((response) => /assets\/index-.*\.js$/.test(response.url()));
  ok(/^(gzip|br)$/.test((await script.headerValue('content-encoding')) ?? ''), 'scripts come compressed');
});

test('first load and the heaviest page stay within the budget', async ({ page, context }) => {
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const kinds = new Map();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, response }) => kinds.set(requestId, response.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (!/ajax-api/.test(kinds.get(requestId) ?? '')) bytes += encodedDataLength;
  });
  const id = await makeExperiment(`budget ${mark}`);
  await makeRun(id, 'one', { metrics: { loss: [3, 2, 1] } });
  await go(page, '');
  await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
  await answered(page);
  ok(bytes > 10_000, 'the count works');
  ok(bytes <= 130_000, `the first load is ${bytes} bytes`);
  await page.evaluate((to) => (location.hash = to), `/experiments/${id}`);
  await page.locator('.plot canvas').first().waitFor();
  ok(bytes <= 200_000, `all parts for tables and charts are ${bytes} bytes`);
});

test(
  'light and dark: as the system says, then as chosen, and remembered',
  { context: { colorScheme: 'dark' } },
  async ({ page }) => {
    await go(page, '');
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const brightness = async () =>
      (await ground())
        .match(/\d+/g)
        .slice(0, 3)
        .reduce((sum, part) => sum + Number(part), 0);
    const dark = (why) => until(`dark because ${why}`, async () => (await brightness()) < 150);
    const light = (why) => until(`light because ${why}`, async () => (await brightness()) > 600);
    await page.getByRole('button', { name: 'Theme: as the system' }).waitFor();
    await dark('the system is dark');
    await page.getByRole('button', { name: 'Theme: as the system' }).click();
    await light('it was chosen');
    await page.reload();
    await page.getByRole('button', { name: 'Theme: light' }).waitFor();
    await light('it was chosen before the reload');
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await dark('it was chosen');
    await comes(
      () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme),
      'dark',
      'colour scheme',
    );
  },
);

test('keyboard: help, search, moving, opening, selecting, going home', async ({ page }) => {
  const id = await makeExperiment(`keys ${mark}`);
  for (const [i, name] of ['first', 'second', 'third'].entries())
    await makeRun(id, name, { start: Date.now() - i * 60_000, metrics: { loss: [1] }, status: 'FINISHED' });
  await go(page, `#/experiments/${id}`);
  await rowOf(page, 'first').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await until('the help is closed', async () => (await page.locator('dialog[open]').count()) === 0);
  const focusedRow = () =>
    page.evaluate(() => document.activeElement?.closest('tr')?.querySelector('a')?.textContent);
  await page.keyboard.press('j');
  await comes(focusedRow, 'first', 'row after j');
  await page.keyboard.press('j');
  await until('the second row has the focus', async () => (await focusedRow()) === 'second');
  await page.keyboard.press('ArrowDown');
  await until('the third row has the focus', async () => (await focusedRow()) === 'third');
  await page.keyboard.press('k');
  await until('the second row has the focus again', async () => (await focusedRow()) === 'second');
  await page.keyboard.press('x');
  await page.getByText('1 run selected').waitFor();
  await comes(() => rowOf(page, 'second').getAttribute('aria-selected'), 'true', 'aria-selected');
  await page.keyboard.press('Escape');
  await until('nothing is selected', async () => (await page.getByText('run selected').count()) === 0);
  await page.keyboard.press('/');
  await comes(
    () => page.evaluate(() => document.activeElement.getAttribute('role')),
    'combobox',
    'focus after /',
  );
  await page.keyboard.type('thi');
  await until('one row is left', async () => (await page.locator('tbody tr[data-run]').count()) === 1);
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await until('all rows are back', async () => (await page.locator('tbody tr[data-run]').count()) === 3);
  await page.keyboard.press('Escape');
  await until('Escape leaves the field', () => page.evaluate(() => document.activeElement === document.body));
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Overview' }).waitFor();
  await inOneGo(page, ['g', 'e'], 'the list of experiments', () =>
    page.getByRole('heading', { name: 'Experiments', exact: true }).isVisible(),
  );
  await comes(() => page.title(), 'Experiments · Tally', 'title');
});

test(
  'links that MLflow prints open, and wrong ones say so',
  { expects: [/status of 404/, /status of 400/] },
  async ({ page }) => {
    const id = await makeExperiment(`links ${mark}`);
    const run = await makeRun(id, 'linked run', { metrics: { loss: [1, 2] } });
    await go(page, `#/experiments/${id}/runs/${run}`);
    await page.getByRole('heading', { level: 1, name: 'linked run' }).waitFor();
    await comes(() => page.title(), 'linked run · Tally', 'title');
    await go(page, `#/experiments/${id}/runs/${run}/model-metrics`);
    await page.locator('figure[data-metric="loss"]').waitFor();
    await go(page, `#/experiments/${id}/runs`);
    await rowOf(page, 'linked run').waitFor();
    await go(page, `#/experiments/${id}/runs/${'0'.repeat(32)}`);
    await page.getByRole('heading', { name: 'There is no such run' }).waitFor();
    await page.getByText('0'.repeat(32)).first().waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await go(page, '#/experiments/999999999');
    await page.getByRole('heading', { name: 'There is no such experiment' }).waitFor();
    await go(page, '#/no/such/page');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  },
);

test('a server that goes away and comes back', { expects: [/Failed to load resource/] }, async ({ page }) => {
  const id = await makeExperiment(`away ${mark}`);
  await makeRun(id, 'before', { metrics: { loss: [1] } });
  await go(page, `#/experiments/${id}`);
  await rowOf(page, 'before').waitFor();
  let away = true;
  await page.route('**/ajax-api/**', (route) =>
    away
      ? route.fulfill({
          status: 503,
          contentType: 'application/json',
          body: '{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The database is away."}',
        })
      : route.continue(),
  );
  await page.getByText('The server does not answer').waitFor();
  await comes(() => rowOf(page, 'before').isVisible(), true, 'what was loaded stays');
  await makeRun(id, 'meanwhile', { metrics: { loss: [1] } });
  away = false;
  await until(
    'the banner is gone',
    async () => (await page.getByText('The server does not answer').count()) === 0,
  );
  await rowOf(page, 'meanwhile').waitFor();
});
