// The list of experiments: create, find, sort, rename, describe, delete, restore.
import { base, comes, go, inOneGo, mark, ok, rowOf, test, until } from '../harness.mjs';
import { makeExperiment, makeRun } from '../api.mjs';

test(
  'experiment: create, refuse a taken name, rename, delete, undo, restore',
  { expects: [/status of 400/] },
  async ({ page }) => {
    const name = `made by hand ${mark}`;
    await go(page, '');
    const make = async () => {
      await page.getByRole('button', { name: 'New experiment' }).click();
      const dialog = page.getByRole('dialog', { name: 'New experiment' });
      await dialog.getByLabel('Name').fill(name);
      await dialog.getByLabel('Description').fill('Some *words* about it');
      await dialog.getByRole('button', { name: 'Create' }).click();
      return dialog;
    };
    await make();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.locator('.markdown em', { hasText: 'words' }).waitFor();
    await inOneGo(page, ['g', 'e'], 'the list of experiments', () =>
      page.getByRole('heading', { name: 'Experiments', exact: true }).isVisible(),
    );
    const dialog = await make();
    await dialog.getByRole('alert').filter({ hasText: 'already exists' }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    await page.getByRole('searchbox').fill(name.toUpperCase());
    await rowOf(page, name).waitFor();
    await rowOf(page, name).hover();
    await page.getByRole('button', { name: `Rename ${name}` }).click();
    const renamed = `${name} renamed`;
    await page.getByRole('dialog').getByLabel('Name').fill(renamed);
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await rowOf(page, renamed).waitFor();

    await rowOf(page, renamed).hover();
    await page.getByRole('button', { name: `Delete ${renamed}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await until('the row is gone', async () => (await rowOf(page, renamed).count()) === 0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await rowOf(page, renamed).waitFor();

    await rowOf(page, renamed).hover();
    await page.getByRole('button', { name: `Delete ${renamed}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await until('the row is gone again', async () => (await rowOf(page, renamed).count()) === 0);
    await page.getByRole('button', { name: 'Deleted', exact: true }).click();
    await page.getByRole('button', { name: `Restore ${renamed}` }).click();
    await until('it left the deleted ones', async () => (await rowOf(page, renamed).count()) === 0);
    await page.getByRole('button', { name: 'Active', exact: true }).click();
    await rowOf(page, renamed).waitFor();
  },
);

test('experiments: search and sort', async ({ page }) => {
  for (const [name, about] of [
    [`sort ${mark} run-10`, 'alpha words'],
    [`sort ${mark} run-9`, 'beta words'],
    [`sort ${mark} run-1`, ''],
  ])
    await makeExperiment(name, about);
  await go(page, `#/?q=sort%20${mark}`);
  const names = () => page.locator('tbody td.col-name a').allTextContents();
  await until('three experiments', async () => (await names()).length === 3);
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
  await until(
    'natural order',
    async () =>
      (await names()).join() === ['run-1', 'run-9', 'run-10'].map((n) => `sort ${mark} ${n}`).join(),
  );
  await comes(
    () => page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'),
    'ascending',
    'aria-sort',
  );
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
  await until('the other way round', async () => (await names())[0] === `sort ${mark} run-10`);
  await comes(
    () => page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'),
    'descending',
    'aria-sort',
  );
  await page.getByRole('searchbox').fill(`${mark} beta`);
  await until('found by description', async () => (await names()).join() === `sort ${mark} run-9`);
  await page.getByRole('searchbox').fill(`${mark} nothing like this`);
  await page.getByRole('heading', { name: 'No experiment matches' }).waitFor();
  await page.getByRole('button', { name: 'Clear the search' }).click();
  await until('all are back', async () => (await names()).length > 1);
});

test('an empty experiment says what to type, and its first run appears by itself', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => undefined);
  const name = `empty ${mark}`;
  const id = await makeExperiment(name);
  await go(page, `#/experiments/${id}`);
  await page.getByRole('heading', { name: 'No runs in this experiment yet' }).waitFor();
  const address = base.replace(/\/$/, '');
  await page.getByText(`export MLFLOW_TRACKING_URI=${address}`, { exact: true }).waitFor();
  const python = await page.locator('pre', { hasText: 'import mlflow' }).textContent();
  ok(python.includes(`mlflow.set_experiment("${name}")`), 'the snippet names the experiment');
  const shell = await page.locator('pre', { hasText: 'curl' }).textContent();
  ok(
    shell.includes(`${address}/api/2.0/mlflow/runs/create`) && shell.includes(`"${id}"`),
    'the shell line is complete',
  );
  await page.getByRole('button', { name: /^Copy: 1/ }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await comes(
    () => page.evaluate(() => navigator.clipboard.readText()),
    `export MLFLOW_TRACKING_URI=${address}`,
    'clipboard',
  );
  await makeRun(id, 'the very first', { metrics: { loss: [1] } });
  await rowOf(page, 'the very first').waitFor();
});
