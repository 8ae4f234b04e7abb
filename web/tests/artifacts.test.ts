import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  archiveAddress,
  fileAddress,
  readFolder,
  readPiece,
  statFile,
  uploadAddress,
} from '../src/api/artifacts';
import {
  ancestors,
  baseName,
  clientUri,
  escapePath,
  hexLines,
  parentOf,
  previewKind,
  proxyPath,
  sortFiles,
} from '../src/lib/artifact';
import { treeMove, treeRows, typeAhead, type FolderState } from '../src/lib/artifact-tree';
import { CsvRows, guessSeparator } from '../src/lib/csv-read';
import { formatBytes } from '../src/lib/format';
import { Growing, WholeText } from '../src/lib/growing';
import { asTable, jsonRows, jsonText, readJson, unfoldUpTo } from '../src/lib/json';
import { Lines } from '../src/lib/lines';
import { modelHref, runArtifactHref } from '../src/lib/run';
import { readHash } from '../src/router';

const run = { kind: 'run', id: 'r1' } as const;
const model = { kind: 'model', id: 'm-1' } as const;

describe('paths of artifacts', () => {
  it('have folders above', () => {
    expect(ancestors('a/b/c.txt')).toEqual(['', 'a', 'a/b']);
    expect(ancestors('')).toEqual([]);
    expect([parentOf('a/b'), parentOf('a'), baseName('a/b'), baseName('a')]).toEqual(['a', '', 'b', 'a']);
  });
  it('go into an address and come back, whatever they contain', () => {
    for (const path of ['a/b c.txt', 'ä#1?x=%25&y', '100%/~', '']) {
      const info = { experiment_id: '3', run_id: 'abc' };
      expect(readHash(runArtifactHref(info, path)).route).toMatchObject({
        page: 'run',
        tab: 'artifacts',
        path,
      });
      expect(readHash(modelHref('3', 'm-1', path)).route).toEqual({
        page: 'model',
        experimentId: '3',
        modelId: 'm-1',
        path,
      });
    }
  });
  it('have a URI for clients', () => {
    expect(clientUri(run, 'a b/c')).toBe('runs:/r1/a b/c');
    expect(clientUri(model, '')).toBe('models:/m-1');
  });
  it('have a place below the proxy only in this server', () => {
    expect(proxyPath('mlflow-artifacts:/0/r1/artifacts', 'a b/ü.txt')).toBe(
      '0/r1/artifacts/a%20b/%C3%BC.txt',
    );
    expect(proxyPath('mlflow-artifacts:/0/r1/artifacts', '')).toBe('0/r1/artifacts');
    expect(proxyPath('mlflow-artifacts://other:5000/0/r1', 'a')).toBeUndefined();
    expect(proxyPath('s3://bucket/0/r1', 'a')).toBeUndefined();
    expect(proxyPath(undefined, 'a')).toBeUndefined();
    expect(uploadAddress('mlflow-artifacts:/0/r1/artifacts', 'x', 'a#b')).toBe(
      'ajax-api/2.0/mlflow-artifacts/artifacts/0/r1/artifacts/x/a%23b',
    );
  });
  it('are escaped by segments', () => expect(escapePath('a/b?c')).toBe('a/b%3Fc'));
  it('are sorted as people count, folders first', () => {
    const files = ['run-10', 'run-2', 'B', 'a'].map((path) => ({ path }));
    expect(sortFiles([...files, { path: 'z', is_dir: true }]).map((file) => file.path)).toEqual([
      'z',
      'a',
      'B',
      'run-2',
      'run-10',
    ]);
  });
});

describe('previewKind', () => {
  it.each([
    ['model/MLmodel', 'text/plain', 'text'],
    ['a.JSON', undefined, 'json'],
    ['x.csv', 'text/plain', 'table'],
    ['x.svg', 'image/svg+xml', 'image'],
    ['x.html', 'text/html', 'html'],
    ['noext', 'text/html; charset=utf-8', 'html'],
    ['noext', 'text/x-anything', 'text'],
    ['noext', 'image/png', 'image'],
    ['noext', 'image/tiff', 'unknown'],
    ['README.md', 'text/plain', 'markdown'],
    ['w.pkl', 'application/octet-stream', 'unknown'],
    ['noext', undefined, 'unknown'],
    ['dir.json/noext', undefined, 'unknown'],
  ])('of %s, %s is %s', (path, type, kind) => expect(previewKind(path, type)).toBe(kind));
});

