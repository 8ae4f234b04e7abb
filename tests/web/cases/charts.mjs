// Charts: what is drawn is what was logged, it follows a running script, and it answers pointer and keyboard.
import { chartWords, comes, equal, go, mark, ok, rowOf, test, until } from '../harness.mjs';
import { logMetric, makeExperiment, makeRun, post } from '../api.mjs';

/** Counts the drawn pixels of a chart that have about the colour of the style sheet's variable. */
function pixelsOf(page, metric, variable) {
  return page.evaluate(
    ([key, name]) => {
      const canvas = document.querySelector(`figure[data-metric="${key}"] canvas`);
      if (!canvas) return -1;
      const probe = document.createElement('span');
      probe.hidden = true;
      document.body.append(probe);
      probe.style.color = getComputedStyle(document.documentElement).getPropertyValue(name);
      const wanted = getComputedStyle(probe).color.match(/\d+/g).map(Number);
      probe.remove();
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 150 && [0, 1, 2].every((k) => Math.abs(data[i + k] - wanted[k]) < 24)) count++;
      return count;
    },
    [metric, variable],
  );
}

const dotColour = async (page, name) =>
  /run-\d+/.exec(await rowOf(page, name).locator('.dot').getAttribute('class'))[0];

// Reading the canvas back is the test's own doing.
test(
  'chart: the curves of the chosen runs, in the colours of their rows',
  { expects: [/willReadFrequently/] },
  async ({ page }) => {
    const id = await makeExperiment(`curves ${mark}`);
    const start = Date.now() - 600_000;
    const falling = Array.from({ length: 50 }, (_, i) => 2 / (i + 1));
    await makeRun(id, 'falling', {
      start,
      metrics: { loss: falling, 'val/acc': [0.5, 'NaN', 0.75] },
      status: 'FINISHED',
    });
    await makeRun(id, 'rising', {
      start: start + 1000,
      metrics: { loss: [0.1, 0.2, 0.30000000000000004] },
      status: 'FINISHED',
    });
    await makeRun(id, 'other', { start: start + 2000, metrics: { loss: [-1, -2] }, status: 'FINISHED' });
    await go(page, `#/experiments/${id}`);
    await until('three curves', async () => (await chartWords(page, 'loss')).startsWith('loss, 3 curves.'));
    await page.getByRole('checkbox', { name: 'Select falling' }).check();
    await page.getByRole('checkbox', { name: 'Select rising' }).check();
    const words = await until('two curves', async () => {
      const text = await chartWords(page, 'loss');
      return text.startsWith('loss, 2 curves.') && text;
    });
    ok(words.includes(`falling: 50 points, last 0.04 at step 49, between 0.04 and 2.`), words);
    ok(
      words.includes(
        'rising: 3 points, last 0.30000000000000004 at step 2, between 0.1 and 0.30000000000000004.',
      ),
      words,
    );
    for (const name of ['falling', 'rising']) {
      const colour = await dotColour(page, name);
      await until(
        `${name} is drawn in its colour`,
        async () => (await pixelsOf(page, 'loss', `--${colour}`)) > 40,
      );
    }
    ok((await dotColour(page, 'falling')) !== (await dotColour(page, 'rising')), 'the colours differ');
    const accuracy = await chartWords(page, 'val/acc');
    ok(accuracy.includes('falling: 3 points, last 0.75 at step 2, between 0.5 and 0.75.'), accuracy);
  },
);

