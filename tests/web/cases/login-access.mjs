// The pages about accounts for everybody: checked by axe in both themes, and on a narrow screen.
import { adminName, adminPassword, comes, go, logInAs, mark, ok, test } from '../harness.mjs';
import { grant, makeExperiment, makeRun, makeUser, tally } from '../api.mjs';
import { tooWide, violationsOf } from '../page-checks.mjs';

let made;
function scene() {
  made ??= (async () => {
    const id = await makeExperiment(`accounts ${mark}`);
    await makeRun(id, 'one', { metrics: { loss: [1] } });
    const username = await makeUser('somebody.with.a.long.name@example.com');
    const group = `a-group-with-a-long-name-${mark}`;
    await tally('POST', 'groups', { name: group });
    await tally('PUT', `groups/${group}/members/${encodeURIComponent(username)}`);
    await grant(id, { username }, 'EDIT', ['delete']);
    await grant(id, { group }, 'READ');
    await tally('POST', 'tokens', {
      name: 'a token that is called at length what it is for',
      permission: 'MANAGE',
      username,
    });
    await tally('POST', 'tokens', { name: `own ${mark}`, permission: 'READ', expires_in_s: 86400 });
    return { id, username, group };
  })();
  return made;
}

/** Each page, and what is opened on it. */
const places = ({ id, username, group }) => ({
  profile: {
    hash: '#/profile',
    ready: (page) => page.getByRole('table', { name: 'Tokens' }).waitFor(),
    open: {
      'new token': async (page) => page.getByRole('button', { name: 'New token' }).click(),
      account: async (page) => page.getByRole('button', { name: `Account of ${adminName}` }).click(),
    },
  },
  users: {
    hash: `#/access/users?q=${mark}`,
    ready: (page) => page.getByRole('table', { name: 'Users' }).waitFor(),
    open: { 'new user': async (page) => page.getByRole('button', { name: 'New user' }).click() },
  },
  'no users': {
    hash: `#/access/users?q=nobody-${mark}`,
    ready: (page) => page.getByText('No user matches').waitFor(),
  },
  user: {
    hash: `#/access/users/${encodeURIComponent(username)}`,
    ready: (page) => page.getByRole('table', { name: 'Grants' }).waitFor(),
    open: { 'delete user': async (page) => page.getByRole('button', { name: 'Delete user' }).click() },
  },
  groups: {
    hash: `#/access/groups?q=${mark}`,
    ready: (page) => page.getByRole('table', { name: 'Groups' }).waitFor(),
  },
  group: {
    hash: `#/access/groups/${encodeURIComponent(group)}`,
    ready: (page) => page.getByRole('table', { name: 'Members' }).waitFor(),
  },
  audit: {
    hash: '#/access/audit',
    ready: async (page) => {
      await page.getByRole('table', { name: 'Audit trail' }).waitFor();
      await page
        .getByRole('button', { name: /^Details/ })
        .first()
        .click();
    },
  },
  everything: {
    hash: '#/access/workspace',
    ready: (page) => page.getByRole('heading', { name: 'Who can see it' }).waitFor(),
  },
  experiment: {
    hash: `#/experiments/${id}`,
    ready: (page) => page.getByRole('button', { name: 'Share', exact: true }).waitFor(),
    open: {
      sharing: async (page) => {
        await page.getByRole('button', { name: 'Share', exact: true }).click();
        await page.getByRole('button', { name: `Why ${username}?` }).click();
        await page.locator('.rules').waitFor();
      },
    },
  },
});

for (const colorScheme of ['light', 'dark'])
  test(
    `accessible: logins and accounts, ${colorScheme}`,
    { login: 'nobody', context: { colorScheme }, expects: [/status of 401/] },
    async ({ page, context }) => {
      const found = [];
      await go(page, '#/profile');
      await page.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
      found.push(...(await violationsOf(page, 'login')));
      await page.getByLabel('User name').fill(`nobody-${mark}`);
      await page.getByLabel('Password').fill('wrong');
      await page.keyboard.press('Enter');
      await page.locator('.form-error').waitFor();
      found.push(...(await violationsOf(page, 'refused login')));
      const pages = Object.entries(places(await scene()));
      await logInAs(context, adminName, adminPassword);
      await page.reload();
      for (const [name, { hash, ready, open = {} }] of pages) {
        await go(page, hash);
        await ready(page);
        found.push(...(await violationsOf(page, name)));
        for (const [what, show] of Object.entries(open)) {
          await show(page);
          found.push(...(await violationsOf(page, what)));
          await page.keyboard.press('Escape');
        }
      }
      ok(found.length === 0, found.join('\n'));
    },
  );

test(
  'narrow: logins and accounts are no wider than a 360 px screen',
  { login: 'nobody', context: { viewport: { width: 360, height: 740 } }, expects: [/status of 401/] },
  async ({ page, context }) => {
    await go(page, '#/profile');
    await page.getByRole('heading', { name: 'Log in to Tally' }).waitFor();
    await comes(() => tooWide(page), [], 'too wide on the login page');
    const pages = Object.entries(places(await scene()));
    await logInAs(context, adminName, adminPassword);
    await page.reload();
    for (const [name, { hash, ready, open = {} }] of pages) {
      await go(page, hash);
      await ready(page);
      await comes(() => tooWide(page), [], `too wide on ${name}`);
      const wider = () =>
        page.evaluate(() =>
          [...document.querySelectorAll('.page-body')]
            .map((body) => body.scrollWidth - body.clientWidth)
            .filter((more) => more > 0),
        );
      await comes(wider, [], `scrolls sideways: ${name}`);
      for (const [what, show] of Object.entries(open)) {
        await show(page);
        await comes(() => tooWide(page), [], `too wide with ${what}`);
        await page.keyboard.press('Escape');
      }
    }
  },
);

test(
  'keyboard: logging in, the menu and a grant without a mouse',
  { login: 'nobody', expects: [/status of 401/] },
  async ({ page }) => {
    const { id, username } = await scene();
    await go(page, `#/experiments/${id}`);
    await comes(
      () => page.evaluate(() => document.activeElement?.getAttribute('name')),
      'username',
      'what has the focus at first',
    );
    await page.keyboard.type(adminName);
    await page.keyboard.press('Tab');
    await page.keyboard.type(adminPassword);
    await page.keyboard.press('Enter');
    const menu = page.getByRole('button', { name: `Account of ${adminName}` });
    await menu.waitFor();
    await comes(() => page.evaluate(() => document.activeElement?.id), 'main', 'a new page takes the focus');
    await menu.focus();
    await page.keyboard.press('Enter');
    await comes(() => menu.getAttribute('aria-expanded'), 'true', 'the menu is open');
    await page.keyboard.press('Tab');
    await comes(
      () => page.evaluate(() => document.activeElement?.textContent),
      'Profile and tokens',
      'first in the menu',
    );
    await page.keyboard.press('Escape');
    await comes(
      () => menu.evaluate((button) => button === document.activeElement),
      true,
      'Escape leads back to the button',
    );
    await page.getByRole('button', { name: 'Share', exact: true }).focus();
    await page.keyboard.press('Enter');
    const choice = page.getByRole('combobox', { name: `Permission of ${username}` });
    await choice.focus();
    await page.keyboard.press('ArrowDown');
    await page.getByText(`${username}: MANAGE.`).waitFor();
    await page.keyboard.press('Escape');
    await comes(
      () =>
        page
          .getByRole('button', { name: 'Share', exact: true })
          .evaluate((button) => button === document.activeElement),
      true,
      'closing the panel leads back to its button',
    );
  },
);
