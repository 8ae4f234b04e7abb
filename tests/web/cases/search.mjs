// Finding runs: the filter and its completion, what the server refuses, menus of columns, groups.
import { comes, equal, go, mark, rowOf, test, until } from '../harness.mjs';
import { makeExperiment, makeRun } from '../api.mjs';

const names = (page) => page.locator('tbody td.cell-name a').allTextContents();
const box = (page) => page.getByRole('combobox', { name: 'Filter runs' });
const listed = (page, what, expected) =>
  until(`${what}: ${expected}`, async () => (await names(page)).join() === expected);
const options = (page) => page.getByRole('option').locator('.clip').allTextContents();
const columnMenu = async (page, column) => {
  await page.getByRole('columnheader', { name: column, exact: true }).hover();
  await page.getByRole('button', { name: new RegExp(`^Menu of ${column.replace('/', '.')}`) }).click();
  return page.getByRole('dialog', { name: new RegExp(`^Menu of ${column.replace('/', '.')}`) });
};

let made;
/** Five runs that differ in everything that can be searched, made once. */
function scene() {
  made ??= (async () => {
    const id = await makeExperiment(`search ${mark}`);
    const start = Date.now() - 600_000;
    const make = (name, at, options) => makeRun(id, name, { start: start + at * 1000, ...options });
    await make('alpha', 0, {
      params: { lr: '0.1', opt: 'adam' },
      metrics: { loss: [0.9, 0.5], 'val/acc': [0.25] },
      tags: { team: 'red', 'note text': "it's fine" },
      status: 'FINISHED',
    });
    await make('beta', 1, {
      params: { lr: '0.01', opt: 'sgd' },
      metrics: { loss: ['NaN'], 'val/acc': [0.75] },
      tags: { team: 'blue' },
      status: 'FAILED',
    });
    await make('gamma', 2, {
      params: { opt: 'adam' },
      metrics: { 'val/acc': [0.5] },
      tags: { team: 'red' },
      status: 'FINISHED',
    });
    await make('delta', 3, { params: { lr: '10', opt: 'lamb' }, metrics: { loss: [0.2] }, status: 'KILLED' });
    await makeRun(id, 'long ago', {
      start: Date.now() - 40 * 86_400_000,
      metrics: { loss: [0.7] },
      status: 'FINISHED',
    });
    return id;
  })();
  return made;
}

async function openTable(page, query = '') {
  const id = await scene();
  await page.setViewportSize({ width: 2000, height: 900 });
  await go(page, `#/experiments/${id}${query}`);
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.locator('tbody tr[data-run]').first().waitFor();
}

test('filter: everything of the language, counted, in the address and in the history', async ({ page }) => {
  await openTable(page);
  await page.getByText('5 runs', { exact: true }).waitFor();
  const find = async (text, expected) => {
    await box(page).fill(text);
    await box(page).press('Enter');
    await listed(page, text, expected);
  };
  await find('metrics.loss < 0.6', 'delta,alpha');
  await page.getByText('2 of 5 runs match').waitFor();
  await until('the filter in the address', () => page.url().includes('filter=metrics.loss'));
  await find("params.opt = 'adam' AND metrics.`val/acc` >= 0.5", 'gamma');
  await page.getByText('1 of 5 runs matches').waitFor();
  await find("params.opt IN ('sgd', 'lamb') OR tags.`note text` = \"it's fine\"", 'delta,beta,alpha');
  await find('NOT (metrics.loss > 0.4 OR metrics.loss = NaN)', 'delta');
  await find('metrics.loss IS NULL', 'gamma');
  await find('metrics.loss BETWEEN 0.4 AND 0.8', 'alpha,long ago');
  await find("run_name ~ '^(al|be)' AND status != 'FAILED'", 'alpha');
  await find('number(params.lr) > 0.05', 'delta,alpha');
  await find('metrics.loss.max > 0.85', 'alpha');
  await find('start_time > now() - 7d', 'delta,gamma,beta,alpha');
  await find('LONG', 'long ago');
  await page.goBack();
  await listed(page, 'back', 'delta,gamma,beta,alpha');
  await comes(() => box(page).inputValue(), 'start_time > now() - 7d', 'the text of before');
  await page.goForward();
  await listed(page, 'forward', 'long ago');
  await page.reload();
  await listed(page, 'after a reload', 'long ago');
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await listed(page, 'cleared', 'delta,gamma,beta,alpha,long ago');
  await comes(
    () => page.evaluate(() => document.activeElement.getAttribute('role')),
    'combobox',
    'the field keeps the focus',
  );
});

