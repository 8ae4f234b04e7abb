// Who can see an experiment, changed by one person and seen by another; and that nobody is offered what is refused.
import { another, comes, equal, go, mark, rowOf, test, until } from '../harness.mjs';
import {
  grant,
  makeExperiment,
  makeModel,
  makeRun,
  makeUser,
  password,
  putArtifact,
  tally,
} from '../api.mjs';
import { answered } from '../watch.mjs';

/** The buttons in sight that say one of these words. */
const buttons = (page, words) => page.getByRole('button', { name: words });

test(
  'sharing: what is granted by one person is what another sees',
  { login: true, expects: [/status of 404/] },
  async ({ page }) => {
    const name = `shared ${mark}`;
    const id = await makeExperiment(name);
    await makeRun(id, 'the run', { metrics: { loss: [1] } });
    const username = await makeUser('colleague');
    const other = await another(username, password);
    const see = async () => {
      await go(other.page, `#/experiments/${id}`);
      await other.page.reload();
    };
    await see();
    await other.page.getByRole('heading', { name: 'There is no such experiment' }).waitFor();

    await go(page, `#/experiments/${id}`);
    await rowOf(page, 'the run').waitFor();
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    const panel = page.getByRole('dialog', { name: `Who can see ${name}` });
    await panel.getByText('Everybody else does not know that it is there.').waitFor();
    const give = async (who, permission) => {
      await panel.getByRole('combobox', { name: 'User name' }).fill(who);
      await panel.getByRole('combobox', { name: 'Permission', exact: true }).selectOption(permission);
      await panel.getByRole('button', { name: 'Grant', exact: true }).click();
    };
    await give(`nobody-${mark}`, 'READ');
    await page.locator('.toast-failed').waitFor();
    await give(username, 'READ');
    const seers = panel.getByRole('table', { name: 'Who can see it' });
    await seers.getByRole('row').filter({ hasText: username }).filter({ hasText: 'READ' }).waitFor();

    await see();
    await rowOf(other.page, 'the run').waitFor();
    equal(
      await buttons(other.page, /Rename|Delete\b|Restore|Add a description|Share/).count(),
      0,
      'buttons of a reader',
    );
    await other.page.getByRole('button', { name: 'My rights' }).click();
    const why = other.page.getByRole('dialog', { name: `Who can see ${name}` });
    await why.getByText(`${username} has READ`).waitFor();
    await why.locator('.rules .decides').getByText('a grant of their own').waitFor();
    equal(await why.getByRole('combobox').count(), 0, 'nothing to change for a reader');
    await other.page.keyboard.press('Escape');

    await panel.getByRole('combobox', { name: `Permission of ${username}` }).selectOption('EDIT');
    await seers.getByRole('row').filter({ hasText: username }).filter({ hasText: 'EDIT' }).waitFor();
    await see();
    await other.page.getByRole('button', { name: 'Rename experiment' }).waitFor();
    await other.page.getByRole('checkbox', { name: 'Select the run' }).check();
    await comes(() => buttons(other.page, /^Delete$/).count(), 0, 'EDIT does not delete');

    await panel.getByRole('button', { name: `Protected actions of ${username}` }).click();
    await panel.getByRole('checkbox', { name: /^delete/ }).check();
    await until('the server has it', async () => {
      const { grants } = await tally('GET', `grants?experiment_id=${id}`);
      return grants.some((one) => one.username === username && one.actions?.includes('delete'));
    });
    await see();
    await other.page.getByRole('checkbox', { name: 'Select the run' }).check();
    await buttons(other.page, /^Delete$/).click();
    await other.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await until('the run is gone', async () => (await rowOf(other.page, 'the run').count()) === 0);

    await panel.getByRole('button', { name: `Protected actions of ${username}` }).press('Escape');
    equal(await panel.isVisible(), true, 'Escape takes away what is open in the panel, and not the panel');
    await panel.getByRole('button', { name: `Why ${username}?` }).click();
    await panel.locator('.why').getByText(`${username} has EDIT`).waitFor();
    await panel.getByRole('button', { name: `Remove the grant of ${username}` }).click();
    await until(
      'nobody is left',
      async () => (await seers.getByRole('row').filter({ hasText: username }).count()) === 0,
    );
    await see();
    await other.page.getByRole('heading', { name: 'There is no such experiment' }).waitFor();
    await panel.getByRole('combobox', { name: 'Somebody else' }).fill(username);
    await panel.getByRole('button', { name: 'Why, or why not?' }).click();
    await panel.locator('.why').getByText(`${username} has No access`).waitFor();
    await other.context.close();
  },
);