test('chart: axis, log scale, smoothing, zoom, exact digits under the pointer', async ({ page }) => {
  const id = await makeExperiment(`chart tools ${mark}`);
  const start = Date.now() - 600_000;
  const noisy = Array.from({ length: 200 }, (_, i) => (i % 2 ? 1 : 3) + 1 / (i + 3));
  const run = await makeRun(id, 'noisy', {
    start,
    metrics: { loss: noisy, signed: [-1, 0, 5] },
    status: 'FINISHED',
  });
  await go(page, `#/experiments/${id}/runs/${run}/metrics`);
  const figure = page.locator('figure[data-metric="loss"]');
  const picture = () => figure.locator('canvas').evaluate((canvas) => canvas.toDataURL());
  await figure.locator('canvas').waitFor();
  await until('drawn', async () => (await chartWords(page, 'loss')).includes('200 points'));

  const tip = figure.locator('.plot-box');
  /** Points at the end of the curve until the box beside the pointer says this: a chart may be made anew meanwhile. */
  const pointAtEnd = (what, words) =>
    until(what, async () => {
      await page.mouse.move(5, 5);
      const box = await figure.locator('.u-over').boundingBox();
      await page.mouse.move(box.x + box.width - 0.5, box.y + box.height / 2);
      return until(what, async () => (await tip.textContent()).includes(words), 2000);
    });
  await pointAtEnd('all digits', String(noisy[199]));
  await pointAtEnd('the step', 'step 199');

  const change = async (what, action) => {
    const before = await picture();
    await action();
    await until(what, async () => (await picture()) !== before);
  };
  await page.mouse.move(5, 5);
  await change('smoothed', () => page.getByRole('slider', { name: /Smoothing/ }).fill('0.9'));
  await change('log scale', () => page.getByRole('checkbox', { name: 'Log scale' }).check());
  await page.getByText('2 values ≤ 0 not shown on a log scale').waitFor();
  await change('relative time', () => page.getByRole('button', { name: 'Relative' }).click());
  await until('seconds since the start', async () =>
    (await chartWords(page, 'loss')).includes(`last ${noisy[199]} at 3 min 19 s`),
  );
  await pointAtEnd('the time under the pointer', '3 min 19 s');
  await page.mouse.move(5, 5);
  await change('wall-clock time', () => page.getByRole('button', { name: 'Time', exact: true }).click());
  await until('the day', async () => /at \d{4}-\d\d-\d\d \d\d:/.test(await chartWords(page, 'loss')));
  await change('steps', () => page.getByRole('button', { name: 'Step', exact: true }).click());

  const box = await figure.locator('.u-over').boundingBox();
  await change('zoomed', async () => {
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
    await page.mouse.up();
  });
  await page.getByRole('button', { name: 'Reset zoom' }).waitFor();
  await change('the whole again', () => page.mouse.dblclick(box.x + box.width / 2, box.y + 60));
  await until('no zoom', async () => (await page.getByRole('button', { name: 'Reset zoom' }).count()) === 0);

  await page.mouse.move(5, 5);
  await figure.locator('.plot').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await until('the keyboard moves along the curve', async () => (await tip.textContent()).includes('step 1'));
  await page.reload();
  await until('the choices are remembered', () =>
    page.getByRole('checkbox', { name: 'Log scale' }).isChecked(),
  );

  await page.getByRole('button', { name: 'Enlarge loss' }).click();
  const dialog = page.getByRole('dialog', { name: 'loss' });
  await dialog.locator('canvas').waitFor();
  const download = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Points as CSV' }).click();
  const stream = await (await download).createReadStream();
  let csv = '';
  for await (const part of stream) csv += part;
  const lines = csv.trim().split('\n');
  equal(lines[0], 'run_id,run_name,metric,step,timestamp_ms,value', 'head of the file');
  equal(lines.length, 201, 'lines of the file');
  equal(lines[200], `${run},noisy,loss,199,${start + 199_000},${noisy[199]}`, 'last line of the file');
});

/** Drags over the chart of a metric, from one part of its width to another. */
async function drag(page, metric, from, to) {
  const box = await page.locator(`figure[data-metric="${metric}"] .u-over`).boundingBox();
  await page.mouse.move(box.x + box.width * from, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, box.y + 40, { steps: 5 });
  await page.mouse.up();
}

/** Points that are drawn and stored, as the words beside the chart tell it. */
async function countsOf(page, metric, run) {
  const words = await chartWords(page, metric);
  const found = new RegExp(`${run}: (?:([\\d,]+) of )?([\\d,]+) points?`).exec(words);
  const number = (text) => Number(text.replaceAll(',', ''));
  if (!found) return { drawn: 0, stored: 0 };
  return { drawn: number(found[1] ?? found[2]), stored: number(found[2]) };
}

