// Every page for everybody: checked by axe in both themes, and on a narrow screen.
import { chartWords, comes, go, mark, ok, rowOf, test, until } from '../harness.mjs';
import { makeExperiment, makeModel, makeRun, putArtifact } from '../api.mjs';
import { tooWide, violationsOf } from '../page-checks.mjs';

let made;
/** One experiment with what the pages show, made once. */
function scene() {
  made ??= (async () => {
    const id = await makeExperiment(`access ${mark}`, 'Some **words** with `code`.');
    const parent = await makeRun(id, 'parent', {
      metrics: { loss: [3, 2, 1], 'val/acc': [0.1] },
      params: { lr: '1' },
      tags: { team: 'red' },
    });
    const child = await makeRun(id, 'child', {
      start: Date.now(),
      parent,
      metrics: { loss: [1] },
      params: { lr: '2' },
      status: 'FAILED',
    });
    const root = `${id}/${parent}/artifacts`;
    await putArtifact(
      `${root}/a folder with a long name/and another one in it/config.json`,
      '{"a": [1, "b", null]}',
    );
    await putArtifact(`${root}/table.csv`, 'a,b\n1,2\n');
    await putArtifact(`${root}/train.log`, `${'a long line '.repeat(60)}\nshort\n`);
    await putArtifact(`${root}/weights.bin`, Buffer.alloc(300));
    const model = await makeModel(id, parent, 'net', { MLmodel: 'flavors: {}' });
    return { id, parent, child, model };
  })();
  return made;
}

const places = ({ id, parent, child, model }) => ({
  experiments: {
    hash: `#/?q=${mark}`,
    ready: (page) => page.locator('tbody tr[data-row]').first().waitFor(),
  },
  'deleted experiments': {
    hash: '#/?show=deleted',
    ready: (page) => page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor(),
  },
  experiment: {
    hash: `#/experiments/${id}`,
    ready: async (page) => {
      await rowOf(page, 'parent').waitFor();
      if (await page.getByRole('checkbox', { name: 'Select parent' }).isVisible())
        await page.getByRole('checkbox', { name: 'Select parent' }).check();
    },
  },
  run: {
    hash: `#/experiments/${id}/runs/${parent}`,
    ready: (page) => page.getByRole('table', { name: 'Latest metrics' }).waitFor(),
  },
  metrics: {
    hash: `#/experiments/${id}/runs/${parent}/metrics`,
    ready: (page) => until('chart', () => chartWords(page, 'loss')),
  },
  tags: {
    hash: `#/experiments/${id}/runs/${parent}/tags`,
    ready: (page) => page.getByText('System tags').waitFor(),
  },
  artifacts: {
    hash: `#/experiments/${id}/runs/${parent}/artifacts`,
    ready: (page) => page.getByRole('table', { name: 'Entries' }).waitFor(),
  },
  'a text': {
    hash: `#/experiments/${id}/runs/${parent}/artifacts/train.log`,
    ready: (page) => page.getByText('short', { exact: true }).waitFor(),
  },
  'a table': {
    hash: `#/experiments/${id}/runs/${parent}/artifacts/table.csv`,
    ready: (page) => page.getByRole('table', { name: 'Rows of the file' }).waitFor(),
  },
  'a JSON': {
    hash: `#/experiments/${id}/runs/${parent}/artifacts/a%20folder%20with%20a%20long%20name/and%20another%20one%20in%20it/config.json`,
    ready: (page) => page.getByRole('region', { name: 'JSON' }).waitFor(),
  },
  'some bytes': {
    hash: `#/experiments/${id}/runs/${parent}/artifacts/weights.bin`,
    ready: (page) => page.getByRole('region', { name: 'Bytes' }).waitFor(),
  },
  'no files': {
    hash: `#/experiments/${id}/runs/${child}/artifacts`,
    ready: (page) => page.getByRole('heading', { name: 'This run has no files yet' }).waitFor(),
  },
  'a model': {
    hash: `#/experiments/${id}/models/${model}/artifacts/MLmodel`,
    ready: (page) => page.getByText('flavors: {}').waitFor(),
  },
  groups: {
    hash: `#/experiments/${id}?group=param:lr&sort=metric:loss`,
    ready: (page) => page.getByRole('table', { name: 'Runs grouped by lr' }).waitFor(),
  },
  'a refused filter': {
    hash: `#/experiments/${id}?filter=nothing%20%3E%201`,
    ready: (page) => page.locator('.filter-error').waitFor(),
  },
  compare: {
    hash: `#/compare?runs=${parent},${child}`,
    ready: (page) => page.getByRole('table', { name: 'Runs side by side' }).waitFor(),
  },
});