test(
  'sharing: groups, one’s own right to share, and force',
  { login: true, expects: [/status of 40[34]/] },
  async ({ page }) => {
    const group = `crew-${mark}`;
    await tally('POST', 'groups', { name: group });
    const owner = await makeUser('sharer');
    const id = await makeExperiment(`crew ${mark}`);
    await grant(id, { username: owner }, 'MANAGE');
    const other = await another(owner, password);
    await go(other.page, `#/experiments/${id}`);
    await other.page.getByRole('button', { name: 'Share', exact: true }).click();
    const panel = other.page.getByRole('dialog', { name: `Who can see crew ${mark}` });
    await panel.getByRole('button', { name: 'Group', exact: true }).click();
    await panel.getByRole('combobox', { name: 'Name of a group' }).fill(group);
    await panel.getByRole('button', { name: 'Grant', exact: true }).click();
    const row = panel.getByRole('table', { name: 'Grants' }).getByRole('row').filter({ hasText: group });
    await row.waitFor();
    await row.getByRole('button', { name: `Protected actions of ${group}` }).click();
    await comes(
      () => row.getByRole('checkbox', { name: /^force/ }).isDisabled(),
      true,
      'nobody gives away force without having it',
    );
    await comes(() => row.getByRole('checkbox', { name: /^delete/ }).isEnabled(), true, 'but what they have');
    await other.page.keyboard.press('Escape');

    await panel.getByRole('combobox', { name: `Permission of ${owner}` }).selectOption('READ');
    const sure = other.page.getByRole('dialog', { name: 'Give up your own right to share?' });
    await sure.getByRole('button', { name: 'Cancel' }).click();
    await comes(
      () => panel.getByRole('combobox', { name: `Permission of ${owner}` }).inputValue(),
      'MANAGE',
      'nothing has changed',
    );
    await panel.getByRole('button', { name: `Remove the grant of ${owner}` }).click();
    await sure.getByRole('button', { name: 'Go on' }).click();
    await until('the right is gone', async () => {
      const { grants } = await tally('GET', `grants?experiment_id=${id}`);
      return !grants.some((one) => one.username === owner);
    });
    await other.context.close();
    await go(page, `#/access/groups/${group}`);
    await page
      .getByRole('table', { name: 'Grants' })
      .getByRole('link', { name: `crew ${mark}` })
      .waitFor();
  },
);

test('sharing: everything at once', { login: true }, async ({ page }) => {
  const group = `all-hands-${mark}`;
  await tally('POST', 'groups', { name: group });
  const username = await makeUser('hand');
  await tally('PUT', `groups/${group}/members/${username}`);
  const id = await makeExperiment(`for all hands ${mark}`);
  await go(page, '#/access/workspace');
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByRole('combobox', { name: 'Name of a group' }).fill(group);
  await page.getByRole('button', { name: 'Grant', exact: true }).click();
  await page.getByRole('combobox', { name: `Permission of ${group}` }).waitFor();
  const visit = await another(username, password);
  await go(visit.page, `#/experiments/${id}`);
  await visit.page.getByRole('heading', { level: 1, name: `for all hands ${mark}` }).waitFor();
  await visit.page.getByRole('button', { name: 'My rights' }).click();
  await visit.page.locator('.rules .decides').getByText(`group ${group}`).waitFor();
  await visit.context.close();
  await page.getByRole('button', { name: `Remove the grant of ${group}` }).click();
  // A message speaks of it for some seconds more.
  const one = page.getByRole('combobox', { name: `Permission of ${group}` });
  await until('it is gone', async () => (await one.count()) === 0);
});

/** Words of every control that changes something. */
const changing = /New experiment|Rename|Delete\b|Restore|Edit|Add|Upload|Replace|Save|Share|Undo/;

