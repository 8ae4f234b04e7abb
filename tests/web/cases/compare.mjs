// Runs side by side.
import { chartWords, comes, go, mark, test, until } from '../harness.mjs';
import { makeExperiment, makeRun } from '../api.mjs';

test(
  'compare: differences stand out, curves lie over each other',
  { expects: [/status of 404/] },
  async ({ page }) => {
    const id = await makeExperiment(`compare ${mark}`);
    const start = Date.now() - 600_000;
    const shared = { same: '1', epochs: '90' };
    for (const [i, name] of ['left', 'right'].entries())
      await makeRun(id, name, {
        start: start + i * 1000,
        params: { ...shared, lr: i ? '0.1' : '0.01' },
        metrics: { loss: [3, 2 - i, 1.5 - i] },
        tags: { team: 'red' },
        status: 'FINISHED',
      });
    await go(page, `#/experiments/${id}`);
    await page.getByRole('checkbox', { name: 'Select left' }).check();
    await page.getByRole('checkbox', { name: 'Select right' }).check();
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('heading', { level: 1, name: 'Compare 2 runs' }).waitFor();
    const table = page.getByRole('table', { name: 'Runs side by side' });
    const line = (key) =>
      table
        .locator('tbody tr')
        .filter({ has: page.locator('th[scope="row"]', { hasText: new RegExp(`^${key}`) }) });
    await comes(
      () => line('lr').locator('td').allTextContents(),
      ['0.1', '0.01'],
      'cells, newest first as in the table',
    );
    await until('lr differs', async () => (await line('lr').getAttribute('class')).includes('differs'));
    await until(
      'same does not differ',
      async () => !(await line('same').getAttribute('class')).includes('differs'),
    );
    await comes(() => line('loss').locator('td').allTextContents(), ['0.5', '1.5'], 'latest metrics');
    await page.getByRole('checkbox', { name: 'Only differences' }).check();
    await until(
      'equal rows are gone',
      async () => (await line('same').count()) === 0 && (await line('lr').count()) === 1,
    );
    await page.getByRole('checkbox', { name: 'Only differences' }).uncheck();
    await page.getByRole('button', { name: 'Charts' }).click();
    await until('two curves', async () => {
      const words = await chartWords(page, 'loss');
      return (
        words.includes('left: 3 points, last 1.5 at step 2') &&
        words.includes('right: 3 points, last 0.5 at step 2')
      );
    });
    // Relative time counts from the start of each run, so both curves end at the same place.
    await page.getByRole('button', { name: 'Relative' }).click();
    await until('both after two seconds', async () => {
      const words = await chartWords(page, 'loss');
      return (
        words.includes('left: 3 points, last 1.5 at 2 s') &&
        words.includes('right: 3 points, last 0.5 at 2 s')
      );
    });
    await page.getByRole('button', { name: 'Step', exact: true }).click();
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await page.getByRole('button', { name: 'Leave out left' }).click();
    await page.getByRole('heading', { level: 1, name: 'Compare 1 run' }).waitFor();
    await go(page, `#/compare?runs=${'f'.repeat(32)}`);
    await page.getByText('1 run of this link no longer exists.').waitFor();
    await go(page, '#/compare');
    await page.getByRole('heading', { name: 'Nothing to compare' }).waitFor();
  },
);