for (const colorScheme of ['light', 'dark'])
  test(
    `accessible: every page, ${colorScheme}`,
    { context: { colorScheme }, expects: [/status of 400/] },
    async ({ page }) => {
      const found = [];
      const check = async (name) => {
        found.push(...(await violationsOf(page, name)));
      };
      for (const [name, { hash, ready }] of Object.entries(places(await scene()))) {
        await go(page, hash);
        await ready(page);
        await check(name);
      }
      await page.keyboard.press('?');
      await check('help');
      await page.keyboard.press('Escape');
      const { id } = await scene();
      await go(page, `#/experiments/${id}`);
      await page.getByRole('button', { name: 'Columns' }).click();
      await check('columns');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Help on filters' }).click();
      await check('help on filters');
      await page.keyboard.press('Escape');
      for (const column of ['lr', 'loss', 'Started']) {
        await page.getByRole('columnheader', { name: column, exact: true }).hover();
        await page.getByRole('button', { name: `Menu of ${column}` }).click();
        await page
          .getByRole('dialog', { name: `Menu of ${column}` })
          .locator('.values')
          .waitFor();
        await check(`menu of ${column}`);
        await page.keyboard.press('Escape');
      }
      await page.keyboard.press('/');
      await page.keyboard.type('lo');
      await page.getByRole('option').first().waitFor();
      await page.keyboard.press('ArrowDown');
      await check('completions');
      await page.keyboard.press('Escape');
      await go(page, `#/experiments/${id}?group=param:lr&sort=metric:loss`);
      await page.getByRole('button', { name: '1', exact: true }).click();
      await page.locator('tr.inside a').first().waitFor();
      await check('groups');
      await go(page, `#/experiments/${id}?filter=nothing%20%3E%201`);
      await page.locator('.filter-error').waitFor();
      await check('a refused filter');
      await go(
        page,
        `#/experiments/${id}?filter=${encodeURIComponent("params.lr = '7' AND metrics.loss < 0")}`,
      );
      await page.getByRole('heading', { name: 'No run matches this filter' }).waitFor();
      await check('nothing found');
      ok(found.length === 0, found.join('\n'));
    },
  );

test(
  'narrow: nothing is wider than a 360 px screen',
  { context: { viewport: { width: 360, height: 740 } }, expects: [/status of 400/] },
  async ({ page }) => {
    for (const [name, { hash, ready }] of Object.entries(places(await scene()))) {
      await go(page, hash);
      await ready(page);
      await comes(() => tooWide(page), [], `too wide on ${name}`);
    }
    // Without a search, so that on a full server there are rows out of sight as well.
    await go(page, '');
    await page.locator('tbody td.col-name').first().waitFor();
    await until('names of experiments have room', async () => {
      const { width } = await page.locator('tbody td.col-name').first().boundingBox();
      return width > 140;
    });
    const { id } = await scene();
    await go(page, `#/experiments/${id}`);
    await page.getByRole('button', { name: 'Charts', exact: true }).click();
    await until('charts on a narrow screen', async () => (await chartWords(page, 'loss')).includes('parent'));
  },
);

test('the skip link and the focus lead into the page', async ({ page }) => {
  const { id } = await scene();
  await go(page, `#/experiments/${id}`);
  await rowOf(page, 'parent').waitFor();
  await page.keyboard.press('Tab');
  await comes(
    () => page.evaluate(() => document.activeElement.textContent),
    'Skip to the content',
    'first stop',
  );
  await page.keyboard.press('Enter');
  await comes(() => page.evaluate(() => document.activeElement.id), 'main', 'focus after the skip link');
  await page.getByRole('link', { name: 'Experiments', exact: true }).click();
  await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
  await until('a new page takes the focus', () => page.evaluate(() => document.activeElement.id === 'main'));
});