test('a reader is offered nothing that would be refused', { login: true }, async () => {
  const name = `read only ${mark}`;
  const id = await makeExperiment(name, 'Described by **others**.');
  const run = await makeRun(id, 'to look at', {
    metrics: { loss: [3, 2] },
    params: { lr: '1' },
    tags: { team: 'red' },
  });
  const bare = await makeRun(id, 'bare', { status: 'FINISHED' });
  await putArtifact(`${id}/${run}/artifacts/notes.txt`, 'words');
  const model = await makeModel(id, run, 'net', { MLmodel: 'flavors: {}' });
  const empty = await makeExperiment(`read only and empty ${mark}`);
  const username = await makeUser('reader');
  for (const one of [id, empty]) await grant(one, { username }, 'READ');
  const { page, context, troubles } = await another(username, password);
  const none = async (what) => equal(await buttons(page, changing).allTextContents(), [], what);
  const places = [
    ['', () => rowOf(page, name).hover(), /New experiment/],
    [
      `#/experiments/${id}`,
      async () => {
        await rowOf(page, 'to look at').waitFor();
        await page.getByRole('checkbox', { name: 'Select to look at' }).check();
      },
    ],
    [
      `#/experiments/${id}?show=deleted`,
      () => page.getByRole('heading', { name: 'No deleted runs' }).waitFor(),
    ],
    [
      `#/experiments/${empty}`,
      () => page.getByRole('heading', { name: 'No runs in this experiment yet' }).waitFor(),
    ],
    [`#/experiments/${id}/runs/${run}`, () => page.getByRole('table', { name: 'Latest metrics' }).waitFor()],
    [`#/experiments/${id}/runs/${run}/metrics`, () => page.locator('figure[data-metric="loss"]').waitFor()],
    [
      `#/experiments/${id}/runs/${run}/tags`,
      () => page.getByRole('table', { name: 'Tags', exact: true }).waitFor(),
    ],
    [
      `#/experiments/${id}/runs/${run}/artifacts`,
      () => page.getByRole('table', { name: 'Entries' }).waitFor(),
    ],
    [
      `#/experiments/${id}/runs/${bare}/artifacts`,
      () => page.getByText('This run has no files yet.').waitFor(),
    ],
    [`#/experiments/${id}/models/${model}`, () => page.getByRole('table', { name: 'Entries' }).waitFor()],
    [`#/compare?runs=${run},${bare}`, () => page.getByRole('table', { name: 'Runs side by side' }).waitFor()],
  ];
  for (const [hash, ready, but] of places) {
    await go(page, hash);
    await ready();
    // What one may do comes with an answer of its own: nothing may turn up late.
    await answered(page);
    if (but) {
      const offered = await buttons(page, changing).allTextContents();
      equal(
        offered.filter((text) => !but.test(text)),
        [],
        `buttons on ${hash || 'the list of experiments'}`,
      );
    } else await none(`buttons on ${hash}`);
    equal(await page.getByText('curl ').count(), 0, `how to log, on ${hash}`);
  }
  equal(troubles, [], 'nothing was refused meanwhile');

  // The same pages with one permission more, so that the absence above is no accident.
  await grant(id, { username }, 'MANAGE');
  await go(page, `#/experiments/${id}/runs/${run}/tags`);
  await page.reload();
  await page.getByRole('button', { name: 'Edit team' }).waitFor();
  await page.getByRole('button', { name: 'Rename run' }).waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).waitFor();
  await go(page, `#/experiments/${id}/runs/${run}/artifacts`);
  await page.getByRole('button', { name: 'Upload' }).waitFor();
  await go(page, '');
  await rowOf(page, name).hover();
  await page.getByRole('button', { name: `Rename ${name}` }).waitFor();
  await page.getByRole('button', { name: `Delete ${name}` }).waitFor();
  await rowOf(page, `read only and empty ${mark}`).hover();
  await answered(page);
  equal(await buttons(page, `Rename read only and empty ${mark}`).count(), 0, 'each row by its own rights');
  await context.close();
});

test(
  'a right that is taken away takes the buttons with it',
  { login: true, expects: [/status of 403/] },
  async () => {
    const id = await makeExperiment(`taken ${mark}`);
    const username = await makeUser('demoted');
    await grant(id, { username }, 'EDIT');
    const { page, context } = await another(username, password);
    await go(page, `#/experiments/${id}`);
    await page.getByRole('button', { name: 'Rename experiment' }).click();
    await grant(id, { username }, 'READ');
    await page.getByRole('textbox', { name: 'Rename experiment' }).fill(`not any more ${mark}`);
    await page.keyboard.press('Enter');
    await page.locator('.toast-failed').filter({ hasText: 'this needs EDIT' }).waitFor();
    await page.keyboard.press('Escape');
    await until('the button is gone', async () => (await buttons(page, 'Rename experiment').count()) === 0);
    await context.close();
  },
);
