// The table of runs: exact values, columns, sorting, searching, nesting, selecting, deleting, thousands of rows.
import { comes, equal, go, mark, ok, rowOf, test, until } from '../harness.mjs';
import { getRun, makeExperiment, makeRun, post } from '../api.mjs';

const names = (page) => page.locator('tbody td.cell-name a').allTextContents();
const cellTexts = async (page, name, column) => {
  const heads = await page.locator('thead tr:nth-child(2) th').allTextContents();
  const at = heads.findIndex((text) => text.trim() === column);
  ok(at >= 0, `there is a column ${column} among ${heads}`);
  const cell = rowOf(page, name).locator('td').nth(at);
  return {
    text: (await cell.textContent()).trim(),
    title: await cell.evaluate((td) => td.title || td.querySelector('[title]')?.title || ''),
  };
};
const head = (page, name) => page.getByRole('columnheader', { name, exact: true });

/** Shows the table alone, wide enough for all of its columns. */
async function tableOnly(page, id) {
  await page.setViewportSize({ width: 2200, height: 900 });
  await go(page, `#/experiments/${id}`);
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.locator('tbody tr[data-run]').first().waitFor();
}

test('run table: values, sorting by every kind of column', async ({ page }) => {
  const id = await makeExperiment(`table ${mark}`);
  const start = Date.now() - 600_000;
  await makeRun(id, 'alpha', {
    start,
    params: { lr: '10', opt: 'adam' },
    metrics: { loss: [0.5, 0.1 + 0.2], 'val/acc': [0.25] },
    tags: { team: 'red' },
    status: 'FINISHED',
    end: start + 83_000,
  });
  await makeRun(id, 'beta', {
    start: start + 1000,
    params: { lr: '9', opt: 'sgd' },
    metrics: { loss: ['NaN'], 'val/acc': [0.75] },
    status: 'FAILED',
  });
  await makeRun(id, 'gamma', {
    start: start + 2000,
    params: { lr: '0.1', opt: 'adam' },
    metrics: { 'val/acc': [1234567.891] },
  });
  await makeRun(id, 'delta', {
    start: start + 3000,
    params: { opt: 'lamb' },
    metrics: { loss: [-1e-7] },
    status: 'KILLED',
  });
  await tableOnly(page, id);
  await until('newest first', async () => (await names(page)).join() === 'delta,gamma,beta,alpha');
  const shows = (name, column, text, what) =>
    comes(async () => (await cellTexts(page, name, column)).text, text, what);
  await shows('alpha', 'loss', '0.3', 'six digits');
  await until('all digits on hover', async () =>
    (await cellTexts(page, 'alpha', 'loss')).title.startsWith('0.30000000000000004 at step 1'),
  );
  await shows('beta', 'loss', 'NaN', 'NaN');
  await shows('gamma', 'loss', '', 'no value');
  await shows('gamma', 'val/acc', '1.23457e6', 'large value');
  await shows('delta', 'loss', '-1e-7', 'small value');
  await shows('alpha', 'Status', 'Finished', 'status in words');
  await shows('alpha', 'Duration', '1 min 23 s', 'duration');
  const running = (await cellTexts(page, 'gamma', 'Duration')).text;
  await until(
    'the duration of a running run goes on',
    async () => (await cellTexts(page, 'gamma', 'Duration')).text !== running,
  );

  const sortBy = async (column, expected) => {
    await head(page, column).getByRole('button', { name: column, exact: true }).click();
    await until(`sorted by ${column}`, async () => (await names(page)).join() === expected);
  };
  await sortBy('loss', 'alpha,delta,beta,gamma');
  await comes(() => head(page, 'loss').getAttribute('aria-sort'), 'descending', 'aria-sort');
  await sortBy('loss', 'delta,alpha,beta,gamma');
  await comes(() => head(page, 'loss').getAttribute('aria-sort'), 'ascending', 'aria-sort');
  await sortBy('lr', 'gamma,beta,alpha,delta');
  await sortBy('lr', 'alpha,beta,gamma,delta');
  await sortBy('Run', 'alpha,beta,delta,gamma');
  await sortBy('Started', 'delta,gamma,beta,alpha');
  await page.reload();
  await until(
    'the order is part of the address',
    async () => (await head(page, 'Started').getAttribute('aria-sort')) === 'descending',
  );
  // Where one came from is a step back.
  await page.goBack();
  await until(
    'back to the order before',
    async () => (await names(page)).join() === 'alpha,beta,delta,gamma',
  );
  equal(
    await head(page, 'Duration').getByRole('button', { name: 'Duration', exact: true }).count(),
    0,
    'no order by it',
  );
});

