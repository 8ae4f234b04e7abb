// The profile with its tokens, and the pages for administrators.
import { adminName, another, base, comes, equal, go, logInAs, mark, ok, test, until } from '../harness.mjs';
import { grant, makeExperiment, makeRun, makeUser, password, tally } from '../api.mjs';

/** A request of a program that has a token. */
const byToken = (secret, method, path, body) =>
  fetch(`${base}${path}`, {
    method,
    headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const asUser = async (context, name, options) => {
  const username = await makeUser(name, options);
  await context.clearCookies();
  await logInAs(context, username, password);
  return username;
};

test('tokens: made, shown once, used, revoked', { login: true }, async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => undefined);
  const username = await asUser(context, 'token-owner');
  const id = await makeExperiment(`tokens ${mark}`);
  await grant(id, { username }, 'MANAGE');
  await go(page, '#/profile');
  await page.getByText('No tokens yet.').waitFor();
  await page.getByRole('button', { name: 'New token' }).click();
  const form = page.getByRole('dialog', { name: 'New token' });
  await form.getByLabel('What is it for?').fill('the cluster');
  await comes(
    () => form.getByRole('radio', { name: /^EDIT/ }).isChecked(),
    true,
    'a token logs, and no more',
  );
  equal(await form.getByRole('checkbox', { checked: true }).count(), 0, 'protected actions that go along');
  equal(await form.getByText('administrator').count(), 0, 'what only administrators are offered');
  await form.getByLabel('Good for').selectOption('7 days');
  await form.getByRole('button', { name: 'Make token' }).click();

  const shown = page.getByRole('dialog', { name: 'Token the cluster' });
  const secret = await shown.getByRole('textbox', { name: 'The token' }).inputValue();
  ok(/^tly_[-\w]{20,}$/.test(secret), 'a token');
  await shown.getByText(`export MLFLOW_TRACKING_TOKEN=${secret}`).waitFor();
  await shown.getByText('-H "Authorization: Bearer $MLFLOW_TRACKING_TOKEN"').waitFor();
  await page.keyboard.press('Escape');
  await page.mouse.click(5, 5);
  await comes(() => shown.isVisible(), true, 'nothing but its button takes it away');
  await shown.getByRole('button', { name: 'Copy it' }).click();
  await comes(() => page.evaluate(() => navigator.clipboard.readText()), secret, 'clipboard');
  await shown.getByRole('button', { name: 'I have stored it' }).click();
  await shown.waitFor({ state: 'hidden' });
  const row = page.getByRole('row').filter({ hasText: 'the cluster' });
  await row.getByText(secret.slice(0, 6)).waitFor();
  await row.getByText(/^in (6 d|1 w)$/).waitFor();
  ok(!(await page.content()).includes(secret), 'the token is nowhere any more');
  await page.reload();
  await row.waitFor();
  ok(!(await page.content()).includes(secret), 'nor after a reload');

  const create = await byToken(secret, 'POST', 'api/2.0/mlflow/runs/create', { experiment_id: id });
  equal(create.status, 200, 'a program may log');
  const run = (await create.json()).run.info.run_id;
  const remove = await byToken(secret, 'POST', 'api/2.0/mlflow/runs/delete', { run_id: run });
  equal(remove.status, 403, 'but delete no more than the token allows');

  await row.getByRole('button', { name: 'Revoke the cluster' }).click();
  await page.getByRole('dialog', { name: 'Revoke token' }).getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('No tokens yet.').waitFor();
  equal(
    (await byToken(secret, 'GET', 'api/2.0/mlflow/experiments/get?experiment_id=' + id)).status,
    401,
    'revoked',
  );
});

test(
  'tokens: protected actions, the day they end, and what no form sends',
  { login: true },
  async ({ page, context }) => {
    const username = await asUser(context, 'token-maker');
    await go(page, '#/profile');
    await page.getByRole('button', { name: 'New token' }).click();
    const form = page.getByRole('dialog', { name: 'New token' });
    await form.getByLabel('What is it for?').fill('release');
    await form.getByRole('radio', { name: /^READ/ }).check();
    await comes(() => form.getByRole('checkbox').count(), 0, 'who only reads needs no actions');
    await form.getByRole('radio', { name: /^MANAGE/ }).check();
    for (const [action, chosen] of [
      ['promote', true],
      ['delete', true],
      ['webhooks', true],
      ['force', false],
    ])
      await comes(
        () => form.getByRole('checkbox', { name: new RegExp(`^${action}`) }).isChecked(),
        chosen,
        action,
      );
    await form.getByRole('checkbox', { name: /^delete/ }).uncheck();
    await form.getByLabel('Good for').selectOption('Until a day…');
    await form.getByLabel('Last day').fill('2020-01-01');
    await comes(
      () => form.getByRole('button', { name: 'Make token' }).isDisabled(),
      true,
      'no token that has ended already',
    );
    await form.getByLabel('Good for').selectOption('For ever');
    await form.getByText('A token that never ends').waitFor();
    await form.getByRole('button', { name: 'Make token' }).click();
    await page.getByRole('button', { name: 'I have stored it' }).click();
    const { tokens } = await tally('GET', `tokens?username=${username}`);
    equal(
      [tokens[0].name, tokens[0].permission, [...tokens[0].actions].sort(), tokens[0].expires_at_ms],
      ['release', 'MANAGE', ['promote', 'webhooks'], undefined],
      'the token as the server has it',
    );
  },
);

