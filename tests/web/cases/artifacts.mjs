// The artifacts of runs and logged models: tree, previews, downloads, uploads.
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { comes, equal, go, inOneGo, mark, ok, test, until } from '../harness.mjs';
import { makeExperiment, makeModel, makeRun, post, putArtifact } from '../api.mjs';

// One pixel, as a PNG.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

const lines = (count, line) => Array.from({ length: count }, (_, i) => line(i + 1)).join('\n');

/** A run with files of every kind. */
async function runWith(name, files, options = { status: 'FINISHED' }) {
  const id = await makeExperiment(`artifacts ${name} ${mark}`);
  const run = await makeRun(id, name, options);
  for (const [path, content] of Object.entries(files))
    await putArtifact(`${id}/${run}/artifacts/${path}`, content);
  return { id, run, href: (path = '') => `#/experiments/${id}/runs/${run}/artifacts${path && `/${path}`}` };
}

const treeOf = (page) => page.getByRole('tree', { name: 'Files' });
const namesOf = async (page) => (await treeOf(page).locator('.tree-name').allTextContents()).join(' ');
const cursorOf = (page) =>
  treeOf(page).evaluate(
    (tree) =>
      document.getElementById(tree.getAttribute('aria-activedescendant'))?.querySelector('.tree-name')
        ?.textContent,
  );
const pathOf = (page) => page.getByRole('navigation', { name: 'Path' });