test('run table: choose columns, resize them, and find both again', async ({ page }) => {
  const id = await makeExperiment(`columns ${mark}`);
  await makeRun(id, 'one', {
    params: { depth: '3' },
    metrics: { loss: [1], 'val/loss': [2] },
    tags: { team: 'blue' },
  });
  await tableOnly(page, id);
  await head(page, 'loss').waitFor();
  equal(await head(page, 'team').count(), 0, 'tags are not shown at first');
  await page.getByRole('button', { name: 'Columns' }).click();
  const panel = page.getByRole('dialog', { name: 'Columns' });
  await panel.getByRole('searchbox').fill('team');
  await until('the search narrows the list', async () => (await panel.locator('.choice').count()) === 1);
  await panel.getByRole('checkbox', { name: 'team' }).check();
  await panel.getByRole('searchbox').fill('');
  await panel.getByRole('checkbox', { name: 'val/loss' }).uncheck();
  await page.keyboard.press('Escape');
  await until('the panel is closed', async () => (await panel.count()) === 0);
  await head(page, 'team').waitFor();
  await comes(async () => (await cellTexts(page, 'one', 'team')).text, 'blue', 'tag cell');
  await comes(() => head(page, 'val/loss').count(), 0, 'the column is gone');
  const handle = page.getByRole('separator', { name: 'Width of depth' });
  const before = Number(await handle.getAttribute('aria-valuenow'));
  await handle.focus();
  await page.keyboard.press('ArrowRight');
  await until('wider', async () => Number(await handle.getAttribute('aria-valuenow')) === before + 12);
  const box = await handle.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 50, box.y + 5, { steps: 4 });
  await page.mouse.up();
  const wide = await until('dragged', async () => {
    const now = Number(await handle.getAttribute('aria-valuenow'));
    return now > before + 40 && now;
  });
  await page.reload();
  await head(page, 'team').waitFor();
  await comes(() => head(page, 'val/loss').count(), 0, 'still gone after a reload');
  await comes(async () => Number(await handle.getAttribute('aria-valuenow')), wide, 'width after a reload');
});

test('run table: nested runs fold and unfold', async ({ page }) => {
  const id = await makeExperiment(`nested ${mark}`);
  const start = Date.now() - 600_000;
  const parent = await makeRun(id, 'the parent', { start, metrics: { loss: [3] }, status: 'FINISHED' });
  for (const [i, name] of ['child one', 'child two'].entries())
    await makeRun(id, name, {
      start: start + 1000 * (i + 1),
      parent,
      metrics: { loss: [i] },
      status: 'FINISHED',
    });
  await tableOnly(page, id);
  await comes(() => names(page), ['the parent'], 'folded at first');
  await page.getByRole('button', { name: 'Unfold the parent' }).click();
  await until('unfolded', async () => (await names(page)).join() === 'the parent,child two,child one');
  await comes(() => rowOf(page, 'child one').getAttribute('aria-level'), '2', 'aria-level');
  await comes(() => rowOf(page, 'the parent').getAttribute('aria-expanded'), 'true', 'aria-expanded');
  await rowOf(page, 'the parent').focus();
  await page.keyboard.press('ArrowLeft');
  await until('folded by key', async () => (await names(page)).length === 1);
  await page.getByRole('button', { name: 'Nest' }).click();
  await until('flat', async () => (await names(page)).join() === 'child two,child one,the parent');
});

test('run table: select, delete, undo, restore', async ({ page }) => {
  const id = await makeExperiment(`delete ${mark}`);
  const ids = {};
  for (const [i, name] of ['keep', 'drop one', 'drop two'].entries())
    ids[name] = await makeRun(id, name, {
      start: Date.now() - 60_000 * (i + 1),
      metrics: { loss: [i] },
      status: 'FINISHED',
    });
  await go(page, `#/experiments/${id}`);
  await page.getByRole('checkbox', { name: 'Select drop one' }).check();
  await page.getByRole('checkbox', { name: 'Select drop two' }).click({ modifiers: ['Shift'] });
  await page.getByText('2 runs selected').waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete 2 runs' });
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await until('they are gone', async () => (await names(page)).join() === 'keep');
  equal((await getRun(ids['drop one'])).info.lifecycle_stage, 'deleted', 'on the server');
  await page.getByRole('button', { name: 'Undo' }).click();
  await until('they are back', async () => (await names(page)).length === 3);
  equal((await getRun(ids['drop one'])).info.lifecycle_stage, 'active', 'on the server');
  await post('runs/delete', { run_id: ids['drop one'] });
  await page.getByRole('button', { name: 'Deleted', exact: true }).click();
  await rowOf(page, 'drop one').waitFor();
  await comes(() => names(page), ['drop one'], 'only the deleted one');
  await page.getByRole('checkbox', { name: 'Select drop one' }).check();
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('heading', { name: 'No deleted runs' }).waitFor();
  await page.getByRole('button', { name: 'Active', exact: true }).click();
  await until('restored', async () => (await names(page)).length === 3);
});

