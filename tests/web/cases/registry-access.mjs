// The pages of the model registry for everybody: checked by axe in both themes, on a narrow screen, by keyboard alone,
// and by people with fewer rights.
import { another, comes, equal, go, inOneGo, mark, ok, test, until } from '../harness.mjs';
import {
  holderOf,
  ledgerOf,
  makeExperiment,
  makeRun,
  makeUser,
  makeVersion,
  password,
  post,
  postCheck,
  promoteTo,
  putArtifact,
  putGate,
  putPatternGate,
  registerModel,
  tally,
  versionIn,
} from '../api.mjs';
import { tooWide, violationsOf } from '../page-checks.mjs';
import { answered } from '../watch.mjs';

let made;
/** One model with everything that its pages can show, made once. */
function scene() {
  made ??= (async () => {
    const name = `a model with quite a long name ${mark}`;
    const id = await makeExperiment(`registry access ${mark}`);
    await registerModel(name, { description: 'Who **leaves**, with `code`.', tags: { team: 'growth' } });
    for (let i = 1; i <= 3; i++) {
      const run = await makeRun(id, `a run that is called at length what it is for, ${i}`, {
        metrics: { 'val/accuracy': [0.8 + i / 20], loss: [1 / i] },
        params: { lr: String(i) },
        status: 'FINISHED',
      });
      await post('runs/log-inputs', {
        run_id: run,
        datasets: [
          { dataset: { name: 'customers', digest: `d${mark}`, source_type: 'local', source: '{}' } },
        ],
      });
      await putArtifact(`${id}/${run}/artifacts/model/MLmodel`, `flavors: ${i}`);
      await makeVersion(name, { experimentId: id, runId: run, tags: { reviewed: 'yes' } });
    }
    await promoteTo(name, 'production', 1, 0, { reason: 'a start', run_url: 'https://ci.example.com/1' });
    await promoteTo(name, 'production', 2, 1);
    await post('registered-models/alias', { name, alias: 'a-rather-long-alias_for_canaries', version: '3' });
    await post('model-versions/transition-stage', {
      name,
      version: '1',
      stage: 'Staging',
      archive_existing_versions: false,
    });
    await postCheck(name, 3, 'tests', 'failure', {
      value: 0.25,
      text: 'two are red',
      url: 'https://ci.example.com/2',
    });
    await postCheck(name, 3, 'bias', 'success');
    await postCheck(name, 3, 'latency', 'pending');
    await putGate(
      name,
      { alias: 'production' },
      {
        checks: ['tests', { name: 'bias', by: { users: ['ci'] } }],
        metrics: [
          { key: 'val/accuracy', at_least: 0.9 },
          { key: 'loss', no_worse_than: 'production', epsilon: 0.01, higher_is_better: false },
        ],
        tags: [{ key: 'reviewed' }],
        approvals: { count: 1 },
        freeze: [{ days: ['sun'], from: '00:00', to: '00:01' }],
      },
    );
    await putPatternGate(`* quite a long name ${mark}`, { alias: 'live' }, { approvals: { count: 2 } });
    return { name, digest: `d${mark}`, hash: `#/models/${encodeURIComponent(name)}` };
  })();
  return made;
}

const button = (page, name, exact = true) => page.getByRole('button', { name, exact });

