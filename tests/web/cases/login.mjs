// Logging in and out, and sessions that end during work.
import {
  admin,
  adminName,
  adminPassword,
  base,
  comes,
  equal,
  go,
  logInAs,
  mark,
  ok,
  rowOf,
  test,
  until,
} from '../harness.mjs';
import { getRun, makeExperiment, makeRun, makeUser, password, grant } from '../api.mjs';

const refused = [/status of 401/];

const fill = async (page, username, secret) => {
  if (username !== undefined) await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(secret);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
};

/** Ends the session of a browser without its knowing, as an administrator or time does. */
async function endSession(context) {
  const [cookie] = (await context.cookies()).filter(({ name }) => name === 'tally_session');
  const headers = { Cookie: `tally_session=${cookie.value}` };
  const session = await (await fetch(`${base}api/tally/v1/session`, { headers })).json();
  const answer = await fetch(`${base}api/tally/v1/logout`, {
    method: 'POST',
    headers: { ...headers, 'X-Tally-CSRF-Token': session.csrf_token, 'Content-Type': 'application/json' },
    body: '{}',
  });
  ok(answer.ok, 'the session is ended');
}

test(
  'login: refused, let in, and back to where one was',
  { login: 'nobody', expects: refused },
  async ({ page, context }) => {
    const id = await makeExperiment(`login ${mark}`);
    await makeRun(id, 'behind the login', { metrics: { loss: [1] } });
    const there = `#/experiments/${id}?filter=${encodeURIComponent("attributes.run_name = 'behind the login'")}`;
    await go(page, there);
    await page.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
    await comes(() => page.title(), 'Log in · Tally', 'title');
    equal(await page.getByRole('link', { name: 'Experiments' }).count(), 0, 'links for who is not known');
    await comes(
      () => page.evaluate(() => document.activeElement?.getAttribute('name')),
      'username',
      'what has the focus',
    );
    await fill(page, adminName, 'not the password');
    await page.getByRole('alert').filter({ hasText: 'The user name or the password is wrong.' }).waitFor();
    await comes(() => page.getByLabel('Password').inputValue(), '', 'the wrong password is gone');
    await comes(
      () => page.evaluate(() => document.activeElement?.getAttribute('name')),
      'password',
      'what has the focus after a refusal',
    );
    await page.keyboard.type(adminPassword);
    await page.keyboard.press('Enter');
    await rowOf(page, 'behind the login').waitFor();
    equal(new URL(page.url()).hash, there, 'address after the login');

    const [cookie] = (await context.cookies()).filter(({ name }) => name === 'tally_session');
    ok(
      cookie.httpOnly && cookie.sameSite === 'Lax',
      'scripts cannot read the cookie, other sites cannot send it',
    );
    equal(
      await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }).includes('csrf')),
      false,
      'nothing of the session is stored by the page',
    );
    await page.reload();
    await rowOf(page, 'behind the login').waitFor();
    await page.getByRole('button', { name: `Account of ${adminName}` }).click();
    for (const name of ['Profile and tokens', 'Users', 'Groups', 'Audit trail'])
      await page.getByRole('link', { name, exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await go(page, '#/login');
    await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
  },
);

test(
  'login: what a link says about where to go stays within the page',
  { login: 'nobody', expects: refused },
  async ({ page }) => {
    await go(
      page,
      `#/login?next=${encodeURIComponent('//elsewhere.example/')}&error=${encodeURIComponent('The provider said no.')}`,
    );
    await page.getByRole('alert').filter({ hasText: 'The provider said no.' }).waitFor();
    await fill(page, adminName, adminPassword);
    await page
      .getByRole('heading', { name: 'There is no such page' })
      .or(page.getByRole('heading', { name: 'Experiments', exact: true }))
      .waitFor();
    await until('an address of this server', () => page.url().startsWith(base));
  },
);

