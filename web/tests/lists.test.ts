import { describe, expect, it } from 'vitest';
import { parse } from '../src/api/http';
import type { Run } from '../src/api/types';
import { cellOf, firstColumns, knownKeys, mergeKeys, orderColumns } from '../src/lib/cells';
import { colourCount, coloursOf } from '../src/lib/colours';
import { groupKeys, keyMatcher, naturalOrder } from '../src/lib/group';
import { compareCells } from '../src/lib/sort';
import { nest, unfold } from '../src/lib/tree';
import { readHash } from '../src/router';
import { readBlocks, safeLink } from '../src/ui/markdown';

function run(id: string, start: number, more: Partial<Run['info']> = {}, data: Run['data'] = {}): Run {
  return {
    info: {
      run_id: id,
      run_name: id,
      experiment_id: '1',
      status: 'FINISHED',
      start_time: start,
      lifecycle_stage: 'active',
      ...more,
    },
    data,
  };
}

describe('compareCells', () => {
  const sorted = (cells: (string | number | undefined)[], descending: boolean) =>
    [...cells].sort((a, b) => compareCells(a, b, descending));
  it('keeps missing last and NaN before it, in both directions', () => {
    expect(sorted([2, undefined, 'NaN', 10, 'Infinity'], false)).toEqual([
      2,
      10,
      'Infinity',
      'NaN',
      undefined,
    ]);
    expect(sorted([2, undefined, 'NaN', 10, '-Infinity'], true)).toEqual([
      10,
      2,
      '-Infinity',
      'NaN',
      undefined,
    ]);
  });
  it('compares numbers in text as numbers and the rest naturally', () => {
    expect(sorted(['10', '9', '1e2'], false)).toEqual(['9', '10', '1e2']);
    expect(sorted(['run-10', 'run-9'], false)).toEqual(['run-9', 'run-10']);
    expect(sorted(['adam', '3', 'sgd'], false)).toEqual(['3', 'adam', 'sgd']);
  });
});

describe('keys', () => {
  it('groups by prefix, in natural order, the load of the machine last', () => {
    expect(groupKeys(['val/loss', 'system/cpu', 'acc', 'val/acc10', 'val/acc9', '/odd'])).toEqual([
      { name: '', keys: ['/odd', 'acc'] },
      { name: 'val', keys: ['val/acc9', 'val/acc10', 'val/loss'] },
      { name: 'system', keys: ['system/cpu'] },
    ]);
  });
  it('matches by regular expression and falls back to text', () => {
    expect(keyMatcher('^val/.*ss$').test('val/loss')).toBe(true);
    expect(keyMatcher('^val').test('train/val')).toBe(false);
    const broken = keyMatcher('loss(');
    expect(broken.broken).toBe(true);
    expect(broken.test('the loss(a)')).toBe(true);
  });
  it('orders naturally and totally', () => expect(naturalOrder('a', 'A')).not.toBe(0));
});