/** Each page, and what is opened on it. */
const places = ({ hash, digest }) => ({
  models: {
    hash: `#/models?filter=${mark}`,
    ready: (page) => page.getByRole('grid', { name: 'Registered models' }).waitFor(),
    open: {
      'new model': (page) => button(page, 'New model').click(),
      'help on filters': (page) => button(page, 'Help on filters').click(),
    },
  },
  'no models': {
    hash: `#/models?filter=nothing-${mark}`,
    ready: (page) => page.getByRole('heading', { name: 'No model matches' }).waitFor(),
  },
  versions: {
    hash,
    ready: async (page) => {
      await page
        .getByRole('grid', { name: 'Versions' })
        .getByText('failed')
        .first()
        .waitFor({ state: 'attached' });
      await page.getByRole('checkbox', { name: 'Select version 1' }).check();
    },
    open: {
      promote: async (page) => {
        await button(page, 'Promote version 3').click();
        await page.getByRole('combobox', { name: 'Alias' }).fill('production');
        await page.getByRole('list', { name: 'Missing' }).waitFor();
      },
      'promote two': async (page) => {
        await button(page, 'Promote version 3').click();
        await page.getByRole('combobox', { name: 'Alias' }).fill('production');
        await button(page, 'Move another alias with it').click();
        await page.getByRole('combobox', { name: 'Alias 2' }).fill('live');
        await page.getByText('The gate before @live still misses').waitFor();
        await page.getByRole('checkbox', { name: /^Force it/ }).check();
      },
      'roll back': async (page) => {
        await button(page, 'Roll back production').click();
        await page.getByText('Version 1 had').waitFor();
      },
      'roll back two': async (page) => {
        await button(page, 'Roll back production').click();
        await button(page, 'Choose all').click();
        await page.getByText('Version 1 had').waitFor();
        await page.getByText('No other version had it before.').waitFor();
      },
      'delete alias': (page) => button(page, 'Delete alias production').click(),
      'delete model': (page) => button(page, 'Delete model').click(),
    },
  },
  gates: {
    hash: `${hash}/gates`,
    ready: (page) => page.getByRole('region', { name: '@production' }).waitFor(),
    open: {
      'edit gate': async (page) => {
        await button(page, 'Edit the gate before @production').click();
        await page.getByRole('textbox', { name: 'Name of the check' }).first().waitFor();
      },
      'edit gate of a pattern': (page) => button(page, 'Edit the gate before @live of', false).click(),
      'new gate of a pattern': async (page) => {
        await button(page, 'New gate').click();
        await button(page, 'A pattern of names').click();
        await page.getByRole('textbox', { name: /^Names of the models/ }).fill('none-of-these-*');
        await page.getByText('It does not bind').waitFor();
      },
      'remove gate': (page) => button(page, 'Remove the gate before @production').click(),
    },
  },
  'all gates': {
    hash: '#/gates',
    ready: async (page) => {
      await page.getByRole('region', { name: `@live of * quite a long name ${mark}` }).waitFor();
      await page.getByText(`It binds a model with quite a long name ${mark}`).first().waitFor();
    },
    open: {
      'new gate': (page) => button(page, 'New gate').click(),
      'remove gate of a pattern': (page) =>
        button(page, `Remove the gate before @live of * quite a long name ${mark}`).click(),
    },
  },
  history: {
    hash: `${hash}/history?at=${Date.now() + 1e9}`,
    ready: async (page) => {
      await page.getByRole('table', { name: 'Versions as of then' }).waitFor();
      await page
        .getByRole('button', { name: /^Details of entry/ })
        .first()
        .click();
    },
  },
  'tags of a model': {
    hash: `${hash}/tags`,
    ready: (page) => page.getByRole('table', { name: 'Tags' }).waitFor(),
  },
  compare: {
    hash: `${hash}/compare?versions=1,3`,
    ready: (page) => page.getByRole('table', { name: 'Files of both versions' }).waitFor(),
  },
  version: {
    hash: `${hash}/versions/3`,
    ready: (page) => page.getByText('@production: closed to this version').waitFor(),
    open: {
      approve: (page) => button(page, 'Approve').click(),
      stage: async (page) => {
        await button(page, 'Stage').click();
        await page.getByText('No gate is in the way').waitFor();
      },
      'delete version': (page) => button(page, 'Delete version').click(),
    },
  },
  'files of a version': {
    hash: `${hash}/versions/3/files`,
    ready: (page) => page.getByRole('table', { name: 'Entries' }).waitFor(),
  },
  lineage: {
    hash: `${hash}/versions/3/lineage`,
    ready: (page) => page.getByRole('table', { name: 'Files by digest' }).waitFor(),
  },
  'what came out': {
    hash: `#/lineage?dataset_digest=${digest}`,
    ready: (page) => page.getByRole('table', { name: 'Versions' }).waitFor(),
  },
  'history of a version': {
    hash: `${hash}/versions/3/history`,
    ready: (page) => page.getByRole('list', { name: 'History' }).waitFor(),
  },
});

