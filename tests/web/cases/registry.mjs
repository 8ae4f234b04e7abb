// The model registry by hand: finding and registering models, versions, aliases, gates, promotion, history, comparison.
import { base, comes, equal, go, mark, ok, test, until } from '../harness.mjs';
import {
  call,
  holderOf,
  ledgerOf,
  makeExperiment,
  makeRun,
  makeVersion,
  patternRules,
  post,
  postCheck,
  promoteTo,
  putArtifact,
  putGate,
  registerModel,
  tally,
  versionIn,
} from '../api.mjs';

/** A time as a field for times has it: without seconds when they are 0, which it would take for a malformed value. */
const localTime = (moment) =>
  new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 19)
    .replace(/:00$/, '');

let scenes = 0;

/** A model with versions of runs that differ; the name is new each time. */
async function scene(versions = 3) {
  const name = `churn ${++scenes} ${mark}`;
  const id = await makeExperiment(`for ${name}`);
  await registerModel(name, {
    description: 'Who **leaves**.',
    tags: { team: 'growth' },
  });
  const runs = [];
  for (let i = 1; i <= versions; i++) {
    const run = await makeRun(id, `train-${i}`, {
      metrics: { accuracy: [0.8 + i / 20], loss: [1 / i] },
      params: { lr: String(i), depth: '6' },
      status: 'FINISHED',
    });
    await putArtifact(`${id}/${run}/artifacts/model/MLmodel`, `flavors: ${i}`);
    await putArtifact(`${id}/${run}/artifacts/model/data/weights.bin`, 'the same in all');
    runs.push(run);
    await makeVersion(name, { experimentId: id, runId: run });
  }
  return { name, id, runs, hash: `#/models/${encodeURIComponent(name)}` };
}

const rowOfVersion = (page, version) =>
  page
    .getByRole('grid', { name: 'Versions' })
    .locator('tbody tr')
    .filter({
      has: page.getByRole('link', { name: `Version ${version}`, exact: true }),
    });

test('registry: the list finds models by words and by the language of filters', async ({ page }) => {
  const word = `finder${mark}`;
  await registerModel(`${word} one`, { tags: { team: `risk-${mark}` } });
  await registerModel(`${word} two`);
  await makeVersion(`${word} two`);
  await post('registered-models/alias', {
    name: `${word} two`,
    alias: 'champion',
    version: '1',
  });
  await go(page, '');
  await page.getByRole('link', { name: 'Models', exact: true }).click();
  await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(`${word.toUpperCase()} `);
  const field = page.getByRole('searchbox', { name: 'Filter models' });
  await until('a pause applies it', () => page.url().includes('filter='));
  await comes(() => field.inputValue(), `${word.toUpperCase()} `, 'the space before another word stays');
  await page.keyboard.press('Enter');
  const grid = page.getByRole('grid', { name: 'Registered models' });
  await until('both', async () => (await grid.locator('tbody tr[data-row]').count()) === 2);
  await grid.getByRole('link', { name: '@champion → 1' }).waitFor();
  await grid.getByRole('link', { name: 'v1', exact: true }).waitFor();
  await field.fill(`tags.team = 'risk-${mark}'`);
  await page.keyboard.press('Enter');
  await until('one', async () => (await grid.locator('tbody tr[data-row]').count()) === 1);
  await until('the filter is part of the address', () => page.url().includes('filter='));
  await page.goBack();
  await until('both again', async () => (await grid.locator('tbody tr[data-row]').count()) === 2);
  await page.keyboard.press('Escape');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: word }).waitFor();
});

test('registry: a filter that is wrong says why', { expects: [/status of 400/] }, async ({ page }) => {
  await go(page, `#/models?filter=${encodeURIComponent("color = 'red'")}`);
  await page.locator('.model-filter').getByRole('alert').waitFor();
});

test('registry: many models come page by page', async ({ page }) => {
  const word = `many${mark}`;
  for (let i = 0; i < 130; i += 10)
    await Promise.all(
      Array.from({ length: 10 }, (_, k) => registerModel(`${word} ${String(i + k).padStart(3, '0')}`)),
    );
  await go(page, `#/models?filter=${word}`);
  const grid = page.getByRole('grid', { name: 'Registered models' });
  await grid.locator('tbody tr[data-row]').first().waitFor();
  await until('the whole list', async () => {
    await page.locator('.table-scroll').evaluate((box) => box.scrollTo(0, box.scrollHeight));
    return (await page.locator('.page-title .count').textContent()) === '130';
  });
});