test(
  'password: changed by its owner, who stays, while other sessions end',
  { login: true, expects: [/status of 40[13]/] },
  async ({ page, context }) => {
    const username = await asUser(context, 'owner');
    const elsewhere = await another(username, password);
    await go(elsewhere.page, '');
    await elsewhere.page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
    await go(page, '#/profile');
    const change = async (current, next, again) => {
      await page.getByLabel('Current password').fill(current);
      await page.getByLabel('New password', { exact: true }).fill(next);
      await page.getByLabel('New password, again').fill(again);
      await page.getByRole('button', { name: 'Change password' }).click();
    };
    await change(password, 'a stable of mules', 'a stable of mule');
    await page.getByRole('alert').filter({ hasText: 'not the same' }).waitFor();
    await change('not the password', 'a stable of mules', 'a stable of mules');
    await page.getByRole('alert').filter({ hasText: 'The current password is wrong' }).waitFor();
    await change(password, 'a stable of mules', 'a stable of mules');
    await page.getByText('The password is changed.').waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: username }).waitFor();
    await elsewhere.page.getByRole('searchbox').waitFor();
    await elsewhere.page.keyboard.press('r');
    await elsewhere.page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    await elsewhere.context.close();
    await context.clearCookies();
    await logInAs(context, username, 'a stable of mules');
  },
);

test(
  'users: made, found, made an administrator, shut out, removed',
  { login: true, expects: [/status of 4\d\d/] },
  async ({ page }) => {
    const name = `made-by-hand-${mark}`;
    await go(page, '#/access/users');
    const make = async (username, secret) => {
      await page.getByRole('button', { name: 'New user' }).click();
      const form = page.getByRole('dialog', { name: 'New user' });
      await form.getByLabel('User name').fill(username);
      await form.getByLabel('Password').fill(secret);
      await form.getByRole('button', { name: 'Create' }).click();
      return form;
    };
    const form = await make(name, 'short');
    await form.getByRole('alert').filter({ hasText: '12' }).waitFor();
    await form.getByLabel('Password').fill(password);
    await form.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name }).waitFor();
    await page.getByRole('link', { name: 'Users', exact: true }).first().click();
    const taken = await make(name, password);
    await taken.getByRole('alert').waitFor();
    await taken.getByRole('button', { name: 'Cancel' }).click();

    await page.getByRole('searchbox', { name: 'Search users' }).fill(name.toUpperCase());
    const rows = page.getByRole('table', { name: 'Users' }).locator('tbody tr');
    await until('one user is left', async () => (await rows.count()) === 1);
    await rows.getByRole('link', { name }).click();

    await page.getByRole('button', { name: 'Make administrator' }).click();
    await page.getByText(`${name} is an administrator.`).waitFor();
    await page.getByRole('button', { name: 'Take administration away' }).click();
    await page.getByText(`${name} is no administrator.`).waitFor();

    await page.getByLabel('Requests in a second').fill('many');
    await comes(
      () => page.getByRole('button', { name: 'Save quotas' }).isDisabled(),
      true,
      'a quota is a number',
    );
    await page.getByLabel('Requests in a second').fill('20');
    await page.getByLabel('Bytes in a day').fill('2 GiB');
    // What was saved comes back only after the next is typed.
    let release;
    const typed = new Promise((resume) => (release = resume));
    await page.route(`**/api/tally/v1/users/${name}`, async (route) => {
      if (route.request().method() === 'GET') await typed;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Save quotas' }).click();
    await page.getByText('The quotas are saved.').waitFor();
    const read = async () => (await tally('GET', `users/${name}`)).user;
    let user = await read();
    equal([user.requests_per_s, user.bytes_per_day], [20, 2 * 1024 ** 3], 'quotas');
    await page.getByLabel('Requests in a second').fill('');
    release();
    await page.getByRole('button', { name: 'Save quotas' }).click();
    await until(
      'the quota is the server’s own again',
      async () => (await read()).requests_per_s === undefined,
    );

    await page.getByRole('button', { name: 'Disable', exact: true }).click();
    await page.getByRole('dialog', { name: 'Disable user' }).getByRole('button', { name: 'Disable' }).click();
    await page.getByText(`${name} is disabled.`).waitFor();
    const refusal = await page.request.post(`${base}api/tally/v1/login`, {
      data: { username: name, password },
    });
    equal(refusal.status(), 401, 'login of who is disabled');
    await page.getByRole('button', { name: 'Enable', exact: true }).click();
    await page.getByText(`${name} is let in again.`).waitFor();

    await page.getByRole('button', { name: 'Set password' }).click();
    const secret = page.getByRole('dialog', { name: `Password of ${name}` });
    await secret.getByLabel('New password').fill('a paddock of ponies');
    await secret.getByRole('button', { name: 'Set password' }).click();
    const visit = await another(name, 'a paddock of ponies');
    await visit.context.close();

    await page.getByRole('button', { name: 'Delete user' }).click();
    const sure = page.getByRole('dialog', { name: 'Delete user' });
    await comes(
      () => sure.getByRole('button', { name: 'Delete for good' }).isDisabled(),
      true,
      'the name is to be typed first',
    );
    await sure.getByRole('textbox').fill(name);
    await sure.getByRole('button', { name: 'Delete for good' }).click();
    await page.getByRole('table', { name: 'Users' }).or(page.getByText('No user matches')).waitFor();
    await go(page, `#/access/users/${name}`);
    await page.getByRole('heading', { name: 'There is no such user' }).waitFor();
  },
);