describe('hexLines', () => {
  it('shows offsets, bytes and what can be printed', () => {
    const bytes = Uint8Array.from({ length: 18 }, (_, i) => (i === 0 ? 0x41 : i + 0x78));
    expect(hexLines(bytes)).toEqual([
      {
        offset: '00000000',
        hex: '41 79 7a 7b 7c 7d 7e 7f  80 81 82 83 84 85 86 87',
        text: 'Ayz{|}~·········',
      },
      { offset: '00000010', hex: '88 89', text: '··' },
    ]);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [256 * 1024, '256 KiB'],
    [1023.9 * 1024, '1 MiB'],
    [99.94 * 1024, '99.9 KiB'],
    [99.96 * 1024, '100 KiB'],
    [5 * 2 ** 30, '5 GiB'],
    [2 ** 62, '4096 PiB'],
  ])('%d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('the tree', () => {
  const folders = new Map<string, FolderState>([
    ['', { files: [{ path: 'a', is_dir: true }, { path: 'b.txt' }, { path: 'banana' }], more: true }],
    ['a', { files: [{ path: 'a/empty', is_dir: true }, { path: 'a/x' }] }],
    ['a/empty', { files: [] }],
  ]);
  const rows = treeRows(folders, new Set(['a', 'a/empty']));

  it('has the entries of open folders below them', () => {
    expect(rows.map((row) => `${row.depth} ${row.key}`)).toEqual([
      '0 a',
      '1 a/empty',
      '2 a/empty\0empty',
      '1 a/x',
      '0 b.txt',
      '0 banana',
      '0 \0more',
    ]);
    expect(rows[3]).toMatchObject({ place: 2, of: 2 });
    expect(rows[4]).toMatchObject({ place: 2, of: -1 });
  });
  it('tells what is not there yet', () => {
    expect(treeRows(new Map(), new Set())).toMatchObject([{ note: 'loading' }]);
    expect(treeRows(new Map([['', { error: new Error('no') }]]), new Set())).toMatchObject([
      { note: 'failed' },
    ]);
    expect(treeRows(new Map([['', { files: [] }]]), new Set())).toEqual([]);
  });
  it('is walked by keys', () => {
    expect(treeMove(rows, 0, 'ArrowDown', 10)).toEqual({ to: 1 });
    expect(treeMove(rows, 6, 'ArrowDown', 10)).toEqual({ to: 6 });
    expect(treeMove(rows, 0, 'ArrowRight', 10)).toEqual({ to: 1 });
    expect(treeMove(rows, 0, 'ArrowLeft', 10)).toEqual({ fold: 'a' });
    expect(treeMove(rows, 3, 'ArrowLeft', 10)).toEqual({ to: 0 });
    expect(treeMove(rows, 2, 'ArrowLeft', 10)).toEqual({ to: 1 });
    expect(treeMove(rows, 4, 'ArrowLeft', 10)).toBeUndefined();
    expect(treeMove(rows, 4, 'ArrowRight', 10)).toBeUndefined();
    expect(treeMove(treeRows(folders, new Set()), 0, 'ArrowRight', 10)).toEqual({ open: 'a' });
    expect(treeMove(rows, 1, 'PageDown', 4)).toEqual({ to: 5 });
    expect(treeMove(rows, 5, 'Home', 4)).toEqual({ to: 0 });
    expect(treeMove(rows, 0, 'End', 4)).toEqual({ to: 6 });
    expect(treeMove(rows, 3, 'Enter', 4)).toEqual({ choose: 3 });
    expect(treeMove([], 0, 'End', 4)).toBeUndefined();
    expect(treeMove(rows, 0, 'x', 4)).toBeUndefined();
  });
  it('is walked by names', () => {
    expect(typeAhead(rows, 0, 'b')).toBe(4);
    expect(typeAhead(rows, 4, 'b')).toBe(5);
    expect(typeAhead(rows, 4, 'bb')).toBe(5);
    expect(typeAhead(rows, 5, 'b')).toBe(4);
    expect(typeAhead(rows, 4, 'BA')).toBe(5);
    expect(typeAhead(rows, 5, 'ban')).toBe(5);
    expect(typeAhead(rows, 0, 'q')).toBe(-1);
  });
});

/** The pieces of a text, cut at every place in turn, must give the same. */
function cuts<T>(text: string, read: (pieces: string[]) => T): T[] {
  return Array.from({ length: text.length + 1 }, (_, at) => read([text.slice(0, at), text.slice(at)]));
}

describe('Lines', () => {
  const read = (pieces: string[]) => {
    const lines = new Lines();
    pieces.forEach((piece, i) => lines.push(piece, i === pieces.length - 1));
    return lines.list;
  };
  it('are the same wherever the text is cut', () => {
    const text = 'one\r\n\ntwo\rthree\n\r\nend';
    for (const list of cuts(text, read)) {
      expect(list.map((line) => line.text)).toEqual(['one', '', 'two', 'three', '', 'end']);
      expect(list.map((line) => line.number)).toEqual([1, 2, 3, 4, 5, 6]);
    }
    expect(read(['a\n']).map((line) => line.text)).toEqual(['a']);
    expect(read([''])).toEqual([]);
  });
  it('are cut when they are long, never within a character', () => {
    const long = `${'😀'.repeat(5001)}x`;
    for (const pieces of [
      [long, '\nnext'],
      [long.slice(0, 9001), `${long.slice(9001)}\nnext`],
    ]) {
      const list = read(pieces);
      expect(list.map((line) => line.number).filter((n) => n !== undefined)).toEqual([1, 2]);
      expect(
        list
          .slice(0, -1)
          .map((line) => line.text)
          .join(''),
      ).toBe(long);
      for (const line of list) expect(() => encodeURIComponent(line.text)).not.toThrow();
    }
  });
});

describe('CsvRows', () => {
  const read = (pieces: string[]) => {
    const csv = new CsvRows(',');
    pieces.forEach((piece, i) => csv.push(piece, i === pieces.length - 1));
    return csv.rows;
  };
  it('are the same wherever the text is cut', () => {
    const text = 'a,"b ""q"", x",c\r\n1,"two\r\nlines",\n\n"",plain "quote",3\n,,\nlast,"x"y,z';
    for (const rows of cuts(text, read))
      expect(rows).toEqual([
        ['a', 'b "q", x', 'c'],
        ['1', 'two\r\nlines', ''],
        ['', 'plain "quote"', '3'],
        ['', '', ''],
        ['last', 'xy', 'z'],
      ]);
  });
  it('know the widest row', () => {
    const csv = new CsvRows();
    csv.push('a;b\n1;2;3\n', true);
    expect([csv.rows, csv.width]).toEqual([
      [
        ['a', 'b'],
        ['1', '2', '3'],
      ],
      3,
    ]);
  });
  it('wait for the end of a row', () => {
    const csv = new CsvRows();
    csv.push('a,b\n1,', false);
    expect(csv.rows).toEqual([['a', 'b']]);
  });
  it.each([
    ['a,b,c\n', ','],
    ['a\tb\tc', '\t'],
    ['"x,y,z";b\n1,2,3', ';'],
    ['single', ','],
  ])('guess the separator of %j', (text, separator) => expect(guessSeparator(text)).toBe(separator));
});

describe('readJson', () => {
  it('keeps digits and order, and takes what Python writes', () => {
    const text =
      '{"2": 12345678901234567890, "1": [NaN, -Infinity, 1e400, -0.10, true, null], "1": "\\u00e4\\"\\\\"}';
    expect(jsonText(readJson(text))).toBe(
      '{"2": 12345678901234567890, "1": [NaN, -Infinity, 1e400, -0.10, true, null], "1": "ä\\"\\\\"}',
    );
    expect(readJson('\ufeff [ ] ')).toEqual({ kind: 'array', items: [] });
  });
  it.each([
    ['', /end comes too early in line 1/],
    ['{"a": 1,}', /No name/],
    ['[1, 2', /end comes too early/],
    ['[1 2]', /No comma/],
    ['{"a" 1}', /No colon/],
    ['"\n"', /not valid/],
    ['"abc', /without an end/],
    ['[\n\n01]', /No comma in line 3/],
    ['nul', /Not a value/],
    ['1 2', /Something follows/],
    ['['.repeat(100_000), /More than 500 levels/],
  ])('refuses %j', (text, complaint) => expect(() => readJson(text)).toThrow(complaint));

  const root = readJson('{"a": {"b": [1, 2]}, "c": []}');
  it('is unfolded row by row', () => {
    expect(jsonRows(root, new Set()).length).toBe(1);
    expect(jsonRows(root, new Set(['$', '$.0'])).map((row) => [row.depth, row.label, row.open])).toEqual([
      [0, undefined, true],
      [1, 'a', true],
      [2, 'b', false],
      [1, 'c', false],
    ]);
  });
  it('is unfolded no further than asked', () => {
    expect([...unfoldUpTo(root, 100)]).toEqual(['$', '$.0', '$.0.0']);
    expect([...unfoldUpTo(root, 4)]).toEqual(['$', '$.0']);
    expect([...unfoldUpTo(readJson('[1,2,3,4]'), 2)]).toEqual(['$']);
  });
  it('is a table when log_table wrote it', () => {
    expect(asTable(readJson('{"columns": ["a", 1], "data": [[1, "x"], [2]]}'))).toEqual({
      columns: ['a', '1'],
      rows: [
        [
          { kind: 'word', text: '1' },
          { kind: 'string', text: 'x' },
        ],
        [{ kind: 'word', text: '2' }],
      ],
    });
    for (const other of [
      '[]',
      '{"columns": ["a"]}',
      '{"columns": ["a"], "data": [[1, 2]]}',
      '{"columns": [], "data": []}',
    ])
      expect(asTable(readJson(other))).toBeUndefined();
  });
});

describe('Growing', () => {
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const over = (bytes: Uint8Array, version = () => 'v1') =>
    new Growing(new WholeText(), (from, count) =>
      Promise.resolve({ bytes: bytes.subarray(from, from + count), total: bytes.length, version: version() }),
    );
  it('reads on to the end, characters whole', async () => {
    const text = 'aä€😀'.repeat(3);
    const growing = over(bytesOf(text));
    while (!growing.complete) await growing.more(1);
    expect(growing.taker.text).toBe(text);
    await growing.more();
    expect(growing.taker.text).toBe(text);
  });
  it('reads other encodings by their mark', async () => {
    const growing = over(Uint8Array.of(0xff, 0xfe, 0x41, 0, 0xe4, 0));
    await growing.more();
    expect(growing.taker.text).toBe('Aä');
  });
  it('stops at what is no text', async () => {
    const growing = over(Uint8Array.of(65, 0, 66));
    await growing.more();
    expect([growing.binary, growing.taker.text]).toEqual([true, '']);
  });
  it('notices that the file was replaced', async () => {
    let version = 'v1';
    const growing = over(bytesOf('abcdef'), () => version);
    await growing.more(3);
    version = 'v2';
    await growing.more(3);
    expect(growing.error).toMatchObject({ message: 'The file was replaced while it was read.' });
    expect(growing.taker.text).toBe('abc');
  });
  it('tells failures, and can go on', async () => {
    let fail = true;
    const growing = new Growing(new WholeText(), () =>
      fail
        ? Promise.reject(new Error('away'))
        : Promise.resolve({ bytes: bytesOf('x'), total: 1, version: undefined }),
    );
    await growing.more();
    expect(growing.error).toMatchObject({ message: 'away' });
    fail = false;
    await growing.more();
    expect([growing.error, growing.complete]).toEqual([undefined, true]);
  });
  it('does nothing with an answer that nobody waits for any more', async () => {
    const growing = over(bytesOf('abc'));
    const reading = growing.more();
    growing.stop();
    await reading;
    expect([growing.loaded, growing.busy]).toEqual([0, false]);
  });
});

describe('requests for artifacts', () => {
  afterEach(() => void vi.unstubAllGlobals());
  const asked: [string, RequestInit][] = [];
  const answer = (...responses: Response[]) => {
    asked.length = 0;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      asked.push([url, init]);
      return Promise.resolve(responses[asked.length - 1] ?? Response.error());
    });
  };
  const json = (body: unknown) => new Response(JSON.stringify(body));

  it('have addresses relative to the page', () => {
    expect(fileAddress(run, 'a b#c')).toBe('get-artifact?run_id=r1&path=a+b%23c');
    expect(fileAddress(model, 'x')).toBe(
      'ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=x',
    );
    expect(archiveAddress(model, '', 'tar.gz')).toBe(
      'api/tally/v1/artifacts/archive?model_id=m-1&format=tar.gz',
    );
  });
  it('read a folder page by page, as far as wanted', async () => {
    const pages = () => [
      json({ root_uri: 'mlflow-artifacts:/0/r1/artifacts', files: [{ path: 'b' }], next_page_token: 't' }),
      json({ root_uri: 'mlflow-artifacts:/0/r1/artifacts', files: [{ path: 'a' }] }),
    ];
    answer(...pages());
    const first = await readFolder(run, '', 0, undefined);
    expect(first).toEqual({
      rootUri: 'mlflow-artifacts:/0/r1/artifacts',
      files: [{ path: 'b' }],
      token: 't',
    });
    expect(asked.map(([url]) => url)).toEqual(['api/tally/v1/artifacts?run_id=r1&max_results=1000']);
    const second = await readFolder(run, '', 2, first);
    expect(second.files.map((file) => file.path)).toEqual(['a', 'b']);
    expect(second.token).toBeUndefined();
    expect(asked[1]?.[0]).toContain('page_token=t');
    answer(...pages());
    expect((await readFolder(run, '', 2, undefined)).files.length).toBe(2);
  });
  it('read a range', async () => {
    const headers = { 'Content-Range': 'bytes 2-4/10', ETag: '"v"' };
    answer(new Response('cde', { status: 206, headers }));
    const piece = await readPiece(run, 'x', 2, 3);
    expect([new TextDecoder().decode(piece.bytes), piece.total, piece.version]).toEqual(['cde', 10, '"v"']);
    expect(asked[0]?.[1].headers).toEqual({ Range: 'bytes=2-4' });
  });
  it('read no more than a range of an answer that ignored it', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('0123456789'.slice(sent++ % 10)[0])),
    });
    answer(new Response(body, { headers: { 'Content-Length': '1000' } }));
    const piece = await readPiece(run, 'x', 3, 4);
    expect([new TextDecoder().decode(piece.bytes), piece.total]).toEqual(['3456', 1000]);
    expect(sent).toBeLessThan(12);
  });
  it('know that an empty file has no ranges', async () => {
    answer(new Response('', { status: 416 }));
    expect((await readPiece(run, 'x', 0, 10)).total).toBe(0);
    answer(new Response('', { status: 416 }));
    await expect(readPiece(run, 'x', 5, 10)).rejects.toMatchObject({ status: 416 });
  });
  it('ask for what is known of a file', async () => {
    const digest = 'ab'.repeat(32);
    answer(
      new Response(null, {
        headers: {
          ETag: `"${digest}"`,
          'Content-Length': '7',
          'Content-Type': 'text/plain',
          'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
        },
      }),
    );
    expect(await statFile(run, 'a/x')).toEqual({
      path: 'a/x',
      is_dir: false,
      file_size: 7,
      sha256: digest,
      content_type: 'text/plain',
      created_at: Date.UTC(2026, 0, 1),
    });
  });
});