test('run table: 2,000 runs are sorted and found by the server, scroll smoothly, and are counted', async ({
  page,
  context,
}) => {
  const id = await makeExperiment(`many ${mark}`);
  const start = Date.now() - 10_000_000;
  const waiting = Array.from({ length: 2000 }, (_, i) => i);
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let i = waiting.shift(); i !== undefined; i = waiting.shift())
        await post('runs/create', {
          experiment_id: id,
          run_name: `run-${String(i).padStart(4, '0')}`,
          start_time: start + i * 1000,
        });
    }),
  );
  // The oldest has the best value: only the server can find it at once.
  await post('runs/search', {
    experiment_ids: [id],
    max_results: 1,
    order_by: ['attributes.start_time ASC'],
  }).then(({ runs }) =>
    post('runs/log-metric', {
      run_id: runs[0].info.run_id,
      key: 'score',
      value: 99,
      step: 0,
      timestamp: start,
    }),
  );
  await go(page, `#/experiments/${id}`);
  await rowOf(page, 'run-1999').waitFor();
  await page.getByText(/^100 of 2,000 runs loaded|^1,100 of/).waitFor();
  await until(
    'only rows in sight are in the page',
    async () => (await page.locator('tbody tr[data-run]').count()) < 80,
  );
  await comes(() => page.locator('table.runs').getAttribute('aria-rowcount'), '2002', 'aria-rowcount');
  const filter = page.getByRole('combobox', { name: 'Filter runs' });
  await filter.fill('run-0000');
  await page.getByText('1 of 2,000 runs matches').waitFor();
  await comes(() => names(page), ['run-0000'], 'found by its name');
  await filter.fill('metrics.score > 98');
  await filter.press('Enter');
  await page.getByText('1 of 2,000 runs matches').waitFor();
  await comes(() => names(page), ['run-0000'], 'found by its metric');
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await until('all are back', async () => (await names(page))[0] === 'run-1999');
  await go(page, `#/experiments/${id}?sort=-metric:score`);
  await until('the best comes first', async () => (await names(page))[0] === 'run-0000');
  await head(page, 'score').waitFor();
  await go(page, `#/experiments/${id}`);
  await until('newest first', async () => (await names(page))[0] === 'run-1999');

  // What the page computes itself, whatever else the machine does meanwhile.
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const computedS = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ThreadTime').value;
  };
  const frames = 120;
  const before = await computedS();
  await page.evaluate(async (count) => {
    const scroller = document.querySelector('.table-scroll');
    for (let i = 1; i <= count; i++) {
      // The list grows while it is scrolled: its end moves away until everything is there.
      scroller.scrollTop = (scroller.scrollHeight * i) / count;
      await new Promise(requestAnimationFrame);
    }
  }, frames);
  const frameMs = ((await computedS()) - before) * (1000 / frames);
  ok(frameMs > 0 && frameMs < 100, `a frame while scrolling takes ${frameMs} ms of computing`);
  await until('scrolling loads everything', async () => {
    await page.evaluate(() => {
      const scroller = document.querySelector('.table-scroll');
      scroller.scrollTop = scroller.scrollHeight;
    });
    return rowOf(page, 'run-0000').isVisible();
  });
  await page.getByText('2,000 runs', { exact: true }).waitFor();
  await rowOf(page, 'run-0000').waitFor();
  await until(
    'still only rows in sight',
    async () => (await page.locator('tbody tr[data-run]').count()) < 80,
  );
  await rowOf(page, 'run-0000').focus();
  await page.keyboard.press('Home');
  await until('the first row has the focus', () =>
    page.evaluate(() => document.activeElement?.querySelector?.('a')?.textContent === 'run-1999'),
  );
});
