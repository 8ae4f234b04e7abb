import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeChart, getChart, type ChartAnswer, type ChartSeries } from '../src/api/chart';
import { holdChart, isReduced, mergeChart, spliceSeries } from '../src/lib/chart-data';
import { csvHead, csvLines } from '../src/lib/csv';

/** A binary answer of this head and body, as the server writes it. */
function answer(head: unknown, body: ArrayBufferView[] = [], magic = 'TLYC'): ArrayBuffer {
  let text = typeof head === 'string' ? head : JSON.stringify(head);
  while (new TextEncoder().encode(text).length % 8 !== 0) text += ' ';
  const headBytes = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + headBytes.length + body.reduce((n, part) => n + part.byteLength, 0));
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(4, headBytes.length, true);
  bytes.set(headBytes, 8);
  let at = 8 + headBytes.length;
  for (const part of body) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return bytes.buffer;
}

const seriesHead = (more: object = {}) => ({
  run_id: 'a',
  metric_key: 'loss',
  points: 1000,
  shown: 2,
  x: { type: 'f64', offset: 0 },
  y: { type: 'f64', offset: 16 },
  ...more,
});

describe('decodeChart', () => {
  it('reads doubles as they are stored', () => {
    const bytes = answer({ series: [seriesHead({ append_from: 5 })], cursor: 'c', damaged: 3 }, [
      Float64Array.of(5, 7),
      Float64Array.of(0.1 + 0.2, NaN),
    ]);
    expect(decodeChart(bytes)).toEqual({
      series: [
        {
          runId: 'a',
          metric: 'loss',
          points: 1000,
          appendFrom: 5,
          rounded: false,
          x: Float64Array.of(5, 7),
          y: Float64Array.of(0.30000000000000004, NaN),
        },
      ],
      cursor: 'c',
      damaged: 3,
    });
  });
  it('reads several series, with names beyond ASCII', () => {
    const bytes = answer(
      {
        series: [
          seriesHead({ metric_key: 'Verlust ✓' }),
          seriesHead({
            run_id: 'b',
            shown: 1,
            x: { type: 'f64', offset: 32 },
            y: { type: 'f64', offset: 40 },
          }),
        ],
        cursor: 'c',
      },
      [Float64Array.of(1, 2, 3, 4, 5, 6)],
    );
    const [first, second] = decodeChart(bytes).series as [ChartSeries, ChartSeries];
    expect([first.metric, [...first.x], [...first.y]]).toEqual(['Verlust ✓', [1, 2], [3, 4]]);
    expect([second.runId, [...second.x], [...second.y]]).toEqual(['b', [5], [6]]);
  });
  it('reads integers beyond 2^53 as the nearest double, and says so', () => {
    const head = seriesHead({ x: { type: 'i64', offset: 0 } });
    const bytes = answer({ series: [head], cursor: 'c' }, [
      BigInt64Array.of(-5n, 2n ** 60n + 1n),
      Float64Array.of(1, 2),
    ]);
    const [one] = decodeChart(bytes).series;
    expect(one?.x).toEqual(Float64Array.of(-5, 2 ** 60));
    expect(one?.rounded).toBe(true);
  });
  it('reads an answer without series', () =>
    expect(decodeChart(answer({ cursor: 'c' }))).toEqual({ series: [], cursor: 'c', damaged: 0 }));

  const points = [Float64Array.of(1, 2, 3, 4)];
  const broken: [string, ArrayBuffer, RegExp][] = [
    ['nothing', new ArrayBuffer(0), /has 0 bytes/],
    ['another magic', answer({ cursor: 'c' }, [], 'TLYD'), /does not begin/],
    ['a head beyond the end', answer({ cursor: 'c' }).slice(0, 12), /within its head/],
    ['a head that is not JSON', answer('{"series":['), /not JSON/],
    ['a head that is no object', answer('3'), /not an object/],
    ['series that are no list', answer({ series: {} }), /no list/],
    ['a count that is none', answer({ series: [seriesHead({ shown: -1 })] }, points), /not whole/],
    [
      'more points than there are',
      answer({ series: [seriesHead({ shown: 3 })] }, points),
      /y of loss of a goes/,
    ],
    ['a huge count', answer({ series: [seriesHead({ shown: 2 ** 52 })] }, points), /goes beyond/],
    [
      'an odd place',
      answer({ series: [seriesHead({ y: { type: 'f64', offset: 9 } })] }, points),
      /odd place/,
    ],
    ['no place', answer({ series: [seriesHead({ y: undefined })] }, points), /has no place/],
    [
      'an unknown type',
      answer({ series: [seriesHead({ x: { type: 'f32', offset: 0 } })] }, points),
      /unknown type/,
    ],
  ];
  it.each(broken)('refuses %s', (_name, bytes, complaint) =>
    expect(() => decodeChart(bytes)).toThrow(complaint),
  );
});

describe('getChart', () => {
  afterEach(() => void vi.unstubAllGlobals());
  it('asks the endpoint of Tally for arrays', async () => {
    const asked: [string, RequestInit][] = [];
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      asked.push([url, init]);
      return Promise.resolve(new Response(answer({ cursor: 'next' })));
    });
    const question = { runIds: ['a'], metric: 'loss', axis: 'time', width: 300, range: [1, 2] } as const;
    expect((await getChart(question, 'before')).cursor).toBe('next');
    expect(asked[0]?.[0]).toBe('api/tally/v1/metrics/chart');
    expect(JSON.parse(asked[0]?.[1].body as string)).toEqual({
      run_ids: ['a'],
      metric_keys: ['loss'],
      x: 'time',
      width: 300,
      start: 1,
      end: 2,
      since: 'before',
      format: 'binary',
    });
  });
  it("fails with the server's words", async () => {
    const refusal = { error_code: 'INVALID_PARAMETER_VALUE', message: 'not a cursor' };
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(refusal), { status: 400 })));
    const question = { runIds: ['a'], metric: 'loss', axis: 'step', width: 300, range: undefined } as const;
    await expect(getChart(question, 'old')).rejects.toMatchObject({ status: 400, message: 'not a cursor' });
  });
});