test('filter: a pause in typing applies what is whole, and nothing that is not', async ({ page }) => {
  await openTable(page);
  const asked = [];
  page.on('request', (request) => {
    const body = request.url().endsWith('runs/search') && request.postDataJSON();
    if (body?.filter) asked.push(body.filter);
  });
  await box(page).pressSequentially('metrics.loss < 0.6 AND ');
  await page.waitForTimeout(1500);
  equal(
    asked.filter((text) => /AND\s*$|<\s*$|\.$/.test(text)),
    [],
    'nothing unfinished was asked',
  );
  await box(page).pressSequentially("params.opt = 'lamb'");
  await listed(page, 'applied by itself', 'delta');
  await page.goBack();
  await listed(page, 'one step back for one search', 'delta,gamma,beta,alpha,long ago');
});

test(
  'filter: what the server refuses is said, with its place',
  { expects: [/status of 400/] },
  async ({ page }) => {
    await openTable(page);
    await box(page).fill("params.opt = 'adam'");
    await box(page).press('Enter');
    await listed(page, 'a good filter', 'gamma,alpha');
    await box(page).fill("params.opt = 'adam' AND loss < 1");
    await box(page).press('Enter');
    const error = page.locator('.filter-error');
    await error.waitFor();
    await until('the place is named', async () => /character 25/.test(await error.textContent()));
    await comes(() => error.locator('mark').textContent(), 'loss', 'the marked word');
    await comes(() => box(page).getAttribute('aria-invalid'), 'true', 'aria-invalid');
    await comes(() => names(page), ['gamma', 'alpha'], 'the list of before stays');
    await error.getByTitle('Go to this place').click();
    await comes(
      () => box(page).evaluate((input) => input.value.slice(input.selectionStart, input.selectionEnd)),
      'loss',
      'selected by a click',
    );
    await page.keyboard.type('metrics.loss');
    await page.keyboard.press('Enter');
    await listed(page, 'mended', 'alpha');
    await comes(() => error.count(), 0, 'the error is gone');
    await box(page).fill('loss < 0.3');
    await box(page).press('Enter');
    await error.getByRole('button', { name: 'Did you mean metrics.loss?' }).click();
    await listed(page, 'as meant', 'delta');
    await comes(() => box(page).inputValue(), 'metrics.loss < 0.3', 'the text as meant');

    await go(page, `#/experiments/${await scene()}?filter=${encodeURIComponent('what is > this')}`);
    // Nothing is there of before after a reload.
    await page.reload();
    await page.getByRole('heading', { name: 'The server does not understand this filter' }).waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).last().click();
    await listed(page, 'cleared', 'delta,gamma,beta,alpha,long ago');
  },
);

test('filter: nothing found says what to do', async ({ page }) => {
  await openTable(page);
  await box(page).fill("params.opt = 'adam' AND metrics.loss < 0.1");
  await box(page).press('Enter');
  await page.getByRole('heading', { name: 'No run matches this filter' }).waitFor();
  await page.getByText('0 of 5 runs match').waitFor();
  await page.getByRole('button', { name: 'Remove metrics.loss < 0.1' }).click();
  await listed(page, 'without one condition', 'gamma,alpha');
  await comes(() => box(page).inputValue(), "params.opt = 'adam'", 'what is left');
});