test('login: too many attempts', { login: 'nobody', expects: [/status of 4(01|29)/] }, async ({ page }) => {
  // The wait ends when the test says so, and not while it looks.
  await page.clock.install();
  await page.route('**/api/tally/v1/login', (route) =>
    route.fulfill({
      status: 429,
      headers: { 'Retry-After': '600' },
      contentType: 'application/json',
      body: '{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"Too many wrong passwords."}',
    }),
  );
  await go(page, '');
  await fill(page, adminName, 'wrong');
  await page
    .getByRole('alert')
    .filter({ hasText: /Wait \d.* s/ })
    .waitFor();
  await page.getByRole('button', { name: 'Log in', exact: true, disabled: true }).waitFor();
  await page.unroute('**/api/tally/v1/login');
  await page.clock.fastForward(600_000);
  await until('the wait is over', () =>
    page.getByRole('button', { name: 'Log in', exact: true }).isEnabled(),
  );
  await fill(page, undefined, adminPassword);
  await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
});

test(
  'login: at a provider, where the server offers one',
  { login: 'nobody', expects: refused },
  async ({ page }) => {
    await page.route('**/api/tally/v1/session', async (route) => {
      const response = await route.fetch();
      const session = await response.json();
      await route.fulfill({
        response,
        json: {
          ...session,
          login: { password: true, oidc: { issuer: 'https://id.example.com/realms/lab' } },
        },
      });
    });
    await go(page, '#/experiments/0?sort=metric:loss');
    const link = page.getByRole('link', { name: 'Log in with id.example.com' });
    await link.waitFor();
    const url = new URL(await link.getAttribute('href'), base);
    equal(url.pathname, new URL('api/tally/v1/login/oidc', base).pathname, 'where the link leads');
    equal(
      url.searchParams.get('next'),
      `${new URL(base).pathname}#/experiments/0?sort=metric:loss`,
      'where the provider sends back to',
    );
  },
);

