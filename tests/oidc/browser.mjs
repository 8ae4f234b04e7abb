// A real browser: from the dashboard's login page to the provider and back. Needs the built dashboard (make web).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { CLIENT_SECRET, makeDatabase, root, startDaemon, stopDaemon } from './daemon.mjs';
import { describe, watch } from '../web/watch.mjs';
import { TestProvider } from './provider.mjs';

const chromium = process.env.TALLY_CHROMIUM ?? '/usr/bin/chromium';
const web = path.join(root, 'build/web');
const modules = process.env.TALLY_WEB_MODULES ?? path.join(root, 'web');

/** What is missing for these tests; undefined: nothing. */
function lacks() {
  if (!fs.existsSync(path.join(web, 'index.html'))) return 'the built dashboard (make web)';
  if (!fs.existsSync(chromium)) return chromium;
  if (!fs.existsSync(path.join(modules, 'node_modules/playwright-core')))
    return 'playwright-core (make web-packages)';
  return undefined;
}

export async function browserTests(test, skip) {
  const missing = lacks();
  if (missing !== undefined) {
    skip(`a browser logs in: there is no ${missing}`);
    return;
  }
  const { chromium: engine } = createRequire(path.join(modules, 'package.json'))('playwright-core');
  const provider = new TestProvider();
  await provider.start();
  const daemon = await startDaemon(makeDatabase(), [
    `--oidc-issuer=${provider.issuer}`,
    '--oidc-client-id=tally',
    '--oidc-scope=openid profile groups',
    `--web-root=${web}`,
  ]);
  provider.clients = [
    {
      client_id: 'tally',
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${daemon.url}/api/tally/v1/login/oidc/callback`],
    },
  ];
  provider.configure();
  provider.people.set('s-anna', { preferred_username: 'anna', groups: ['ml'] });
  const home = fs.mkdtempSync(path.join(process.env.TALLY_OIDC_WORK, 'browser-'));
  const browser = await engine.launch({
    executablePath: chromium,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });

  const visit = async (run) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    watch(page);
    try {
      await run(page, context);
    } catch (error) {
      error.stack += `\n${await describe(page)}`;
      throw error;
    } finally {
      await context.close();
    }
  };
  const toProvider = async (page, hash) => {
    await page.goto(`${daemon.url}/${hash}`);
    await page.getByRole('link', { name: /^Log in with 127\.0\.0\.1:/ }).click();
    await page.waitForURL(`${provider.issuer}/**`);
  };

  await test('a browser logs in at the provider and comes back to its page', async () => {
    await visit(async (page, context) => {
      await toProvider(page, '#/?q=some+name');
      await page.locator('input[name=login]').fill('s-anna');
      await page.locator('input[name=password]').fill('any');
      await page.locator('button[type=submit]').click();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.waitForURL(`${daemon.url}/**`);
      await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
      assert.equal(new URL(page.url()).hash, '#/?q=some+name');
      const session = await page.evaluate(async () => (await fetch('/api/tally/v1/session')).json());
      assert.equal(session.user.username, 'anna');
      // The provider is on the same host, so its cookies come along; that of the login itself is gone.
      const cookies = (await context.cookies(daemon.url)).filter(({ name }) => name.startsWith('tally_'));
      assert.deepEqual(
        cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
        [{ name: 'tally_session', httpOnly: true, sameSite: 'Lax' }],
      );
    });
  });

  await test('a browser that changes its mind sees why it is not logged in', async () => {
    await visit(async (page) => {
      await toProvider(page, '');
      await page.getByText('Cancel').click();
      await page.waitForURL(`${daemon.url}/**`);
      await page.getByText('The OpenID Connect provider did not log you in (access_denied).').waitFor();
      assert.equal(await page.getByLabel('User name').isVisible(), true);
    });
  });

  await browser.close();
  await stopDaemon(daemon);
  await provider.stop();
}