test('filter: keys, operators and values are completed by keyboard', async ({ page }) => {
  await openTable(page);
  await page.keyboard.press('/');
  await page.keyboard.type('los');
  await until('metrics are offered', async () => (await options(page))[0] === 'metrics.loss');
  await comes(() => box(page).getAttribute('aria-expanded'), 'true', 'aria-expanded');
  await page.keyboard.press('ArrowDown');
  const active = await until('an option is active', () => box(page).getAttribute('aria-activedescendant'));
  await comes(() => page.locator(`[id="${active}"]`).getAttribute('aria-selected'), 'true', 'aria-selected');
  await page.keyboard.press('Enter');
  await comes(() => box(page).inputValue(), 'metrics.loss ', 'the key');
  await until('operators are offered', async () => (await options(page)).includes('>='));
  await page.keyboard.type('< 1 AND val');
  await until('keys that need quotes', async () => (await options(page))[0] === 'metrics.`val/acc`');
  await page.keyboard.press('Escape');
  await until('Escape closes the list', async () => (await page.getByRole('listbox').count()) === 0);
  await comes(() => box(page).inputValue(), 'metrics.loss < 1 AND val', 'and nothing else');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Backspace');
  await page.keyboard.type('params.op');
  await until('the key is offered', async () => (await options(page))[0] === 'params.opt');
  await page.keyboard.press('Tab');
  await page.keyboard.type('= ');
  await until('values with their counts', async () => (await options(page)).join() === 'adam,lamb,sgd');
  await page.getByRole('option', { name: 'adam' }).getByText('2 runs').waitFor();
  await page.keyboard.type("'a");
  await until('fewer values', async () => (await options(page)).join() === 'adam,lamb');
  await page.keyboard.press('Tab');
  await comes(() => box(page).inputValue(), "metrics.loss < 1 AND params.opt = 'adam' ", 'the whole text');
  await page.keyboard.press('Enter');
  await listed(page, 'applied', 'alpha');
  await box(page).fill('tags.team = ');
  await until('values of tags', async () => (await options(page)).join() === 'red,blue');
  await page.getByRole('option', { name: 'blue' }).click();
  await comes(() => box(page).inputValue(), "tags.team = 'blue' ", 'by mouse');
  await listed(page, 'after a pause', 'beta');
  await box(page).fill('metrics.loss > ');
  await page.getByText('from 0.2 to 0.7').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await until('Tab goes on when nothing is offered', () =>
    page.evaluate(() => document.activeElement.getAttribute('role') !== 'combobox'),
  );
});

test('filter: examples can be clicked', async ({ page }) => {
  await openTable(page);
  await page.getByRole('button', { name: 'Help on filters' }).click();
  const help = page.getByRole('dialog', { name: 'Help on filters' });
  await help.getByRole('button', { name: "status IN ('FAILED', 'KILLED')" }).click();
  await listed(page, 'the example', 'delta,beta');
  await comes(() => help.count(), 0, 'the help is closed');
});

test('menus of columns: values with counts, ranges, excluding, hiding', async ({ page }) => {
  await openTable(page);
  let menu = await columnMenu(page, 'opt');
  await menu.getByRole('button', { name: 'adam 2' }).waitFor();
  await comes(
    async () => (await menu.locator('.values li').allTextContents()).map((text) => text.replace(/\s/g, '')),
    ['adam2', 'lamb1', 'sgd1', 'novalue1'],
    'values, the most frequent first',
  );
  await menu.getByRole('button', { name: 'adam 2' }).click();
  await listed(page, 'by a value', 'gamma,alpha');
  await comes(() => box(page).inputValue(), "params.opt = 'adam'", 'the text of the filter');
  menu = await columnMenu(page, 'opt');
  await menu.getByRole('button', { name: 'sgd 1', exact: true }).click();
  await listed(page, 'another value in its place', 'beta');
  menu = await columnMenu(page, 'opt');
  await menu.getByRole('button', { name: 'no value 1' }).click();
  await listed(page, 'without a value', 'long ago');
  menu = await columnMenu(page, 'opt');
  await menu.getByRole('button', { name: 'Without adam' }).click();
  await page.getByRole('heading', { name: 'No run matches this filter' }).waitFor();
  await page.getByRole('button', { name: 'Remove params.opt IS NULL' }).click();
  await listed(page, 'all but one value', 'delta,beta');

  menu = await columnMenu(page, 'loss');
  await menu.getByText('0.2 to 0.2 in').waitFor();
  await page.keyboard.press('Escape');
  await until('Escape closes the menu', async () => (await menu.count()) === 0);
  await comes(
    () => page.evaluate(() => document.activeElement.getAttribute('aria-label')),
    'Menu of loss',
    'the focus is back on its button',
  );
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await listed(page, 'all', 'delta,gamma,beta,alpha,long ago');
  menu = await columnMenu(page, 'loss');
  await menu.getByText('0.2 to 0.7').waitFor();
  await menu.getByLabel('From').fill('0.4');
  await menu.getByLabel('To').fill('0.6');
  await menu.getByRole('button', { name: 'Filter' }).click();
  await listed(page, 'a range', 'alpha');
  await comes(() => box(page).inputValue(), 'metrics.loss BETWEEN 0.4 AND 0.6', 'the text of the range');
  menu = await columnMenu(page, 'loss');
  await menu.getByRole('button', { name: 'NaN 1' }).click();
  await listed(page, 'only NaN', 'beta');
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  menu = await columnMenu(page, 'Status');
  await menu.getByRole('button', { name: 'KILLED 1' }).click();
  await listed(page, 'by status', 'delta');
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  menu = await columnMenu(page, 'Started');
  await menu.getByRole('button', { name: 'last day' }).click();
  await listed(page, 'by time', 'delta,gamma,beta,alpha');
  menu = await columnMenu(page, 'lr');
  await menu.getByRole('button', { name: 'Sort ascending' }).click();
  await listed(page, 'sorted by number', 'beta,alpha,delta,gamma');
  menu = await columnMenu(page, 'val/acc');
  await menu.getByRole('button', { name: 'Hide this column' }).click();
  await until(
    'the column is gone',
    async () => (await page.getByRole('columnheader', { name: 'val/acc', exact: true }).count()) === 0,
  );
});