const piece = (
  runId: string,
  x: number[],
  points = x.length,
  more: Partial<ChartSeries> = {},
): ChartSeries => ({
  runId,
  metric: 'loss',
  points,
  appendFrom: undefined,
  rounded: false,
  x: Float64Array.from(x),
  y: Float64Array.from(x, (value) => value * 10),
  ...more,
});
const told = (series: ChartSeries[], more: Partial<ChartAnswer> = {}): ChartAnswer => ({
  series,
  cursor: 'c',
  damaged: 0,
  ...more,
});

describe('mergeChart', () => {
  const held = holdChart('step', told([piece('a', [0, 1, 2, 3], 100), piece('b', [0, 5])], { damaged: 1 }));

  it('leaves alone what an answer leaves out', () => {
    const next = mergeChart(held, told([], { cursor: 'd' }));
    expect(next.series).toBe(held.series);
    expect(next.cursor).toBe('d');
  });
  it('drops the part that comes anew and appends it', () => {
    const next = mergeChart(held, told([piece('a', [2, 4, 5], 103, { appendFrom: 2 })]));
    expect([...(next.series.get('a')?.x ?? [])]).toEqual([0, 1, 2, 4, 5]);
    expect([...(next.series.get('a')?.y ?? [])]).toEqual([0, 10, 20, 40, 50]);
    expect(next.series.get('a')?.points).toBe(103);
    expect(next.series.get('b')).toBe(held.series.get('b'));
    expect([...(held.series.get('a')?.x ?? [])]).toEqual([0, 1, 2, 3]);
  });
  it('appends behind the end, and over all of it', () => {
    const behind = mergeChart(held, told([piece('a', [9], 101, { appendFrom: 4 })]));
    expect([...(behind.series.get('a')?.x ?? [])]).toEqual([0, 1, 2, 3, 9]);
    const over = mergeChart(held, told([piece('a', [0, 9], 101, { appendFrom: -3 })]));
    expect([...(over.series.get('a')?.x ?? [])]).toEqual([0, 9]);
  });
  it('replaces a curve that comes whole, and takes in a new one', () => {
    const next = mergeChart(held, told([piece('b', [7]), piece('c', [1])]));
    expect([...(next.series.get('b')?.x ?? [])]).toEqual([7]);
    expect([...next.series.keys()]).toEqual(['a', 'b', 'c']);
  });
  it('does not forget damage in what did not come again', () => {
    expect(mergeChart(held, told([])).damaged).toBe(1);
    expect(mergeChart(held, told([], { damaged: 4 })).damaged).toBe(4);
    expect(holdChart('step', told([])).damaged).toBe(0);
  });
  it('asks for everything where x is rounded', () =>
    expect(mergeChart(held, told([piece('a', [2 ** 60], 1, { rounded: true })])).cursor).toBeUndefined());
  it('gives the same as asking for everything, whatever comes', () => {
    let seed = 3;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let round = 0; round < 100; round++) {
      const all = Array.from({ length: 1 + random(20) }, () => random(30)).sort((a, b) => a - b);
      const before = all.slice(0, random(all.length + 1));
      const from = before.length ? (before[random(before.length)] as number) : 0;
      const first = holdChart('step', told([piece('a', before)]));
      const next = all.filter((x) => x >= from);
      const merged = mergeChart(first, told([piece('a', next, all.length, { appendFrom: from })]));
      const expected = [...before.filter((x) => x < from), ...next];
      expect([...(merged.series.get('a')?.x ?? [])]).toEqual(expected);
    }
  });
});

describe('spliceSeries', () => {
  const whole = holdChart(
    'step',
    told([piece('long', [0, 5, 9], 10), piece('gone', [0, 1], 9), piece('few', [0, 9])]),
  );
  it('takes the detail of what was reduced, and keeps what was whole', () => {
    expect([...whole.series].map(([id, one]) => [id, isReduced(one)])).toEqual([
      ['long', true],
      ['gone', true],
      ['few', false],
    ]);
    const part = holdChart('step', told([piece('long', [4, 5, 6])]));
    const shown = spliceSeries(whole.series, part.series);
    expect([...shown].map(([id, one]) => [id, [...one.x]])).toEqual([
      ['long', [4, 5, 6]],
      ['few', [0, 9]],
    ]);
  });
  it('shows the whole until the detail is there', () =>
    expect(spliceSeries(whole.series, undefined)).toBe(whole.series));
});

describe('csv', () => {
  it('writes a line for each point, exact in step and value', () => {
    expect(csvHead.split(',')).toHaveLength(6);
    const points = [
      { key: 'm', value: 0.1 + 0.2, timestamp: 5, step: '9223372036854775807' },
      { key: 'm', value: 'NaN', timestamp: 6, step: -1 },
      { key: 'm', value: '-Infinity', timestamp: 7 },
    ];
    expect(csvLines('id', 'say "hi", you', 'm', points)).toBe(
      'id,"say ""hi"", you",m,9223372036854775807,5,0.30000000000000004\n' +
        'id,"say ""hi"", you",m,-1,6,NaN\n' +
        'id,"say ""hi"", you",m,0,7,-Infinity\n',
    );
    expect(csvLines('id', 'r', 'm', [])).toBe('');
  });
});