test(
  'users: the last administrator stays one',
  { login: true, expects: [/status of 409/] },
  async ({ page }) => {
    const { users } = await tally('GET', 'users?max_results=1000');
    ok(users.filter((user) => user.is_admin).length === 1, 'this server has one administrator');
    await go(page, `#/access/users/${adminName}`);
    await page.getByRole('button', { name: 'Disable', exact: true }).click();
    const sure = page.getByRole('dialog', { name: 'Disable user' });
    await sure.getByRole('button', { name: 'Disable' }).click();
    await sure.getByRole('alert').filter({ hasText: 'administrator' }).waitFor();
    await sure.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('An administrator, who may do everything everywhere.').waitFor();
  },
);

test('service accounts: no password, tokens by administrators', { login: true }, async ({ page }) => {
  const name = `robot-${mark}`;
  const id = await makeExperiment(`robots ${mark}`);
  await go(page, '#/access/users');
  await page.getByRole('button', { name: 'New user' }).click();
  const form = page.getByRole('dialog', { name: 'New user' });
  await form.getByRole('button', { name: 'Service account' }).click();
  await comes(() => form.getByLabel('Password').count(), 0, 'a program has no password');
  await form.getByLabel('User name').fill(name);
  await form.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name }).waitFor();
  await comes(() => page.getByRole('button', { name: 'Set password' }).count(), 0, 'nor gets one');
  await grant(id, { username: name }, 'READ');
  await page.getByRole('button', { name: 'New token' }).click();
  const token = page.getByRole('dialog', { name: `New token of ${name}` });
  await token.getByLabel('What is it for?').fill('nightly');
  await token.getByRole('button', { name: 'Make token' }).click();
  const secret = await page.getByRole('textbox', { name: 'The token' }).inputValue();
  await page.getByRole('button', { name: 'I have stored it' }).click();
  const get = (experiment) =>
    byToken(secret, 'GET', `api/2.0/mlflow/experiments/get?experiment_id=${experiment}`);
  equal((await get(id)).status, 200, 'what the robot was granted');
  equal(
    (await byToken(secret, 'POST', 'api/2.0/mlflow/runs/create', { experiment_id: id })).status,
    403,
    'and no more',
  );
  await page.getByRole('row').filter({ hasText: 'nightly' }).waitFor();
  await page.reload();
  await page.getByRole('table', { name: 'Grants' }).getByText(`robots ${mark}`).waitFor();
  await page.getByRole('button', { name: 'Revoke nightly' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('No tokens yet.').waitFor();
  equal((await get(id)).status, 401, 'after the revocation');
});