for (const colorScheme of ['light', 'dark'])
  test(`accessible: the registry, ${colorScheme}`, { context: { colorScheme } }, async ({ page }) => {
    const found = [];
    for (const [name, { hash, ready, open = {} }] of Object.entries(places(await scene()))) {
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
  });

test(
  'narrow: the registry is no wider than a 360 px screen',
  { context: { viewport: { width: 360, height: 740 } } },
  async ({ page }) => {
    for (const [name, { hash, ready, open = {} }] of Object.entries(places(await scene()))) {
      await go(page, hash);
      await ready(page);
      await comes(() => tooWide(page), [], `too wide on ${name}`);
      for (const [what, show] of Object.entries(open)) {
        await show(page);
        await comes(() => tooWide(page), [], `too wide with ${what}`);
        const more = () =>
          page.evaluate(() => {
            const box = document.querySelector('dialog[open] .dialog-body');
            return box ? box.scrollWidth - box.clientWidth : 0;
          });
        await comes(more, 0, `scrolls sideways: ${what}`);
        await page.keyboard.press('Escape');
      }
    }
  },
);

test('keyboard: from the list to a promotion without a mouse', async ({ page }) => {
  const name = `by keys ${mark}`;
  await registerModel(name);
  for (let i = 0; i < 2; i++) await makeVersion(name);
  await go(page, '');
  await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
  await inOneGo(page, ['g', 'm'], 'the list of models', () =>
    page.getByRole('heading', { name: 'Models', exact: true }).isVisible(),
  );
  await page.keyboard.press('/');
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  const rows = page.getByRole('grid', { name: 'Registered models' }).locator('tbody tr[data-row]');
  await until('one model', async () => (await rows.count()) === 1);
  await rows.first().focus();
  await page.keyboard.press('Enter');
  const versions = page.getByRole('grid', { name: 'Versions' });
  await versions.getByRole('link', { name: 'Version 2' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await comes(() => page.getByRole('checkbox', { name: 'Select version 1' }).isChecked(), true, 'x selects');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: `${name} version 2` }).waitFor();
  const promote = button(page, 'Promote');
  await promote.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Promote version 2 of ${name}` });
  await dialog.waitFor();
  await comes(
    () =>
      page.evaluate(() => document.activeElement?.getAttribute('role') ?? document.activeElement?.tagName),
    'INPUT',
    'the field has the focus',
  );
  await page.keyboard.type('production');
  await dialog.getByText('is on no version yet').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.toast-done').getByText('@production is on version 2').waitFor();
  await comes(() => holderOf(name, 'production'), 2, 'it has moved');
  await comes(
    () => promote.evaluate((one) => one === document.activeElement),
    true,
    'the focus is back where it was',
  );
});

const changing =
  /New model|Rename|Delete|Edit|Add\b|Promote|Roll back|Stage|Approve|Withdraw|New gate|Remove|Share|Save/;

const grantModel = (name, who, permission, actions = []) =>
  tally('PUT', 'grants', { registered_model: name, ...who, permission, actions });

test('registry: nobody is offered what would be refused', { login: true }, async () => {
  const { name, hash } = await scene();
  await registerModel(`bare ${mark}`);
  const username = await makeUser('model-reader');
  await grantModel(name, { username }, 'READ');
  await grantModel(`bare ${mark}`, { username }, 'READ');
  const { page, context, troubles } = await another(username, password);
  const offered = async () =>
    await page
      .getByRole('button', { name: changing })
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? one.textContent.trim()));
  const visit = async (to, ready) => {
    await go(page, to);
    await page.reload();
    await ready();
    // What one may do comes with an answer of its own: nothing may turn up late.
    await answered(page);
  };
  const versions = () =>
    page.getByRole('grid', { name: 'Versions' }).getByRole('link', { name: 'Version 3' }).waitFor();
  const version = () => page.getByText('@production: closed to this version').waitFor();
  await visit(hash, versions);
  equal(await offered(), [], 'buttons of a reader on the model');
  await visit(`${hash}/gates`, () => page.getByRole('region', { name: '@production' }).waitFor());
  equal(await offered(), [], 'buttons of a reader on its gates');
  await visit(`${hash}/tags`, () => page.getByRole('table', { name: 'Tags' }).waitFor());
  equal(await offered(), [], 'buttons of a reader on its tags');
  await visit(`${hash}/versions/3`, version);
  equal(await offered(), [], 'buttons of a reader on a version');
  await visit(`#/models/${encodeURIComponent(`bare ${mark}`)}`, () =>
    page.getByRole('heading', { name: 'No versions yet' }).waitFor(),
  );
  equal(await offered(), [], 'buttons of a reader on an empty model');
  // The experiment is not for them: the version is, with its files.
  await visit(`${hash}/versions/3/files`, () => page.getByRole('table', { name: 'Entries' }).waitFor());
  equal(await offered(), [], 'buttons of a reader on files');
  await page.getByRole('table', { name: 'Entries' }).getByRole('link', { name: 'MLmodel' }).click();
  await page.getByText('flavors: 3').waitFor();
  equal(
    troubles.filter((text) => !/status of 404/.test(text)),
    [],
    'nothing was refused meanwhile',
  );

  // What guards the whole workspace is shown to who may read it.
  await tally('PUT', 'grants', { workspace: 'default', username, permission: 'READ' });
  await visit('#/models', () => page.getByRole('link', { name: 'Gates', exact: true }).waitFor());
  const ofAll = page.getByRole('region', { name: `@live of * quite a long name ${mark}` });
  await visit('#/gates', () => ofAll.waitFor());
  equal(await offered(), [], 'buttons of a reader on all gates');

  await grantModel(name, { username }, 'USE');
  await visit(`${hash}/versions/3`, version);
  await until('USE approves', async () => (await offered()).join() === 'Approve');
  await button(page, 'Approve').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await until('USE withdraws its own', async () => (await offered()).join() === 'Withdraw');
  equal(
    (await versionIn(name, 3)).approvals.map((one) => one.actor),
    [username],
    'the server has it',
  );

  await grantModel(name, { username }, 'EDIT');
  await visit(hash, versions);
  await button(page, 'Delete alias a-rather-long-alias_for_canaries').waitFor();
  equal(await button(page, 'Delete alias production').count(), 0, 'a protected alias is not theirs');
  equal(await button(page, 'Roll back').count(), 0, 'nor rolling back');
  equal(await button(page, 'Delete model').count(), 0, 'nor deleting');
  await button(page, 'Promote version 3').click();
  const dialog = page.getByRole('dialog', { name: `Promote version 3 of ${name}` });
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('production');
  await dialog.getByText('moving it needs the right to promote').waitFor();
  await comes(() => button(dialog, 'Promote').isDisabled(), true, 'it is not sent');
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('shadow');
  await dialog.getByText('is on no version yet').waitFor();
  await button(dialog, 'Promote').click();
  await until('an alias that nothing protects', async () => (await holderOf(name, 'shadow')) === 3);

  await grantModel(name, { username }, 'EDIT', ['promote']);
  await visit(hash, versions);
  await button(page, 'Roll back').waitFor();
  await button(page, 'Promote version 3').click();
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('production');
  await dialog.getByRole('list', { name: 'Missing' }).waitFor();
  const force = (box) => box.getByRole('checkbox', { name: /^Force it/ });
  equal(await force(dialog).count(), 0, 'force is a right of its own');
  await page.keyboard.press('Escape');
  await putGate(name, { stage: 'Archived' }, { checks: ['never'] });
  const stage = page.getByRole('dialog', { name: 'Stage of version 3' });
  const closed = async () => {
    await visit(`${hash}/versions/3`, () => button(page, 'Stage').waitFor());
    await button(page, 'Stage').click();
    await stage.getByRole('combobox', { name: 'Stage' }).selectOption('Archived');
    await stage.getByRole('list', { name: 'Missing' }).waitFor();
  };
  await closed();
  equal(await force(stage).count(), 0, 'of a stage too');

  await grantModel(name, { username }, 'EDIT', ['promote', 'force']);
  await closed();
  await force(stage).check();
  await stage.getByRole('textbox', { name: /^Reason/ }).fill('the house is on fire');
  await button(stage, 'Move all the same').click();
  await page.locator('.toast-done').getByText('by force').waitFor();
  const [entry] = await ledgerOf(name);
  equal([entry.action, entry.actor, entry.forced], ['version.stage', username, true], 'who forced a stage');
  await button(page, 'Promote').click();
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('production');
  await dialog.getByRole('list', { name: 'Missing' }).waitFor();
  await force(dialog).check();
  await dialog.getByRole('textbox', { name: /^Reason/ }).fill('still on fire');
  await button(dialog, 'Promote all the same').click();
  await until('an alias is forced', async () => (await holderOf(name, 'production')) === 3);

  await grantModel(name, { username }, 'MANAGE');
  await visit(`${hash}/gates`, () => button(page, 'New gate').waitFor());
  const ofPattern = button(page, 'the gate before @live of', false);
  equal(await ofPattern.count(), 0, 'a gate of a pattern belongs to the workspace');
  await page.getByText('Who manages the workspace changes it.').waitFor();
  await button(page, 'New gate').click();
  equal(await button(page, 'A pattern of names').count(), 0, 'nor is one made');
  await page.keyboard.press('Escape');
  await tally('PUT', 'grants', { workspace: 'default', username, permission: 'MANAGE' });
  await visit(`${hash}/gates`, () => until('edit and remove', async () => (await ofPattern.count()) === 2));
  await button(page, 'Edit the gate before @live of', false).click();
  const edit = page.getByRole('dialog', { name: 'Gate before @live' });
  await edit.getByRole('textbox', { name: 'Number of approvals' }).fill('1');
  await button(edit, 'Save').click();
  await page.getByRole('region', { name: '@live' }).getByText('1 approval by others').waitFor();
  await visit('#/gates', () =>
    until('edit and remove', async () => (await ofAll.getByRole('button').count()) === 2),
  );
  await visit(`${hash}/gates`, () => button(page, 'Share').waitFor());
  await button(page, 'Share').click();
  await page
    .getByRole('dialog', { name: `Who can see ${name}` })
    .getByRole('table', { name: 'Grants' })
    .waitFor();
  await context.close();
});