/** What a download gives. */
async function downloadBy(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

test('artifacts: tree, folders, links and the back button', async ({ page }) => {
  const content = 'artifact_path: model\n';
  const { run, href } = await runWith('tree', {
    'model/MLmodel': content,
    'model/data/weights.bin': Buffer.from([0, 1, 2, 3]),
    'model/code/a #1 ü%.py': 'print(1)\n',
    'notes.txt': 'hello\n',
    'run-10.log': 'ten\n',
    'run-2.log': 'two\n',
  });
  await go(page, href());
  await until('the root', async () => (await namesOf(page)) === 'model notes.txt run-2.log run-10.log');
  const table = page.getByRole('table', { name: 'Entries' });
  const row = table.getByRole('row', { name: /notes\.txt/ });
  const digest = createHash('sha256').update('hello\n').digest('hex');
  const text = await row.textContent();
  ok(text.includes('6 B') && text.includes('text/plain') && text.includes(digest.slice(0, 12)), text);

  // The keyboard, as ARIA's pattern of a tree has it.
  await treeOf(page).focus();
  await comes(() => cursorOf(page), 'model', 'the cursor starts at the top');
  await page.keyboard.press('ArrowRight');
  await until('unfolded', async () => (await namesOf(page)).startsWith('model code data MLmodel notes.txt'));
  await comes(
    () => treeOf(page).getByRole('treeitem', { name: 'model' }).first().getAttribute('aria-expanded'),
    'true',
    'told',
  );
  await page.keyboard.press('ArrowRight');
  await comes(() => cursorOf(page), 'code', 'into the folder');
  await page.keyboard.press('ArrowLeft');
  await comes(() => cursorOf(page), 'model', 'out of it');
  await page.keyboard.press('End');
  await comes(() => cursorOf(page), 'run-10.log', 'End');
  await inOneGo(
    page,
    ['Home', 'm', 'l'],
    'what is typed leads to a name',
    async () => (await cursorOf(page)) === 'MLmodel',
  );
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Text' }).getByText('artifact_path: model').waitFor();
  await until('the address', () => page.url().endsWith(href('model/MLmodel')));
  await comes(
    () => treeOf(page).locator('[aria-selected="true"] .tree-name').textContent(),
    'MLmodel',
    'selected',
  );

  // Names that mean something in addresses.
  await treeOf(page).getByText('code', { exact: true }).click();
  await treeOf(page).getByText('a #1 ü%.py').click();
  await page.getByRole('region', { name: 'Text' }).getByText('print(1)').waitFor();
  await until('the address', () => page.url().endsWith('/artifacts/model/code/a%20%231%20%C3%BC%25.py'));
  await pathOf(page).getByRole('link', { name: 'model' }).click();
  await table.getByRole('link', { name: 'MLmodel' }).waitFor();
  await page.goBack();
  await page.getByText('print(1)').waitFor();
  await page.goBack();
  await table.getByRole('link', { name: 'a #1 ü%.py' }).waitFor();

  // A link opens the way to its file.
  await page.goto('about:blank');
  await go(page, href('model/data/weights.bin'));
  await page.getByText('There is no preview of this kind of file. All of its bytes:').waitFor();
  await until('bytes', async () =>
    (await page.getByRole('region', { name: 'Bytes' }).textContent()).includes('00 01 02 03'),
  );
  await comes(
    () => namesOf(page),
    'model code data weights.bin MLmodel notes.txt run-2.log run-10.log',
    'the way is unfolded',
  );
  await page.getByText(`runs:/${run}/model/data/weights.bin`).waitFor();
  await go(page, href('model/nothing.txt'));
  await page.getByRole('heading', { name: 'There is no nothing.txt' }).waitFor();
  // The address that MLflow's own pages have for a file.
  await go(page, href('notes.txt').replace('/artifacts/', '/artifactPath/'));
  await page.getByRole('region', { name: 'Text' }).getByText('hello').waitFor();
});

test('artifacts: downloads of files and folders', async ({ page }) => {
  const { href } = await runWith('downloads', { 'a/x.txt': 'eks\n', 'a/b/y z.txt': 'why\n' });
  await go(page, href('a/x.txt'));
  const file = await downloadBy(page, () =>
    page.getByRole('link', { name: 'Download', exact: true }).click(),
  );
  equal([file.name, file.bytes.toString()], ['x.txt', 'eks\n'], 'the file');
  await pathOf(page).getByRole('link', { name: 'a', exact: true }).click();
  const archive = await downloadBy(page, () => page.getByRole('link', { name: '.zip' }).click());
  equal(archive.bytes.subarray(0, 2).toString('latin1'), 'PK', 'a zip');
  const tar = await downloadBy(page, () => page.getByRole('link', { name: '.tar.gz' }).click());
  equal([...tar.bytes.subarray(0, 2)], [0x1f, 0x8b], 'gzip');
});

test('artifacts: text by ranges', async ({ page }) => {
  const count = 60_000;
  const { href } = await runWith('text', {
    'long.log': lines(count, (i) => `line ${i} of a log`),
    'utf8.txt': `${'ä'.repeat(200_000)}\nend`,
    'nul.txt': Buffer.from([72, 0, 105]),
    'wide.txt': `${'word '.repeat(500)}\nsecond`,
    'empty.txt': '',
  });
  const asked = [];
  page.on('request', (request) => {
    if (request.url().includes('get-artifact') && request.headers()['range'])
      asked.push(request.headers()['range']);
  });
  await go(page, href('long.log'));
  const text = page.getByRole('region', { name: 'Text' });
  await text.getByText('line 1 of a log', { exact: true }).waitFor();
  await page.getByText('lines, first 256 KiB of').waitFor();
  equal(asked, ['bytes=0-262143'], 'only the beginning was asked for');
  await until('only lines in sight are made', async () => (await text.locator('.line').count()) < 200);
  await text.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.getByRole('button', { name: /^Load .* more$/ }).click();
  await page.getByText('60,000 lines,').waitFor();
  await text.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await text.getByText(`line ${count} of a log`).waitFor();
  equal(asked[1], 'bytes=262144-1310719', 'then from there on');

  // A character on the border of two ranges stays whole.
  await go(page, href('utf8.txt'));
  await page.getByText('1 line, first 256 KiB').waitFor();
  await text.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.getByRole('button', { name: /^Load .* more$/ }).click();
  await page.getByText('2 lines, 391 KiB').waitFor();
  ok(!(await text.textContent()).includes('\ufffd'), 'no broken character');

  await go(page, href('wide.txt'));
  await text.getByText('second').waitFor();
  const height = () =>
    text
      .locator('.line')
      .first()
      .evaluate((line) => line.offsetHeight);
  const before = await height();
  await page.getByRole('checkbox', { name: 'Wrap lines' }).check();
  await until('wrapped', async () => (await height()) > before * 3);
  await go(page, href('nul.txt'));
  await page.getByText('This is not text. All of its bytes:').waitFor();
  await go(page, href('empty.txt'));
  await page.getByText('The file is empty.').waitFor();
});

test('artifacts: JSON, tables, Markdown', async ({ page }) => {
  const { href } = await runWith('formats', {
    'config.json': '{"z": 1, "a": {"deep": [1, 2, {"x": null}]}, "big": 12345678901234567890, "nan": NaN}',
    'broken.json': '{"a": 1,}',
    'table.json': JSON.stringify({
      columns: ['question', 'score'],
      data: [
        ['why?', 0.5],
        ['how?', 1],
      ],
    }),
    'rows.csv': `id,text,value\n${lines(30_000, (i) => `${i},"a ""quoted"", ${i}",${i / 4}`)}\n`,
    'rows.tsv': 'a\tb\n1\t2\n',
    'README.md': '# Title\n\nSome **bold** and <script>alert(1)</script> [x](javascript:alert(1))\n',
  });
  await go(page, href('config.json'));
  const json = page.getByRole('region', { name: 'JSON' });
  await json.getByText('12345678901234567890').waitFor();
  await json.getByText('NaN', { exact: true }).waitFor();
  const labels = async () => (await json.locator('.json-name').allTextContents()).join(' ');
  ok((await labels()).startsWith('z: a: deep:'), await labels());
  await json.getByRole('button', { name: 'a', exact: true }).click();
  await comes(labels, 'z: a: big: nan:', 'folded');
  await page.getByRole('button', { name: 'Text', exact: true }).click();
  await page.getByRole('region', { name: 'Text' }).getByText('"z": 1').waitFor();
  await go(page, href('broken.json'));
  await page.getByText('Not valid JSON: No name in line 1.').waitFor();
  await page.getByRole('region', { name: 'Text' }).waitFor();

  await go(page, href('table.json'));
  const table = page.getByRole('table', { name: 'Rows of the table' });
  await until(
    'what log_table wrote is a table',
    async () => (await table.locator('tbody td').allTextContents()).join() === 'why?,0.5,how?,1',
  );
  await page.getByRole('button', { name: 'Tree', exact: true }).click();
  await json.getByText('columns:').waitFor();

  await go(page, href('rows.csv'));
  const rows = page.getByRole('table', { name: 'Rows of the file' });
  await rows.getByText('a "quoted", 1', { exact: true }).waitFor();
  await comes(() => rows.locator('thead th').allTextContents(), ['Row', 'id', 'text', 'value'], 'head');
  const box = page.getByRole('region', { name: 'Rows of the file' });
  await until('all rows came by scrolling', async () => {
    await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    return (await page.getByText('30,000 rows, 3 columns').count()) === 1;
  });
  await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await rows.getByText('a "quoted", 30000', { exact: true }).waitFor();
  await until('only rows in sight are made', async () => (await rows.locator('tbody tr').count()) < 200);
  await go(page, href('rows.tsv'));
  await until('TSV', async () => (await rows.locator('tbody td').allTextContents()).join() === '1,2');

  await go(page, href('README.md'));
  const text = page.getByRole('region', { name: 'Page' });
  await text.locator('strong', { hasText: 'bold' }).waitFor();
  equal(await text.locator('script, a').count(), 0, 'nothing that runs');
  await page.getByRole('button', { name: 'Source' }).click();
  await page.getByRole('region', { name: 'Text' }).getByText('# Title').waitFor();
});

test('artifacts: pictures are shown, pages are not run', async ({ page }) => {
  const { href } = await runWith('pictures', {
    'plot.png': png,
    'draw.svg':
      '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="top.ran=1"><script>top.ran=1</script></svg>',
    'report.html': '<h1>Report</h1><script>top.ran=1</script>',
    'broken.png': 'no picture',
  });
  const sizeOf = () => page.locator('.picture img').evaluate((img) => [img.naturalWidth, img.naturalHeight]);
  await go(page, href('plot.png'));
  await page.getByText('1 × 1 px').waitFor();
  await comes(sizeOf, [1, 1], 'a picture');
  await go(page, href('draw.svg'));
  await page.getByText('40 × 20 px').waitFor();
  await go(page, href('report.html'));
  await page.getByText('<h1>Report</h1>').waitFor();
  await page.getByText('pages are never run here').waitFor();
  equal(await page.locator('iframe, object, embed').count(), 0, 'no frame');
  await go(page, href('broken.png'));
  await page.getByRole('heading', { name: 'The picture could not be shown' }).waitFor();
  equal(await page.evaluate(() => top.ran), undefined, 'no script ran');
});

test(
  'artifacts: a long folder is read as it is scrolled',
  { expects: [/status of 404/] },
  async ({ page }) => {
    const count = 1205;
    const files = {};
    for (let i = 0; i < count; i++) files[`many/f${String(i).padStart(5, '0')}`] = 'same';
    files['many/z/inside.txt'] = 'deep';
    const { href } = await runWith('long', files);
    await go(page, href('many'));
    await page.getByText('The first 1,000 entries').waitFor();
    // The link to a file that is on no page that was read.
    await go(page, href('many/f01204'));
    await page.getByText('All of its bytes:').waitFor();
    await go(page, href('many/z'));
    await page.getByRole('table', { name: 'Entries' }).getByRole('link', { name: 'inside.txt' }).waitFor();
    await go(page, href('many'));
    await treeOf(page).focus();
    await until(
      'only rows in sight are made',
      async () => (await treeOf(page).getByRole('treeitem').count()) < 150,
    );
    await page.keyboard.press('End');
    await until('all of them', async () => (await page.getByText('1,206 entries').count()) === 1);
    await page.keyboard.press('End');
    await until('the last', async () => (await cursorOf(page)) === 'f01204');
  },
);

test('artifacts: nothing yet, uploads, replaced files', async ({ page }) => {
  const { href, run } = await runWith('uploads', {}, {});
  await go(page, href());
  await page.getByRole('heading', { name: 'This run has no files yet' }).waitFor();
  await page.getByText('mlflow.log_artifact("plot.png")', { exact: true }).waitFor();
  await until('curl line', async () =>
    (await page.locator('.no-files').textContent()).includes(`${run}/artifacts/plot.png`),
  );
  const put = (name, content) =>
    page
      .getByLabel('Files to upload')
      .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
  await put('first one.txt', 'version 1');
  await treeOf(page).getByText('first one.txt').click();
  const text = page.getByRole('region', { name: 'Text' });
  await text.getByText('version 1').waitFor();
  await pathOf(page).getByRole('link', { name: 'All files' }).click();
  await put('first one.txt', 'version 2');
  await page
    .getByRole('dialog', { name: 'Replace the file?' })
    .getByRole('button', { name: 'Replace' })
    .click();
  await treeOf(page).getByText('first one.txt').click();
  await text.getByText('version 2').waitFor();
  // A file that falls onto the tree.
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['dropped'], 'dropped.txt'));
    return transfer;
  });
  await treeOf(page).dispatchEvent('dragover', { dataTransfer: data });
  await treeOf(page).dispatchEvent('drop', { dataTransfer: data });
  await treeOf(page).getByText('dropped.txt').click();
  await text.getByText('dropped').waitFor();
  await post('runs/delete', { run_id: run });
  await page.reload();
  await treeOf(page).getByText('dropped.txt').waitFor();
  await pathOf(page).getByRole('link', { name: 'All files' }).click();
  await page.getByRole('table', { name: 'Entries' }).waitFor();
  await comes(
    () => page.getByRole('button', { name: 'Upload' }).count(),
    0,
    'nothing is put into a deleted run',
  );
});