test('registry: a model is registered, described, tagged, renamed and deleted', async ({ page }) => {
  const name = `by hand ${mark}`;
  await go(page, '#/models');
  await page.getByRole('button', { name: 'New model' }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
  await page.getByRole('textbox', { name: 'Description' }).fill('At **first**.');
  await page.getByRole('button', { name: 'Register', exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await page.getByRole('heading', { name: 'Register the first version' }).waitFor();
  await comes(
    () => page.locator('.description strong').textContent(),
    'first',
    'the description is Markdown',
  );
  await page.getByRole('link', { name: /^Tags/ }).click();
  await page.getByRole('textbox', { name: 'Key of the new tag' }).fill('tier');
  await page.getByRole('textbox', { name: 'Value of the new tag' }).fill('gold');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('table', { name: 'Tags', exact: true }).getByText('gold').waitFor();
  await page.getByRole('button', { name: 'Rename model' }).click();
  await page.getByRole('textbox', { name: 'Rename model' }).fill(`renamed ${mark}`);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: `renamed ${mark}` }).waitFor();
  await page.getByRole('button', { name: 'Delete model' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill(`renamed ${mark}`);
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
  const { registered_models: left = [] } = await call(
    'GET',
    `registered-models/search?filter=${encodeURIComponent(`name = 'renamed ${mark}'`)}`,
  );
  equal(left, [], 'it is gone');
});

test('registry: versions with their aliases, checks and gates, and what a gate misses before a promotion', async ({
  page,
}) => {
  const { name, hash } = await scene();
  await promoteTo(name, 'production', 1, 0);
  await putGate(
    name,
    { alias: 'production' },
    { checks: ['tests'], metrics: [{ key: 'accuracy', at_least: 0.9 }] },
  );
  await postCheck(name, 2, 'tests', 'failure', { text: 'two are red' });
  await go(page, hash);
  await rowOfVersion(page, 1).getByText('@production', { exact: true }).first().waitFor();
  await rowOfVersion(page, 2).getByText('tests failed').waitFor({ state: 'attached' });
  await rowOfVersion(page, 2).getByText('is closed to it').waitFor({ state: 'attached' });
  await rowOfVersion(page, 2).getByRole('link', { name: 'train-2' }).waitFor();
  await rowOfVersion(page, 2).getByRole('button', { name: 'Promote version 2' }).click();
  const dialog = page.getByRole('dialog', {
    name: `Promote version 2 of ${name}`,
  });
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('production');
  await dialog.getByText('goes from version 1 to version 2').waitFor();
  const missing = dialog.getByRole('list', { name: 'Missing' });
  await missing.getByText(/tests/).waitFor();
  await comes(
    () => dialog.getByRole('button', { name: /^Promote/ }).isDisabled(),
    true,
    'nothing is sent while something is missing',
  );
  equal(await holderOf(name, 'production'), 1, 'nothing has moved');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });

  await postCheck(name, 3, 'tests', 'success');
  await page.reload();
  await rowOfVersion(page, 3).getByText('is open to it').waitFor({ state: 'attached' });
  await rowOfVersion(page, 3).getByRole('button', { name: 'Promote version 3' }).click();
  const next = page.getByRole('dialog', {
    name: `Promote version 3 of ${name}`,
  });
  await next.getByRole('combobox', { name: 'Alias' }).fill('production');
  await next.getByText('misses nothing').waitFor();
  await next.getByRole('textbox', { name: /^Reason/ }).fill('better in all respects');
  await next.getByRole('textbox', { name: 'Your name' }).fill('Zoë 姓');
  await next.getByRole('button', { name: 'Promote', exact: true }).click();
  await rowOfVersion(page, 3).getByText('@production', { exact: true }).first().waitFor();
  await comes(() => holderOf(name, 'production'), 3, 'it has moved');
  const [entry] = await ledgerOf(name);
  equal(
    [entry.action, entry.actor, entry.claimed, entry.reason, entry.forced],
    ['alias.promote', 'Zoë 姓', true, 'better in all respects', false],
    'the ledger has who and why',
  );
});

test(
  'registry: who is overtaken is told who has it now',
  { expects: [/status of 409/] },
  async ({ page }) => {
    const { name, hash } = await scene();
    await promoteTo(name, 'production', 1, 0);
    await go(page, `${hash}/versions/2`);
    await page.getByRole('button', { name: 'Promote' }).click();
    const dialog = page.getByRole('dialog', {
      name: `Promote version 2 of ${name}`,
    });
    await dialog.getByRole('combobox', { name: 'Alias' }).fill('production');
    await dialog.getByText('goes from version 1 to version 2').waitFor();
    await promoteTo(name, 'production', 3, 1);
    await dialog.getByRole('button', { name: 'Promote', exact: true }).click();
    await dialog.getByText('@production is on version 3 now.').waitFor();
    await comes(() => holderOf(name, 'production'), 3, 'the other one has won');
    await dialog.getByRole('button', { name: 'Look again' }).click();
    await dialog.getByText('goes from version 3 to version 2').waitFor();
    await dialog.getByRole('button', { name: 'Promote', exact: true }).click();
    await page.locator('.toast-done').getByText('@production is on version 2').waitFor();
    await comes(() => holderOf(name, 'production'), 2, 'after looking again');
  },
);

test('registry: a promotion is forced only with a reason, and said to be', async ({ page }) => {
  const { name, hash } = await scene();
  await putGate(name, { alias: 'production' }, { checks: ['tests'] });
  await go(page, `${hash}/versions/2`);
  await page.getByText('@production: closed to this version').waitFor();
  await page.getByRole('button', { name: 'Promote' }).click();
  const dialog = page.getByRole('dialog', {
    name: `Promote version 2 of ${name}`,
  });
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('production');
  await dialog.getByRole('list', { name: 'Missing' }).waitFor();
  await comes(
    () => dialog.getByRole('button', { name: 'Promote', exact: true }).isDisabled(),
    true,
    'not without saying so',
  );
  const send = dialog.getByRole('button', { name: 'Promote all the same' });
  await dialog.getByRole('checkbox', { name: /^Force it/ }).check();
  await send.click();
  await comes(() => dialog.isVisible(), true, 'not without a reason');
  equal(await holderOf(name, 'production'), undefined, 'nothing has moved');
  await dialog.getByRole('textbox', { name: /^Reason/ }).fill('the house is on fire');
  await send.click();
  await page.locator('.toast-done').getByText('by force').waitFor();
  await comes(() => holderOf(name, 'production'), 2, 'it has moved');
  await page.getByRole('link', { name: 'History' }).click();
  const line = page.getByRole('list', { name: 'History' }).getByRole('listitem').first();
  await line.getByText('forced').waitFor();
  await line.getByText('the house is on fire').waitFor();
});

test(
  'registry: several aliases move in one call, all or none',
  { expects: [/status of 409/] },
  async ({ page }) => {
    const { name, hash } = await scene();
    await promoteTo(name, 'production', 1, 0);
    await putGate(name, { alias: 'production' }, { checks: ['tests'] });
    await go(page, `${hash}/versions/2`);
    await page.getByRole('button', { name: 'Promote' }).click();
    const dialog = page.getByRole('dialog', {
      name: `Promote version 2 of ${name}`,
    });
    const send = dialog.getByRole('button', { name: 'Promote', exact: true });
    const alias = (label) => dialog.getByRole('combobox', { name: label, exact: true });
    const more = dialog.getByRole('button', {
      name: 'Move another alias with it',
    });
    await alias('Alias').fill('canary');
    await dialog.getByText('is on no version yet').waitFor();
    await comes(() => send.isEnabled(), true, 'the first one may go');
    await more.click();
    await comes(
      () => alias('Alias 2').evaluate((one) => one === document.activeElement),
      true,
      'the new field has the focus',
    );
    await comes(() => send.isDisabled(), true, 'nothing is sent while a field is empty');
    await alias('Alias 2').fill('@canary');
    await dialog.getByText('@canary is here already.').waitFor();
    await alias('Alias 2').fill('production');
    await dialog.getByText('goes from version 1 to version 2').waitFor();
    await dialog.getByRole('list', { name: 'Missing' }).getByText(/tests/).waitFor();
    await comes(() => send.isDisabled(), true, 'one closed gate keeps all of them');
    await postCheck(name, 2, 'tests', 'success');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });

    await page.getByRole('button', { name: 'Promote' }).click();
    await alias('Alias').fill('production');
    await dialog.getByText('misses nothing').waitFor();
    await more.click();
    await alias('Alias 2').fill('canary');
    await more.click();
    await alias('Alias 3').fill('shadow');
    await comes(() => dialog.getByText('is on no version yet').count(), 2, 'who has them');
    await dialog.getByRole('button', { name: 'Take away: alias 3' }).click();
    await comes(
      () => alias('Alias 2').evaluate((one) => one === document.activeElement),
      true,
      'the focus stays in the form',
    );
    await promoteTo(name, 'canary', 3, 0);
    await comes(() => send.isEnabled(), true, 'it may be sent');
    await send.click();
    await dialog.getByText('@canary is on version 3 now.').waitFor();
    equal(await holderOf(name, 'production'), 1, 'nothing moves when one has been overtaken');
    await dialog.getByRole('button', { name: 'Look again' }).click();
    await dialog.getByText('goes from version 3 to version 2').waitFor();
    await dialog.getByRole('textbox', { name: /^Reason/ }).fill('both at once');
    await send.click();
    await page.locator('.toast-done').getByText('@production, @canary are on version 2').waitFor();
    equal([await holderOf(name, 'production'), await holderOf(name, 'canary')], [2, 2], 'both have moved');
    equal(
      (await ledgerOf(name)).slice(0, 2).map((one) => [one.action, one.reason]),
      [
        ['alias.promote', 'both at once'],
        ['alias.promote', 'both at once'],
      ],
      'the ledger has one entry for each',
    );
  },
);