test(
  'groups: what they are granted holds for their members',
  { login: true, expects: [/status of 404/] },
  async ({ page }) => {
    const group = `herd-${mark}`;
    const member = await makeUser('member');
    const id = await makeExperiment(`of the herd ${mark}`);
    await go(page, '#/access/groups');
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByRole('dialog', { name: 'New group' }).getByLabel('Name').fill(group);
    await page.getByRole('dialog', { name: 'New group' }).getByRole('button', { name: 'Create' }).click();
    await page.getByText('Nobody is in this group yet.').waitFor();
    const add = async (name) => {
      await page.getByRole('combobox', { name: 'User name' }).fill(name);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
    };
    await add(`nobody-of-this-name-${mark}`);
    await page.locator('.toast-failed').waitFor();
    await add(member);
    await page.getByRole('table', { name: 'Members' }).getByRole('link', { name: member }).waitFor();
    await grant(id, { group }, 'READ');
    const visit = await another(member, password);
    await go(visit.page, `#/experiments/${id}`);
    await visit.page.getByRole('heading', { level: 1, name: `of the herd ${mark}` }).waitFor();
    await go(visit.page, '#/profile');
    await visit.page.getByText(group).waitFor();

    await page.getByRole('link', { name: member }).click();
    await page.getByRole('link', { name: group }).waitFor();
    await page.getByRole('button', { name: `Take out of ${group}` }).click();
    await page.getByText(`${member} left ${group}.`).waitFor();
    await go(visit.page, `#/experiments/${id}`);
    await visit.page.reload();
    await visit.page.getByRole('heading', { name: 'There is no such experiment' }).waitFor();
    await visit.context.close();
    await page.getByRole('combobox', { name: 'Name of a group' }).fill(group);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('link', { name: group }).click();
    await page.getByRole('button', { name: `Take ${member} out` }).click();
    await page.getByText('Nobody is in this group yet.').waitFor();

    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    const sure = page.getByRole('dialog', { name: 'Delete group' });
    await sure.getByRole('textbox').fill(group);
    await sure.getByRole('button', { name: 'Delete for good' }).click();
    await page.getByRole('button', { name: 'New group' }).waitFor();
    await until(
      'the group is gone',
      async () => (await page.getByRole('link', { name: group }).count()) === 0,
    );
  },
);

test('audit trail: newest first, filtered, refusals marked', { login: true }, async ({ page }) => {
  const id = await makeExperiment(`audited ${mark}`);
  const actor = await makeUser('curious');
  const run = await makeRun(id, 'guarded');
  await grant(id, { username: actor }, 'READ');
  await grant(id, { username: actor }, 'EDIT');
  const visit = await another(actor, password);
  const session = await (await visit.context.request.get(`${base}api/tally/v1/session`)).json();
  const answer = await visit.context.request.post(`${base}api/2.0/mlflow/runs/delete`, {
    data: { run_id: run },
    headers: { 'X-Tally-CSRF-Token': session.csrf_token },
  });
  equal(answer.status(), 403, 'what is to be noted');
  await visit.context.close();

  // Refusals are written a moment after the answer.
  await until('the refusal is written', async () => {
    const { entries } = await tally('GET', `audit?actor=${actor}&refused=true`);
    return entries.length > 0;
  });
  await go(page, `#/access/audit?actor=${actor}`);
  const rows = page.getByRole('table', { name: 'Audit trail' }).locator('tbody tr:not(.details)');
  await until('the newest comes first', async () => (await rows.first().textContent()).includes('refused'));
  await until('and the login before it', async () => (await rows.last().textContent()).includes('logged in'));
  await rows
    .first()
    .getByRole('button', { name: /^Details/ })
    .click();
  await page
    .locator('.details')
    .getByText(/this needs MANAGE/i)
    .waitFor();
  await page.getByRole('button', { name: 'Changes', exact: true }).click();
  await until('no refusal is left', async () => (await rows.count()) === 1);
  await page.getByRole('button', { name: 'Refusals', exact: true }).click();
  await until('only the refusal', async () => (await rows.filter({ hasText: 'refused' }).count()) === 1);
  await until('the filter is in the address', () => page.url().includes('show=refused'));

  await go(page, `#/access/audit?object=experiment:${id}&action=grant.set`);
  await until('two grants', async () => (await rows.filter({ hasText: 'set a grant' }).count()) === 2);
  await rows
    .first()
    .getByRole('button', { name: /^Details/ })
    .click();
  const details = page.locator('.details');
  await details.locator('del').filter({ hasText: 'READ' }).waitFor();
  await details.getByText('EDIT', { exact: true }).waitFor();
  await page.getByRole('textbox', { name: 'Who' }).fill('somebody else altogether');
  await page.getByRole('heading', { name: 'No entry matches' }).waitFor();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await until('all of it', async () => (await rows.count()) > 3);
  await page.getByLabel('To', { exact: true }).fill('2020-01-01');
  await page.getByRole('heading', { name: 'No entry matches' }).waitFor();
});

test('pages for administrators are closed to others', { login: true }, async ({ page, context }) => {
  await asUser(context, 'nosy');
  for (const hash of ['#/access/users', `#/access/users/${adminName}`, '#/access/groups', '#/access/audit']) {
    await go(page, hash);
    await page.getByRole('heading', { name: 'This page is for administrators' }).waitFor();
  }
});
