// The page of a run: facts, name, description, tags, parent and children, search.
import { comes, equal, go, mark, test, until } from '../harness.mjs';
import { getRun, makeExperiment, makeRun, post } from '../api.mjs';

const tagOf = async (run, key) => (await getRun(run)).data.tags?.find((tag) => tag.key === key)?.value;

test('run page: facts, exact values, search', async ({ page }) => {
  const name = `facts ${mark}`;
  const id = await makeExperiment(name);
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const run = await makeRun(id, 'factual', {
    params: { learning_rate: '0.001', layers: '64, 64', empty: '' },
    metrics: { 'train/loss': [0.1 + 0.2], 'val/loss': ['Infinity'], 'val/acc': ['NaN'] },
    tags: { 'mlflow.source.name': 'jobs/train.py', 'mlflow.source.git.commit': commit },
    status: 'FINISHED',
  });
  await post('runs/log-inputs', {
    run_id: run,
    datasets: [
      {
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
        dataset: {
          name: 'wine',
          digest: 'abc123',
          source_type: 'http',
          source: '{"url":"https://example.org"}',
        },
      },
    ],
  });
  await go(page, `#/experiments/${id}/runs/${run}`);
  await page.getByRole('heading', { level: 1, name: 'factual' }).waitFor();
  for (const part of [run, name, 'tester', 'jobs/train.py', commit.slice(0, 10)])
    await until(`the fact ${part}`, async () =>
      (await page.locator('.facts-grid').textContent()).includes(part),
    );
  const metrics = page.getByRole('table', { name: 'Latest metrics' });
  await until('short value', async () =>
    (await metrics.getByRole('row', { name: /train\/loss/ }).textContent()).includes('0.3'),
  );
  await comes(() => metrics.locator('td[title^="0.30000000000000004"]').count(), 1, 'all digits on hover');
  await until('NaN', async () =>
    (await metrics.getByRole('row', { name: /val\/acc/ }).textContent()).includes('NaN'),
  );
  const params = page.getByRole('table', { name: 'Parameters' });
  await params.getByText('64, 64').waitFor();
  const data = page.getByRole('table', { name: 'Data sets' });
  await until('data set', async () => /wine.*training.*abc123/s.test(await data.textContent()));
  await page.keyboard.press('/');
  await page.keyboard.type('^val/');
  await until('only what matches', async () => (await metrics.locator('tbody tr').count()) === 2);
  await page.getByText('None matches.').waitFor();
});

test('run page: rename, describe, delete, restore', async ({ page }) => {
  const id = await makeExperiment(`edit ${mark}`);
  const run = await makeRun(id, 'old name', { metrics: { loss: [1] }, status: 'FINISHED' });
  await go(page, `#/experiments/${id}/runs/${run}`);
  await page.getByRole('button', { name: 'Rename run' }).click();
  await page.getByRole('textbox', { name: 'Rename run' }).fill('new name');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'new name' }).waitFor();
  await comes(async () => (await getRun(run)).info.run_name, 'new name', 'name on the server');
  await until('title', async () => (await page.title()) === 'new name · Tally');

  await page.getByRole('button', { name: 'Add a description' }).click();
  const text =
    '# Why\n\nTried **more** data, see [notes](https://example.org/n) and <img src=x onerror=alert(1)>\n\n[bad](javascript:alert(1))';
  await page.getByRole('textbox', { name: 'Description' }).fill(text);
  await page.getByRole('button', { name: 'Save description' }).click();
  await page.locator('.markdown strong', { hasText: 'more' }).waitFor();
  await comes(() => tagOf(run, 'mlflow.note.content'), text, 'description on the server');
  equal(await page.locator('.markdown img').count(), 0, 'no HTML from stored text');
  await comes(
    () => page.locator('.markdown a').evaluateAll((links) => links.map((a) => a.getAttribute('href'))),
    ['https://example.org/n'],
    'links',
  );

  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog', { name: 'Delete run' }).getByRole('button', { name: 'Delete' }).click();
  await until('deleted', async () => (await getRun(run)).info.lifecycle_stage === 'deleted');
  // The page leaves a deleted run by itself, once it has its answer.
  await until('left', async () => !page.url().includes(run));
  await go(page, `#/experiments/${id}/runs/${run}`);
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).waitFor();
  await comes(async () => (await getRun(run)).info.lifecycle_stage, 'active', 'restored on the server');
});