test('registry: a guarded stage is forced only with a reason', async ({ page }) => {
  const { name, hash } = await scene(1);
  await putGate(name, { stage: 'Production' }, { checks: ['tests'] });
  await go(page, `${hash}/versions/1`);
  await page.getByRole('button', { name: 'Stage', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Stage of version 1' });
  const stage = dialog.getByRole('combobox', { name: 'Stage' });
  const force = dialog.getByRole('checkbox', { name: /^Force it/ });
  await stage.selectOption('Production');
  await dialog.getByRole('list', { name: 'Missing' }).getByText(/tests/).waitFor();
  await comes(
    () => dialog.getByRole('button', { name: 'Move', exact: true }).isDisabled(),
    true,
    'it is closed',
  );
  await force.check();
  await stage.selectOption('Archived');
  await dialog.getByText('No gate is in the way').waitFor();
  await stage.selectOption('Production');
  await comes(() => force.isChecked(), false, 'forcing is said of one stage');
  await force.check();
  const send = dialog.getByRole('button', { name: 'Move all the same' });
  await send.click();
  await comes(() => dialog.isVisible(), true, 'not without a reason');
  equal((await versionIn(name, 1)).model_version.current_stage, 'None', 'nothing has moved');
  await dialog.getByRole('textbox', { name: /^Reason/ }).fill('the house is on fire');
  await send.click();
  await page.locator('.toast-done').getByText('in stage Production, by force').waitFor();
  const [entry] = await ledgerOf(name);
  equal(
    [entry.action, entry.reason, entry.forced],
    ['version.stage', 'the house is on fire', true],
    'the ledger says so',
  );
});

test('registry: rolling back, to the version before and to a time', async ({ page }) => {
  const { name, hash } = await scene();
  await promoteTo(name, 'production', 1, 0);
  await new Promise((resume) => setTimeout(resume, 1100));
  const between = Date.now();
  await promoteTo(name, 'production', 2, 1);
  await promoteTo(name, 'production', 3, 2);
  await go(page, hash);
  await page.getByRole('button', { name: 'Roll back', exact: true }).click();
  const dialog = page.getByRole('dialog', {
    name: `Roll back aliases of ${name}`,
  });
  await dialog.getByText('Version 2 had').waitFor();
  await dialog.getByRole('button', { name: 'Roll back to version 2' }).click();
  await page.locator('.toast-done').getByText('version 2 again').waitFor();
  await comes(() => holderOf(name, 'production'), 2, 'the version before');

  await page.getByRole('button', { name: 'Roll back production' }).click();
  await dialog.getByRole('button', { name: 'As of a time' }).click();
  const moment = new Date(between);
  const local = localTime(moment);
  await dialog.getByLabel(/^Time \(UTC/).fill(local);
  await dialog.getByText('Version 1 had').waitFor();
  await dialog.getByRole('button', { name: 'Roll back to version 1' }).click();
  await page.locator('.toast-done').getByText('version 1 again').waitFor();
  await comes(() => holderOf(name, 'production'), 1, 'as it was then');
  equal((await ledgerOf(name))[0].action, 'alias.rollback', 'the ledger says so');
});

test(
  'registry: several aliases go back together, and a gate is asked before',
  { expects: [/status of 409/] },
  async ({ page }) => {
    const { name, hash } = await scene();
    for (const [version, before] of [
      [1, 0],
      [2, 1],
    ])
      await promoteTo(name, 'production', version, before);
    for (const [version, before] of [
      [1, 0],
      [2, 1],
      [3, 2],
    ])
      await promoteTo(name, 'staging', version, before);
    await promoteTo(name, 'new', 3, 0);
    await putGate(name, { alias: 'staging' }, { tags: [{ key: 'reviewed' }], checks: ['tests'] });
    await go(page, hash);
    await page.getByRole('button', { name: 'Roll back', exact: true }).click();
    const dialog = page.getByRole('dialog', {
      name: `Roll back aliases of ${name}`,
    });
    await dialog.getByRole('checkbox', { name: '@new' }).waitFor();
    await dialog.getByText('No other version had it before.').waitFor();
    await dialog.getByRole('button', { name: 'Choose all' }).click();
    await dialog.getByText("tag 'reviewed' is missing").waitFor();
    const send = dialog.getByRole('button', { name: 'Roll back 2 aliases' });
    await comes(() => send.isDisabled(), true, 'nothing is sent while one cannot go');
    await dialog.getByRole('checkbox', { name: '@new' }).uncheck();
    await comes(() => send.isDisabled(), true, 'nor while a gate is closed');
    await post('model-versions/set-tag', {
      name,
      version: '2',
      key: 'reviewed',
      value: 'yes',
    });
    await dialog.getByRole('checkbox', { name: '@staging' }).uncheck();
    await dialog.getByRole('button', { name: 'Roll back to version 1' }).waitFor();
    await dialog.getByRole('checkbox', { name: '@staging' }).check();
    // Its checks are not asked for again: it had the alias before.
    await dialog.getByText('The gate before @staging misses nothing.').waitFor();
    await dialog.getByText('All of them go back, or none.').waitFor();
    // Somebody is faster with one of them: neither goes, and the dialog says who has it.
    await post('registered-models/alias', {
      name,
      alias: 'production',
      version: '3',
    });
    await send.click();
    await dialog.getByText('@production is on version 3 now.').waitFor();
    equal(await holderOf(name, 'staging'), 3, 'the other one stayed');
    await dialog.getByRole('button', { name: 'Look again' }).click();
    await dialog.getByRole('checkbox', { name: '@production on version 3' }).waitFor();
    await dialog.getByRole('list', { name: 'Missing' }).waitFor({ state: 'detached' });
    await comes(() => send.isDisabled(), false, 'it can be sent again');
    await send.click();
    await page.locator('.toast-done').getByText('@staging is on version 2 again').waitFor();
    await comes(() => holderOf(name, 'staging'), 2, 'the one');
    await comes(() => holderOf(name, 'production'), 2, 'and the other, from where it was');
  },
);

test('registry: approvals, tags, description and stage of a version', async ({ page }) => {
  const { name, hash } = await scene(2);
  await go(page, `${hash}/versions/2`);
  await page.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve version 2' });
  await dialog.getByRole('textbox', { name: /^Comment/ }).fill('fine by me');
  await dialog.getByRole('textbox', { name: 'Your name' }).fill('ben');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await page.locator('.approvals').getByText('fine by me').waitFor();
  const { approvals } = await versionIn(name, 2);
  equal(
    approvals.map((one) => [one.actor, one.comment]),
    [['ben', 'fine by me']],
    'the server has it',
  );
  await page.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Nobody has approved this version yet.').waitFor();

  await page.getByRole('textbox', { name: 'Key of the new tag' }).fill('reviewed');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('table', { name: 'Tags', exact: true }).getByText('reviewed').waitFor();
  await page.getByRole('button', { name: 'Add a description' }).click();
  await page.getByRole('textbox', { name: 'Description' }).fill('Has `code`.');
  await page.getByRole('button', { name: 'Save description' }).click();
  await page.locator('.description code').getByText('code').waitFor();

  await page.getByRole('button', { name: 'Stage', exact: true }).click();
  const stage = page.getByRole('dialog', { name: 'Stage of version 2' });
  await stage.getByRole('combobox', { name: 'Stage' }).selectOption('Production');
  await stage.getByText('No gate is in the way').waitFor();
  await stage.getByRole('button', { name: 'Move' }).click();
  await page.locator('.page-title').getByText('Production').waitFor();
  const { model_version: now } = await versionIn(name, 2);
  equal(now.current_stage, 'Production', 'the server has it');
  await page.getByRole('button', { name: 'Delete version' }).click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await rowOfVersion(page, 1).waitFor();
  await until('it is gone', async () => (await rowOfVersion(page, 2).count()) === 0);
});

test('registry: every result of a check is kept', async ({ page }) => {
  const { name, hash } = await scene(1);
  await postCheck(name, 1, 'tests', 'failure', {
    value: 0.25,
    url: 'https://ci.example.com/1',
    text: 'red',
  });
  await postCheck(name, 1, 'tests', 'success', { value: 1 });
  await go(page, `${hash}/versions/1`);
  const latest = page.getByRole('table', { name: 'Checks', exact: true });
  await latest.getByText('passed').waitFor();
  await comes(() => latest.getByRole('row').count(), 2, 'one row for each name');
  await page.getByRole('button', { name: 'All results' }).click();
  const all = page.getByRole('table', { name: 'All results of checks' });
  await all.getByText('failed').waitFor();
  await comes(
    () => all.getByRole('link').getAttribute('href'),
    'https://ci.example.com/1',
    'the link to where it comes from',
  );
  await comes(() => all.getByRole('row').count(), 3, 'all of them');
});

test('registry: a gate is made, changed and removed', { expects: [/status of 400/] }, async ({ page }) => {
  const { hash } = await scene(2);
  await go(page, `${hash}/gates`);
  await page.getByRole('heading', { name: 'No gate binds this model' }).waitFor();
  await page.getByRole('button', { name: 'New gate' }).click();
  const dialog = page.getByRole('dialog', { name: 'New gate' });
  await dialog.getByRole('textbox', { name: 'Alias', exact: true }).fill('production');
  await dialog.getByRole('button', { name: 'Add a check' }).click();
  await dialog.getByRole('textbox', { name: 'Name of the check' }).fill('tests');
  await dialog.getByRole('button', { name: 'Add a metric' }).click();
  await dialog.getByRole('textbox', { name: 'Metric', exact: true }).fill('loss');
  await dialog.getByRole('combobox', { name: 'How the metric is compared' }).selectOption('at_most');
  await dialog.getByRole('textbox', { name: 'Bound' }).fill('a lot');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('“a lot” is not a number').waitFor();
  await dialog.getByRole('textbox', { name: 'Bound' }).fill('0.6');
  await dialog.getByRole('textbox', { name: 'Number of approvals' }).fill('2');
  await dialog.getByRole('button', { name: 'Add a window' }).click();
  await dialog.getByRole('textbox', { name: 'From', exact: true }).fill('25:00');
  await dialog.getByRole('textbox', { name: 'To', exact: true }).fill('24:00');
  await dialog.getByRole('textbox', { name: 'Days of the week' }).fill('Sat, Sun');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.locator('.form-error').waitFor();
  await dialog.getByRole('textbox', { name: 'From', exact: true }).fill('00:00');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const gate = page.getByRole('region', { name: '@production' });
  await gate.getByText('metric loss at most 0.6').waitFor();
  await gate.getByText('not on sat, sun from 00:00 to 24:00 UTC').waitFor();
  await gate.getByText('2 approvals by others than who registered it').waitFor();
  await page.getByRole('button', { name: 'Edit the gate before @production' }).click();
  const edit = page.getByRole('dialog', { name: 'Gate before @production' });
  await comes(
    () => edit.getByRole('textbox', { name: 'Bound' }).inputValue(),
    '0.6',
    'the form knows what is set',
  );
  await edit.getByRole('button', { name: /^Take away: Metrics/ }).click();
  await edit.getByRole('button', { name: 'Save' }).click();
  await until('the rule is gone', async () => (await gate.getByText('metric loss').count()) === 0);
  await page.getByRole('button', { name: 'Remove the gate before @production' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('heading', { name: 'No gate binds this model' }).waitFor();
  await page.getByRole('link', { name: 'History' }).click();
  const line = page.getByRole('list', { name: 'History' });
  await line.getByText('removed the gate before @production').waitFor();
  await comes(
    () => line.getByText('set the gate before @production').count(),
    2,
    'each change in the history',
  );
});

test('registry: a gate of a pattern of names is made, changed and removed where it binds', async ({
  page,
}) => {
  const { name, hash } = await scene(1);
  const pattern = `${name.slice(0, -2)}*`;
  const rules = () => patternRules(name, pattern, { alias: 'live' });
  await go(page, `${hash}/gates`);
  await page.getByRole('button', { name: 'New gate' }).click();
  const dialog = page.getByRole('dialog', { name: 'New gate' });
  await dialog.getByRole('button', { name: 'A pattern of names' }).click();
  const field = dialog.getByRole('textbox', { name: /^Names of the models/ });
  await field.fill('another-*');
  await dialog.getByText(`It does not bind ${name}`).waitFor();
  await field.fill(pattern);
  await until('it does', async () => (await dialog.getByText('It does not bind').count()) === 0);
  await dialog.getByRole('textbox', { name: 'Alias', exact: true }).fill('live');
  await dialog.getByRole('textbox', { name: 'Number of approvals' }).fill('1');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const gate = page.getByRole('region', { name: '@live' });
  await gate.getByText(`For all models whose name fits ${pattern}.`).waitFor();
  equal(await rules(), { approvals: { count: 1 } }, 'the server has it');
  // One of exactly this model beside it is another gate.
  await putGate(name, { alias: 'live' }, { checks: ['tests'] });

  await page.getByRole('button', { name: `Edit the gate before @live of ${pattern}` }).click();
  const edit = page.getByRole('dialog', { name: 'Gate before @live' });
  await edit.getByText(`For all models whose name fits ${pattern}.`).waitFor();
  await edit.getByRole('textbox', { name: 'Number of approvals' }).fill('2');
  await edit.getByRole('button', { name: 'Save' }).click();
  await gate.getByText('2 approvals').waitFor();
  equal(await rules(), { approvals: { count: 2 } }, 'it is changed');
  await gate.getByText('check tests passed').waitFor();

  await page.getByRole('button', { name: `Remove the gate before @live of ${pattern}` }).click();
  await page.getByRole('dialog').getByText(`It binds every model whose name fits ${pattern}`).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await until('it is gone', async () => (await gate.getByText('2 approvals').count()) === 0);
  equal(await rules(), undefined, 'the server has it no more');
  await gate.getByText('check tests passed').waitFor();
  equal(await patternRules(name, name, { alias: 'live' }), { checks: ['tests'] }, 'that of the model stays');
});

test('registry: all gates are on one page, also those that bind no model yet', async ({ page }) => {
  const stem = `tomorrow ${mark}`;
  const pattern = `${stem}*`;
  const rules = async () =>
    (await tally('GET', 'gates?max_results=1000')).gates?.find((one) => one.model_pattern === pattern)?.rules;
  await go(page, '#/models');
  await page.getByRole('link', { name: 'Gates', exact: true }).click();
  await page.getByRole('heading', { name: 'Gates', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'New gate' }).click();
  const dialog = page.getByRole('dialog', { name: 'New gate' });
  await dialog.getByRole('textbox', { name: /^Names of the models/ }).fill(pattern);
  await dialog.getByRole('textbox', { name: 'Alias', exact: true }).fill('live');
  await dialog.getByRole('textbox', { name: 'Number of approvals' }).fill('1');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const gate = page.getByRole('region', { name: `@live of ${pattern}` });
  await gate.getByText('No model has such a name yet.').waitFor();
  equal(await rules(), { approvals: { count: 1 } }, 'the server has it');

  await page.getByRole('button', { name: `Edit the gate before @live of ${pattern}` }).click();
  const edit = page.getByRole('dialog', { name: 'Gate before @live' });
  await edit.getByRole('textbox', { name: 'Number of approvals' }).fill('2');
  await edit.getByRole('button', { name: 'Save' }).click();
  await gate.getByText('2 approvals').waitFor();

  for (let i = 1; i <= 4; i++) await registerModel(`${stem} ${i}`);
  await putGate(`${stem} 1`, { stage: 'Production' }, {});
  await page.reload();
  await page
    .getByRole('region', { name: `stage Production of ${stem} 1` })
    .getByText(`For the model ${stem} 1.`)
    .waitFor();
  await gate.getByRole('link', { name: 'others' }).click();
  const grid = page.getByRole('grid', { name: 'Registered models' });
  await until('all that it binds', async () => (await grid.locator('tbody tr[data-row]').count()) === 4);
  await page.keyboard.press('g');
  await page.keyboard.press('g');
  await gate.getByRole('link', { name: `${stem} 1` }).click();
  await page.getByRole('region', { name: '@live' }).waitFor();
  await page.getByRole('region', { name: 'stage Production' }).waitFor();
  await page.getByRole('link', { name: 'All gates of the workspace' }).click();

  for (const [what, of] of [
    ['@live', pattern],
    ['stage Production', `${stem} 1`],
  ]) {
    await page.getByRole('button', { name: `Remove the gate before ${what} of ${of}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('region', { name: `${what} of ${of}` }).waitFor({ state: 'detached' });
  }
  equal(await rules(), undefined, 'the server has them no more');

  await page.route('**/api/tally/v1/gates?*', (route) => route.fulfill({ json: {} }));
  await page.reload();
  await page.getByRole('heading', { name: 'There is no gate' }).waitFor();
  await page.getByRole('button', { name: 'New gate' }).click();
  await dialog.waitFor();
});

test('registry: what would be archived along is asked about before a stage moves', async ({ page }) => {
  const { name, hash } = await scene();
  await post('model-versions/transition-stage', {
    name,
    version: '1',
    stage: 'Production',
    archive_existing_versions: false,
  });
  await putGate(name, { stage: 'Archived' }, { tags: [{ key: 'obsolete' }] });
  await go(page, `${hash}/versions/2`);
  await page.getByRole('button', { name: 'Stage' }).click();
  const dialog = page.getByRole('dialog', { name: 'Stage of version 2' });
  await dialog.getByRole('combobox', { name: 'Stage' }).selectOption('Production');
  await dialog.getByText("version 1, to go to Archived: tag 'obsolete' is missing").waitFor();
  const move = dialog.getByRole('button', { name: 'Move', exact: true });
  equal(await move.isDisabled(), true, 'it would be refused');
  await dialog.getByRole('checkbox', { name: /^Move every other version/ }).uncheck();
  await dialog.getByText('No gate is in the way').waitFor();
  await move.click();
  await page.locator('.toast-done').getByText('is in stage Production').waitFor();
  equal((await versionIn(name, 1)).model_version.current_stage, 'Production', 'the other one stays');
});

test('registry: the history, its filters, and the model as it was', async ({ page }) => {
  const { name, hash } = await scene();
  await promoteTo(name, 'production', 1, 0, {
    reason: 'a start',
    run_url: 'https://ci.example.com/job/1',
  });
  await new Promise((resume) => setTimeout(resume, 1100));
  const between = Date.now();
  // The field has whole seconds.
  await new Promise((resume) => setTimeout(resume, 1100));
  await promoteTo(name, 'production', 2, 1);
  await post('registered-models/alias', {
    name,
    alias: 'canary',
    version: '3',
  });
  await go(page, `${hash}/history`);
  const line = page.getByRole('list', { name: 'History' });
  await line.getByText('promoted @production from version 1 to 2').waitFor();
  await line.getByText('registered the model').waitFor();
  await comes(
    () => line.getByRole('link', { name: /^Where it came from/ }).getAttribute('href'),
    'https://ci.example.com/job/1',
    'the link of the job',
  );
  await page
    .getByRole('textbox', { name: 'Alias' })
    .or(page.getByLabel('Alias', { exact: true }))
    .first()
    .fill('canary');
  await until('only those', async () => (await line.getByRole('listitem').count()) === 1);
  await page.getByRole('button', { name: 'Clear' }).click();
  await until('all', async () => (await line.getByRole('listitem').count()) > 4);

  const moment = new Date(between);
  const local = localTime(moment);
  await page.getByLabel(/^Time \(UTC/).fill(local);
  const state = page.locator('.as-of-state');
  await state.getByRole('link', { name: '@production → 1' }).waitFor();
  equal(await state.getByText('@canary').count(), 0, 'what came later is not there');
  await until('the time is part of the address', () => page.url().includes('at='));
  const slider = page.getByRole('slider', { name: 'Moment of the history' });
  await slider.focus();
  await page.keyboard.press('End');
  await state.getByRole('link', { name: '@canary → 3' }).waitFor();
  await page.keyboard.press('ArrowLeft');
  await state.getByRole('link', { name: '@production → 2' }).waitFor();
  await until('before it came', async () => (await state.getByText('@canary').count()) === 0);
  await page.getByRole('button', { name: 'Back to now' }).click();
  await until('nothing is shown of then', async () => (await state.count()) === 0);
});

test('registry: two versions differ by parameters, metrics and files', async ({ page }) => {
  const { hash } = await scene();
  await go(page, hash);
  await page.getByRole('checkbox', { name: 'Select version 1' }).check();
  await page.getByRole('checkbox', { name: 'Select version 3' }).check();
  await page.getByRole('link', { name: 'Compare', exact: true }).last().click();
  const params = page.getByRole('table', {
    name: 'Parameters of both versions',
  });
  await params.getByRole('row', { name: /lr/ }).waitFor();
  await comes(() => params.getByText('depth').count(), 0, 'what is the same is left out');
  const metrics = page.getByRole('table', { name: 'Metrics of both versions' });
  await metrics
    .getByRole('row', { name: /accuracy/ })
    .getByText('+0.1')
    .waitFor();
  const files = page.getByRole('table', { name: 'Files of both versions' });
  await files
    .getByRole('row', { name: /MLmodel/ })
    .getByText('changed')
    .waitFor();
  await comes(() => files.getByText('weights.bin').count(), 0, 'the same by digest');
  await page.getByRole('checkbox', { name: 'Only differences' }).uncheck();
  await files
    .getByRole('row', { name: /weights\.bin/ })
    .getByText('the same')
    .waitFor();
  await page.getByRole('combobox', { name: 'First version' }).selectOption('2');
  await metrics.getByRole('columnheader', { name: 'Version 2' }).waitFor();
});

test('registry: files and lineage of a version, and the way from a run', async ({ page }) => {
  const { name, id, runs, hash } = await scene(2);
  await go(page, `${hash}/versions/2/files`);
  await page.getByRole('table', { name: 'Entries' }).waitFor();
  for (const format of ['.tar.gz', '.zip']) {
    const href = await page.getByRole('link', { name: format }).getAttribute('href');
    const answer = await page.request.get(new URL(href, base).href);
    ok(answer.ok() && (await answer.body()).length > 100, `${format}: ${answer.status()}`);
  }
  await page.getByRole('table', { name: 'Entries' }).getByRole('link', { name: 'MLmodel' }).click();
  await page.getByText('flavors: 2').waitFor();
  await go(page, `${hash}/versions/2/lineage`);
  await page
    .getByRole('region', { name: 'Run', exact: true })
    .getByRole('link', { name: 'train-2' })
    .waitFor();
  await page.getByRole('link', { name: 'Who has it: data/weights.bin' }).click();
  await page.getByRole('link', { name: `${name} version 1` }).waitFor();
  await go(page, `#/experiments/${id}/runs/${runs[0]}`);
  await page.getByRole('link', { name: `${name} v1` }).click();
  await page.getByRole('heading', { level: 1, name: `${name} version 1` }).waitFor();
});

test('registry: an alias is deleted after a question', async ({ page }) => {
  const { name, hash } = await scene(1);
  await post('registered-models/alias', { name, alias: 'old', version: '1' });
  await go(page, hash);
  await page.getByRole('button', { name: 'Delete alias old' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await until('it is gone', async () => (await holderOf(name, 'old')) === undefined);
  await page.locator('.facts-grid').getByText('none').waitFor();
});