test(
  'logout: everywhere in the browser, and nothing stays',
  { login: true, expects: refused },
  async ({ page, context }) => {
    const id = await makeExperiment(`logout ${mark}`);
    await makeRun(id, 'not for everybody', { metrics: { loss: [1] } });
    await go(page, `#/experiments/${id}`);
    await rowOf(page, 'not for everybody').waitFor();
    const other = await context.newPage();
    await other.goto(`${base}#/experiments/${id}`);
    await rowOf(other, 'not for everybody').waitFor();
    await page.getByRole('button', { name: `Account of ${adminName}` }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    for (const one of [page, other]) {
      await one.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
      equal(await one.getByText('not for everybody').count(), 0, 'what the last one saw');
    }
    await page.goBack();
    await page.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
    equal(await page.getByText('not for everybody').count(), 0, 'what going back shows');
    await comes(
      () => page.evaluate(() => document.activeElement?.getAttribute('name')),
      'username',
      'what has the focus each time',
    );
    // One login is one for all tabs as well.
    await fill(other, adminName, adminPassword);
    await rowOf(other, 'not for everybody').waitFor();
    await page.getByRole('button', { name: `Account of ${adminName}` }).waitFor();
  },
);

test(
  'a session that ends during work: what was typed is kept, and saved after the login',
  { login: true, expects: refused },
  async ({ page, context }) => {
    const id = await makeExperiment(`expiry ${mark}`);
    const run = await makeRun(id, 'kept', { status: 'FINISHED' });
    await go(page, `#/experiments/${id}/runs/${run}/tags`);
    await page.getByLabel('Key of the new tag').fill('typed');
    await page.getByLabel('Value of the new tag').fill('before the end');
    await endSession(context);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    await comes(() => dialog.getByLabel('User name').inputValue(), adminName, 'whose session it was');
    await page.keyboard.press('Escape');
    await comes(() => dialog.isVisible(), true, 'it stays: without a login there is nothing to do here');
    await comes(() => page.getByLabel('Key of the new tag').inputValue(), 'typed', 'what was typed');
    await fill(dialog, undefined, 'not the password');
    await dialog.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
    await fill(dialog, undefined, adminPassword);
    await page.getByRole('row').filter({ hasText: 'before the end' }).waitFor();
    await comes(() => dialog.count(), 0, 'the dialog is gone');
    const tags = (await getRun(run)).data.tags;
    equal(tags.find((tag) => tag.key === 'typed')?.value, 'before the end', 'the tag on the server');
  },
);

test(
  'a session that ends: another person finds nothing of the first',
  { login: true, expects: [...refused, /status of 404/] },
  async ({ page, context }) => {
    const id = await makeExperiment(`changing hands ${mark}`);
    await makeRun(id, 'of the first', { metrics: { loss: [1] } });
    const visitor = await makeUser('visitor');
    await go(page, `#/experiments/${id}`);
    await rowOf(page, 'of the first').waitFor();
    await endSession(context);
    await page.getByRole('button', { name: 'Refresh' }).click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByRole('button', { name: `I am not ${adminName}` }).click();
    await page.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
    await fill(page, visitor, password);
    await page.getByRole('heading', { name: 'There is no such experiment' }).waitFor();
    equal(await page.getByText('of the first').count(), 0, 'what the first one saw');
    await page.getByRole('button', { name: `Account of ${visitor}` }).click();
    equal(await page.getByRole('link', { name: 'Users' }).count(), 0, 'pages for administrators');
  },
);

test(
  'a session that ends: the login of another tab is enough',
  { login: true, expects: refused },
  async ({ page, context }) => {
    const id = await makeExperiment(`two tabs ${mark}`);
    await makeRun(id, 'still here', { metrics: { loss: [1] } });
    await go(page, `#/experiments/${id}`);
    await rowOf(page, 'still here').waitFor();
    await endSession(context);
    await page.getByRole('button', { name: 'Refresh' }).click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    await logInAs(context, adminName, adminPassword);
    await until('the dialog is gone', async () => {
      // As when one comes back to the tab.
      await page.evaluate(() => window.dispatchEvent(new Event('focus')));
      return (await dialog.count()) === 0;
    });
    await comes(() => rowOf(page, 'still here').isVisible(), true, 'the page is still there');
  },
);

test(
  'a page that was open before: changes need the token of the session',
  { login: true, expects: [/status of 403/] },
  async ({ page, context }) => {
    const id = await makeExperiment(`token ${mark}`);
    await go(page, `#/experiments/${id}`);
    await page.getByRole('heading', { name: 'No runs in this experiment yet' }).waitFor();
    // A login elsewhere in this browser makes a new session with a new token, of which this page knows nothing.
    await logInAs(context, adminName, adminPassword);
    await page.getByRole('button', { name: 'Rename experiment' }).click();
    await page.getByRole('textbox', { name: 'Rename experiment' }).fill(`token renamed ${mark}`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `token renamed ${mark}` }).waitFor();
  },
);

test(
  'a user without rights: an empty list says so, and experiments can be made',
  { login: true },
  async ({ page, context }) => {
    const newcomer = await makeUser('newcomer');
    await context.clearCookies();
    await logInAs(context, newcomer, password);
    await go(page, '');
    await page.getByRole('button', { name: 'New experiment' }).click();
    const dialog = page.getByRole('dialog', { name: 'New experiment' });
    await dialog.getByLabel('Name').fill(`of the newcomer ${mark}`);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { level: 1, name: `of the newcomer ${mark}` }).waitFor();
    await page.getByText('export MLFLOW_TRACKING_TOKEN=').waitFor();
    await page.getByRole('button', { name: 'Share', exact: true }).waitFor();
  },
);

test(
  'login: every other page asks who it is first',
  { login: 'nobody', expects: refused },
  async ({ page }) => {
    for (const hash of [
      '#/profile',
      '#/access/users',
      '#/access/audit',
      '#/compare?runs=a,b',
      '#/no/such/page',
    ]) {
      await go(page, hash);
      await page.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
    }
    ok(admin !== undefined, 'this server wants a login');
    const id = await makeExperiment(`unseen ${mark}`);
    const reader = await makeUser('comes-later');
    await grant(id, { username: reader }, 'READ');
    await go(page, `#/experiments/${id}`);
    // The form of before goes with its page.
    await page.waitForURL((url) => url.hash.startsWith('#/login') && url.hash.includes(id));
    await fill(page, reader, password);
    await page.getByRole('heading', { level: 1, name: `unseen ${mark}` }).waitFor();
  },
);