test('chart: of a long series what the pixels show, and zooming in brings every point', async ({ page }) => {
  const id = await makeExperiment(`long ${mark}`);
  const length = 100_000;
  const value = (i) => (i === 61_803 ? 40 : Math.sin(i / 9000) + (i % 7) / 100);
  const run = await makeRun(id, 'long', {
    metrics: { loss: Array.from({ length }, (_, i) => value(i)) },
    status: 'FINISHED',
  });
  await go(page, `#/experiments/${id}/runs/${run}/metrics`);
  const figure = page.locator('figure[data-metric="loss"]');
  await figure.getByText('of 100,000 points').first().waitFor();
  const whole = await countsOf(page, 'loss', 'long');
  equal(whole.stored, length, 'points that are stored');
  ok(whole.drawn > 500 && whole.drawn < 10_000, `${whole.drawn} points are drawn`);
  const words = await chartWords(page, 'loss');
  ok(words.includes(`last ${value(length - 1)} at step ${length - 1}`), words);
  ok(words.includes(' and 40.'), `the one peak is never left out: ${words}`);

  await drag(page, 'loss', 0.6, 0.64);
  const part = await until('a part', async () => {
    const counts = await countsOf(page, 'loss', 'long');
    return counts.stored < 6000 && counts;
  });
  ok(part.stored > 2500, `${part.stored} points lie in the part`);
  ok((await chartWords(page, 'loss')).includes(' and 40.'), 'the peak lies in the part');
  await drag(page, 'loss', 0.45, 0.5);
  const most = await until('every point', async () => {
    const counts = await countsOf(page, 'loss', 'long');
    return counts.stored < part.stored / 10 && counts;
  });
  equal(most.drawn, most.stored, 'points that are drawn of those in sight');
  await comes(() => figure.getByText(/^[\d,]+ of [\d,]+ points$/).count(), 0, 'notes on what is left out');
  await page.getByRole('button', { name: 'Reset zoom' }).click();
  await until('the whole', async () => (await countsOf(page, 'loss', 'long')).stored === length);

  await page.getByRole('button', { name: 'Enlarge loss' }).click();
  const dialog = page.getByRole('dialog', { name: 'loss' });
  await dialog.getByRole('cell', { name: '100,000', exact: true }).waitFor();
  await dialog.getByText(/of 100,000 points drawn; zoom in/).waitFor();
  const pages = [];
  page.on('request', (request) => request.url().includes('get-history?') && pages.push(request.url()));
  const download = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Points as CSV' }).click();
  const stream = await (await download).createReadStream();
  let csv = '';
  for await (const piece of stream) csv += piece;
  const lines = csv.trimEnd().split('\n');
  equal(lines.length, length + 1, 'lines of the file');
  equal(lines[61_804].split(',').at(-1), '40', 'value of the peak');
  ok(pages.length >= 4, `${pages.length} pages`);

  // A server that takes its time: closing the chart ends the reading.
  await page.route('**/get-history?*', () => undefined);
  await dialog.getByRole('button', { name: 'Points as CSV' }).click();
  await dialog.getByText('Reading the points: 0 points so far').waitFor();
  const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('get-history?'));
  await dialog.getByRole('button', { name: 'Close' }).click();
  await ended;
});

test(
  'chart: a running series gets what is new, without what is held',
  { expects: [/status of 400/] },
  async ({ page }) => {
    const id = await makeExperiment(`growing ${mark}`);
    const run = await makeRun(id, 'growing', {
      metrics: { loss: Array.from({ length: 3000 }, (_, i) => (i % 11) - 5) },
    });
    await go(page, `#/experiments/${id}/runs/${run}/metrics`);
    await until('3,000 points', async () => (await countsOf(page, 'loss', 'growing')).stored === 3000);
    const before = (await countsOf(page, 'loss', 'growing')).drawn;
    const answer = page.waitForResponse(
      (response) =>
        response.url().endsWith('/metrics/chart') && 'since' in JSON.parse(response.request().postData()),
    );
    await logMetric(run, 'loss', 7.5, 3000);
    const { length } = await (await answer).body();
    ok(length < before * 4, `${length} bytes for one new point, ${before} points are held`);
    await until('the point', async () =>
      (await chartWords(page, 'loss')).includes(
        'of 3,001 points, last 7.5 at step 3000, between -5 and 7.5.',
      ),
    );
    ok((await countsOf(page, 'loss', 'growing')).drawn >= before, 'nothing was lost');

    // Behind the latest point: no version tells of it, and it replaces the curve.
    await logMetric(run, 'loss', 9.25, 1500);
    await until('the late point', async () =>
      (await chartWords(page, 'loss')).includes(
        'of 3,002 points, last 7.5 at step 3000, between -5 and 9.25.',
      ),
    );

    // A cursor that the server does not know is dropped.
    let refused = 0;
    await page.route('**/metrics/chart', async (route) => {
      const body = route.request().postDataJSON();
      if (refused > 0 || !body.since) return route.fallback();
      refused++;
      return route.continue({ postData: JSON.stringify({ ...body, since: 'nonsense' }) });
    });
    await logMetric(run, 'loss', 8, 3001);
    await until('the next point', async () =>
      (await chartWords(page, 'loss')).includes('of 3,003 points, last 8 at step 3001, between -5 and 9.25.'),
    );
    equal(refused, 1, 'refused cursors');
  },
);