describe('nest', () => {
  const build = (pairs: Record<string, string | undefined>) =>
    nest(
      Object.keys(pairs),
      (id) => id,
      (id) => pairs[id],
    );
  it('puts children below parents and orphans on top', () => {
    const forest = build({ c: 'a', a: undefined, b: 'gone' });
    expect(forest.map((n) => n.item)).toEqual(['a', 'b']);
    expect(forest[0]!.children.map((n) => n.item)).toEqual(['c']);
  });
  it('unfolds what is open', () => {
    const forest = build({ a: undefined, b: 'a', c: 'b', d: undefined });
    const rows = (open: string[]) =>
      unfold(forest, (n) => open.includes(n.item)).map((r) => [r.node.item, r.depth, r.open]);
    expect(rows([])).toEqual([
      ['a', 0, false],
      ['d', 0, false],
    ]);
    expect(rows(['a', 'd'])).toEqual([
      ['a', 0, true],
      ['b', 1, false],
      ['d', 0, false],
    ]);
    expect(rows(['a', 'b']).map(([name]) => name)).toEqual(['a', 'b', 'c', 'd']);
  });
  it('loses nothing to a circle', () => {
    const names = (nodes: ReturnType<typeof build>): string[] =>
      nodes.flatMap((n) => [n.item, ...names(n.children)]);
    expect(names(build({ a: 'b', b: 'a', c: 'a', d: 'd' })).sort()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('columns', () => {
  const runs = [0, 1].map((i) =>
    run(
      `r${i}`,
      i,
      {},
      {
        metrics: [
          { key: 'loss', value: i, step: 1, timestamp: 1 },
          { key: 'system/cpu', value: 3 },
        ],
        params: [
          { key: 'same', value: 'x' },
          { key: 'lr', value: `0.${i + 1}` },
        ],
        tags: [
          { key: 'mlflow.user', value: 'ada' },
          { key: 'team', value: 'red' },
        ],
      },
    ),
  );
  it('knows the keys', () =>
    expect(knownKeys(runs)).toEqual({
      metric: ['loss', 'system/cpu'],
      param: ['lr', 'same'],
      tag: ['mlflow.user', 'team'],
    }));
  it('orders numbers before details and the load of the machine last', () =>
    expect(
      orderColumns([
        'tag:team',
        'attribute:user',
        'metric:system/cpu',
        'metric:zeta',
        'param:lr',
        'attribute:status',
      ]),
    ).toEqual([
      'attribute:status',
      'metric:zeta',
      'metric:system/cpu',
      'param:lr',
      'attribute:user',
      'tag:team',
    ]));
  it('begins with what tells runs apart', () => expect(firstColumns(runs)).toContain('param:lr'));
  it('reads cells', () => {
    expect(cellOf(runs[1]!, 'metric:loss')).toBe(1);
    expect(cellOf(runs[1]!, 'param:lr')).toBe('0.2');
    expect(cellOf(runs[1]!, 'param:none')).toBeUndefined();
    expect(cellOf(run('d', 1000, { end_time: 5000 }), 'attribute:duration')).toBe(4000);
    expect(cellOf(run('d', 1000), 'attribute:duration', 9000)).toBeUndefined();
    expect(cellOf(run('d', 1000, { status: 'RUNNING' }), 'attribute:duration', 9000)).toBe(8000);
  });
  it('collects keys, and stays the same when there is nothing new', () => {
    const known = knownKeys(runs);
    expect(mergeKeys(known, knownKeys(runs.slice(1)))).toBe(known);
    expect(mergeKeys(known, { metric: ['acc'], param: [], tag: [] })).toEqual({
      ...known,
      metric: ['acc', 'loss', 'system/cpu'],
    });
  });
});

describe('coloursOf', () => {
  it('gives different colours as long as there are enough', () => {
    coloursOf(Array.from({ length: 100 }, (_, i) => `run${i}`));
    const ids = Array.from({ length: colourCount }, (_, i) => `run${i * 5}`);
    expect(new Set(coloursOf(ids).values()).size).toBe(colourCount);
    expect(coloursOf(ids)).toEqual(coloursOf(ids));
  });
});

describe('readHash', () => {
  it('understands what MLflow prints', () => {
    expect(readHash('#/experiments/3').route).toEqual({ page: 'experiment', experimentId: '3' });
    expect(readHash('#/experiments/3/runs').route).toEqual({ page: 'experiment', experimentId: '3' });
    expect(readHash('#/experiments/3/runs/abc').route).toEqual({
      page: 'run',
      experimentId: '3',
      runId: 'abc',
      tab: '',
      path: '',
    });
    expect(readHash('#/experiments/3/runs/abc/model-metrics').route).toMatchObject({
      runId: 'abc',
      tab: 'model-metrics',
    });
    expect(readHash('#/compare?runs=a,b').route).toEqual({ page: 'compare', runIds: ['a', 'b'] });
    expect(readHash('').route).toEqual({ page: 'experiments' });
    expect(readHash('#/nowhere/x').route).toEqual({ page: 'unknown' });
    expect(readHash('#/experiments/3?q=a%3Fb').query.get('q')).toBe('a?b');
    expect(readHash('#/experiments/%E0%A4%A').route.page).toBe('experiment');
  });
});

describe('parse', () => {
  it('reads ordinary answers as they are', () =>
    expect(parse('{"a":[1,2.5],"step":3}')).toEqual({ a: [1, 2.5], step: 3 }));
  it('does not fail on long numbers', () =>
    expect(Number((parse('{"step": 9223372036854775807}') as { step: string | number }).step)).toBe(
      9223372036854775807,
    ));
});

describe('markdown', () => {
  it('reads blocks', () =>
    expect(
      readBlocks('# Title\n\ntext\nmore\n\n- a\n- b\n\n```py\n<b>\n```\n> said\n---').map((b) => b.kind),
    ).toEqual(['heading', 'paragraph', 'list', 'code', 'quote', 'rule']));
  it('lets only harmless links through', () => {
    expect(safeLink('https://example.org/a')).toBe('https://example.org/a');
    expect(safeLink('javascript:alert(1)')).toBeUndefined();
    expect(safeLink('data:text/html,x')).toBeUndefined();
    expect(safeLink(' https://x')).toBeUndefined();
  });
});