test('artifacts: the models that a run made', async ({ page }) => {
  const { id, run, href } = await runWith('models', { 'a.txt': 'a' });
  const model = await makeModel(id, run, 'classifier', { MLmodel: 'flavors: {}\n', 'data/model.pkl': 'x' });
  await go(page, href());
  await page
    .getByRole('navigation', { name: 'Models of the run' })
    .getByRole('link', { name: 'classifier' })
    .click();
  await page.getByRole('heading', { level: 1, name: 'classifier' }).waitFor();
  await until('the address', () => page.url().endsWith(`#/experiments/${id}/models/${model}`));
  await treeOf(page).getByText('MLmodel').click();
  await page.getByRole('region', { name: 'Text' }).getByText('flavors: {}').waitFor();
  await page.getByText(`models:/${model}/MLmodel`).waitFor();
  await until('the address', () => page.url().endsWith(`/models/${model}/artifacts/MLmodel`));
  const file = await downloadBy(page, () =>
    page.getByRole('link', { name: 'Download', exact: true }).click(),
  );
  equal(file.bytes.toString(), 'flavors: {}\n', 'the file');
  await page.locator('.facts-grid').getByRole('link', { name: 'models', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'models' }).waitFor();
  await page.getByRole('table', { name: 'Models' }).getByRole('link', { name: model }).click();
  await page.getByRole('heading', { level: 1, name: 'classifier' }).waitFor();
});

test('artifacts: elsewhere', { expects: [/status of 501/] }, async ({ page }) => {
  const { experiment_id: id } = await post('experiments/create', {
    name: `artifacts elsewhere ${mark}`,
    artifact_location: 's3://bucket/somewhere',
  });
  const run = await makeRun(id, 'elsewhere');
  await go(page, `#/experiments/${id}/runs/${run}/artifacts`);
  await page.getByRole('heading', { name: 'The folder could not be read' }).waitFor();
  await until('says where', async () =>
    (await page.getByRole('alert').first().textContent()).includes('s3://bucket/somewhere'),
  );
});