test('groups: counts, mean, best run, and what is inside', async ({ page }) => {
  await openTable(page);
  const menu = await columnMenu(page, 'opt');
  await menu.getByRole('button', { name: 'Group by this' }).click();
  const table = page.getByRole('table', { name: 'Runs grouped by opt' });
  await table.waitFor();
  await page.getByLabel('Metric').selectOption('val/acc');
  await page.getByRole('button', { name: 'Highest best' }).click();
  const row = (value) =>
    table.locator('tbody tr').filter({ has: page.getByRole('button', { name: value, exact: true }) });
  const cells = (value) => row(value).locator('td.number').allTextContents();
  await until('adam', async () => (await cells('adam')).join() === '2,0.375,0.25,0.5');
  await comes(() => cells('sgd'), ['1', '0.75', '0.75', '0.75'], 'sgd');
  await comes(async () => (await cells('lamb'))[0], '1', 'lamb, which has no such metric');
  await comes(() => row('adam').getByRole('link').textContent(), 'gamma', 'the best of adam');
  await comes(
    async () => (await table.locator('tbody th').allTextContents()).slice(0, 2),
    ['sgd', 'adam'],
    'groups in the order of their best run',
  );
  await page.getByRole('button', { name: 'Lowest best' }).click();
  await until(
    'the best is the lowest',
    async () => (await row('adam').getByRole('link').textContent()) === 'alpha',
  );
  await row('adam').getByRole('button', { name: 'adam' }).click();
  await until(
    'the runs inside',
    async () => (await table.locator('tr.inside a').allTextContents()).join() === 'alpha,gamma',
  );
  await box(page).fill("status = 'FINISHED'");
  await box(page).press('Enter');
  await until('a filter holds for groups', async () => (await table.locator('tbody th').count()) === 2);
  await page.reload();
  await table.waitFor();
  await row('adam').getByRole('button', { name: 'Show 2 runs' }).click();
  await listed(page, 'the group as a list', 'alpha,gamma');
  await comes(
    () => box(page).inputValue(),
    "status = 'FINISHED' AND params.opt = 'adam'",
    'the group is in the filter',
  );
  await page.goBack();
  await table.waitFor();
  await page.getByLabel('Group by').selectOption('');
  await page.locator('tbody tr[data-run]').first().waitFor();
});

test('a list sorted by a metric follows what is logged', async ({ page }) => {
  const id = await makeExperiment(`follow ${mark}`);
  await makeRun(id, 'first', { metrics: { score: [5] }, status: 'FINISHED' });
  await makeRun(id, 'second', { metrics: { score: [3] } });
  await go(page, `#/experiments/${id}?sort=-metric:score&filter=${encodeURIComponent('metrics.score > 2')}`);
  await listed(page, 'by score', 'first,second');
  await makeRun(id, 'third', { metrics: { score: [9] }, status: 'FINISHED' });
  await makeRun(id, 'no match', { metrics: { score: [1] }, status: 'FINISHED' });
  await listed(page, 'the new best is on top', 'third,first,second');
  await page.getByText('3 of 4 runs match').waitFor();
  await comes(() => rowOf(page, 'third').isVisible(), true, 'it is in sight');
});