test('run page: tags', async ({ page }) => {
  const id = await makeExperiment(`tags ${mark}`);
  const run = await makeRun(id, 'tagged', { tags: { team: 'red' }, status: 'FINISHED' });
  await go(page, `#/experiments/${id}/runs/${run}/tags`);
  const table = page.getByRole('table', { name: 'Tags', exact: true });
  await table.getByText('red').waitFor();
  await comes(() => table.locator('tbody tr').count(), 1, 'own tags');
  await comes(
    () => page.getByRole('table', { name: 'System tags' }).isVisible(),
    false,
    'system tags are folded away',
  );
  await page.getByText('System tags').click();
  await page.getByRole('table', { name: 'System tags' }).getByText('mlflow.user').waitFor();

  await page.getByRole('textbox', { name: 'Key of the new tag' }).fill('stage');
  await page.getByRole('textbox', { name: 'Value of the new tag' }).fill('candidate ✓');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await table.getByText('candidate ✓').waitFor();
  await comes(() => tagOf(run, 'stage'), 'candidate ✓', 'added on the server');

  await table.getByRole('row', { name: /team/ }).hover();
  await page.getByRole('button', { name: 'Edit team' }).click();
  await page.getByRole('textbox', { name: 'Value of team' }).fill('blue');
  await page.keyboard.press('Enter');
  await table.getByText('blue').waitFor();
  await comes(() => tagOf(run, 'team'), 'blue', 'changed on the server');

  await table.getByRole('row', { name: /stage/ }).hover();
  await page.getByRole('button', { name: 'Delete stage' }).click();
  await until('the row is gone', async () => (await table.locator('tbody tr').count()) === 1);
  await until('gone on the server', async () => (await tagOf(run, 'stage')) === undefined);
  await page.getByRole('button', { name: 'Undo' }).click();
  await table.getByText('candidate ✓').waitFor();
});

test('run page: parent, children and groups of charts', async ({ page }) => {
  const id = await makeExperiment(`family ${mark}`);
  const start = Date.now() - 600_000;
  const parent = await makeRun(id, 'the sweep', { start, status: 'FINISHED' });
  const child = await makeRun(id, 'a trial', {
    start: start + 1000,
    parent,
    metrics: { alone: [1], 'train/loss': [1], 'train/acc': [2], 'val/loss': [3] },
    status: 'FINISHED',
  });
  await go(page, `#/experiments/${id}/runs/${parent}`);
  await page.getByRole('link', { name: 'a trial' }).click();
  await page.getByRole('heading', { level: 1, name: 'a trial' }).waitFor();
  await comes(
    () => page.locator('.facts-grid').getByRole('link', { name: 'the sweep' }).getAttribute('href'),
    `#/experiments/${id}/runs/${parent}`,
    'link to the parent',
  );
  await page.getByRole('link', { name: /^Metrics/ }).click();
  await until('the address', () => page.url().endsWith(`/runs/${child}/metrics`));
  const groups = page.locator('.chart-group h2');
  await until('three groups', async () => (await groups.allTextContents()).join() === 'Metrics1,train2,val1');
  await page.getByRole('searchbox').fill('loss$');
  await until('two charts', async () => (await page.locator('figure.chart').count()) === 2);
  await page.getByRole('button', { name: /^train/ }).click();
  await until('one group folded', async () => (await page.locator('figure.chart').count()) === 1);
  await page.getByRole('button', { name: /^train/ }).click();
});