test('chart: zooming into a long series does not lose the line of a short one', async ({ page }) => {
  const id = await makeExperiment(`sparse ${mark}`);
  const ids = [
    await makeRun(id, 'dense', {
      metrics: { loss: Array.from({ length: 10_000 }, (_, i) => (i % 5) / 5) },
      status: 'FINISHED',
    }),
    await makeRun(id, 'sparse', {
      metrics: { loss: [0, 9999].map((step) => ({ value: step + 2, step, timestamp: Date.now() + step })) },
      status: 'FINISHED',
    }),
  ];
  await go(page, `#/compare?runs=${ids.join(',')}`);
  await page.getByRole('button', { name: 'Charts' }).click();
  await until('both', async () => (await countsOf(page, 'loss', 'sparse')).stored === 2);
  await comes(async () => (await countsOf(page, 'loss', 'dense')).stored, 10_000, 'points of the long one');
  await page.locator('figure[data-metric="loss"] canvas').waitFor();
  await drag(page, 'loss', 0.4, 0.45);
  await until('a part of the long one', async () => (await countsOf(page, 'loss', 'dense')).stored < 1000);
  ok(
    (await chartWords(page, 'loss')).includes('sparse: 2 points, last 10001 at step 9999'),
    'the other is whole',
  );
});

test('chart: points that cannot be read are not passed over in silence', async ({ page }) => {
  const id = await makeExperiment(`damaged ${mark}`);
  const run = await makeRun(id, 'damaged', { metrics: { loss: [1, 2, 3] }, status: 'FINISHED' });
  // The server's own answer, with a word about damage in its head.
  await page.route('**/metrics/chart', async (route) => {
    const response = await route.fetch();
    const bytes = await response.body();
    const headEnd = 8 + bytes.readUInt32LE(4);
    const head = JSON.stringify({ ...JSON.parse(bytes.subarray(8, headEnd)), damaged: 2 });
    const headBytes = Buffer.from(head + ' '.repeat((8 - (Buffer.byteLength(head) % 8)) % 8));
    const prefix = Buffer.from(bytes.subarray(0, 8));
    prefix.writeUInt32LE(headBytes.length, 4);
    await route.fulfill({ response, body: Buffer.concat([prefix, headBytes, bytes.subarray(headEnd)]) });
  });
  await go(page, `#/experiments/${id}/runs/${run}/metrics`);
  await page.getByText('Some points cannot be read; the server’s log says which.').waitFor();
  ok((await chartWords(page, 'loss')).includes('damaged: 3 points, last 3'), 'what can be read is drawn');
});

test('chart: many points at one step, and negative steps', async ({ page }) => {
  const id = await makeExperiment(`odd steps ${mark}`);
  const at = Date.now();
  const run = await makeRun(id, 'odd', {
    metrics: {
      loss: [
        { value: 1, step: -5, timestamp: at },
        { value: 2, step: 3, timestamp: at },
        { value: 4, step: 3, timestamp: at + 5 },
      ],
    },
    status: 'FINISHED',
  });
  await go(page, `#/experiments/${id}/runs/${run}/metrics`);
  await until('all three points', async () =>
    (await chartWords(page, 'loss')).includes('odd: 3 points, last 4 at step 3, between 1 and 4.'),
  );
});

test('live: table and chart follow a running script until it ends', async ({ page }) => {
  const id = await makeExperiment(`live ${mark}`);
  const run = await makeRun(id, 'training', { start: Date.now(), metrics: { loss: [5, 4] } });
  await go(page, `#/experiments/${id}`);
  await until('two points', async () => (await chartWords(page, 'loss')).includes('training: 2 points'));
  await page.getByText('Live', { exact: true }).waitFor();
  await logMetric(run, 'loss', 3.25, 2);
  await until('the new point is in the chart', async () =>
    (await chartWords(page, 'loss')).includes('training: 3 points, last 3.25 at step 2'),
  );
  await until('and in the table', async () => (await rowOf(page, 'training').textContent()).includes('3.25'));
  await makeRun(id, 'newcomer', { start: Date.now(), metrics: { loss: [1] }, status: 'FINISHED' });
  await rowOf(page, 'newcomer').waitFor();

  await rowOf(page, 'training').getByRole('link').click();
  await page.getByRole('link', { name: /^Metrics/ }).click();
  await until('the chart of the run', async () => (await chartWords(page, 'loss')).includes('3 points'));
  await logMetric(run, 'loss', 2.125, 3);
  await logMetric(run, 'fresh/metric', 7, 0);
  await until('the point', async () =>
    (await chartWords(page, 'loss')).includes('4 points, last 2.125 at step 3'),
  );
  await page.locator('figure[data-metric="fresh/metric"]').waitFor();
  await post('runs/update', { run_id: run, status: 'FINISHED', end_time: Date.now() });
  await page.locator('.page-title .status-finished').waitFor();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  // Twice as long as a running one is left alone; what was about to be asked when it ended may still be.
  await until('no request for a finished run in 5.5 s', async () => {
    asked.length = 0;
    await new Promise((resume) => setTimeout(resume, 5500));
    return !asked.some((url) => /runs\/get\?|metrics\/chart/.test(url));
  });
});
