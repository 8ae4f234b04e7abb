import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mergeHead, uniqueRuns } from '../src/api/merge';
import { ApiError } from '../src/api/http';
import { countRuns, distinctValues, groupRuns, searchRuns, type RunPage } from '../src/api/search';
import type { Run } from '../src/api/types';
import { fieldsOfColumns, orderOf } from '../src/lib/columns';
import { filterOf } from '../src/lib/filter';
import { answerSearch, Refused } from './fake-search';

function run(id: string, start: number, data: Run['data'] = {}, more: Partial<Run['info']> = {}): Run {
  return {
    info: {
      run_id: id,
      run_name: `run-${id}`,
      experiment_id: '1',
      status: 'FINISHED',
      start_time: start,
      lifecycle_stage: 'active',
      ...more,
    },
    data,
  };
}

const ids = (page: RunPage) => (page.runs ?? []).map((one) => one.info.run_id);

describe('mergeHead', () => {
  const a = run('a', 1);
  const b = run('b', 2);
  const c = run('c', 3);
  const d = run('d', 4);
  const e = run('e', 5);
  const merged = (pages: RunPage[], head: RunPage, asked: string[] = [], single: Run[] = []) => {
    const found = mergeHead(pages, head, asked, single);
    return {
      ...found,
      ids: uniqueRuns(found.pages)
        .map((one) => one.info.run_id)
        .join(''),
    };
  };
  it('is the page itself while there is one page', () => {
    expect(
      merged([{ runs: [c, b], next_page_token: 't', total_count: 3 }], {
        runs: [d, c],
        next_page_token: 'u',
      }),
    ).toMatchObject({
      ids: 'dc',
      added: 1,
      moved: false,
      pages: [{ next_page_token: 'u' }],
    });
  });
  it('is the head when that is everything', () =>
    expect(
      merged([{ runs: [d, c], next_page_token: 't' }, { runs: [b, a] }], { runs: [d, a] }),
    ).toMatchObject({
      ids: 'da',
      moved: false,
    }));
  const pages = [{ runs: [d, c], next_page_token: 't', total_count: 4 }, { runs: [b, a] }];
  it('puts what is new before what it pushes down', () =>
    expect(merged(pages, { runs: [e, d], next_page_token: 'u', total_count: 5 })).toMatchObject({
      ids: 'edcba',
      added: 1,
      moved: false,
      pages: [{ next_page_token: 't', total_count: 5 }, {}],
    }));
  it('takes the order of the head', () =>
    expect(merged(pages, { runs: [c, d], next_page_token: 'u', total_count: 4 })).toMatchObject({
      ids: 'cdba',
      moved: false,
    }));
  it('drops what should be in the head and is not, and says that places are not known', () =>
    expect(merged(pages, { runs: [d, b], next_page_token: 'u', total_count: 3 })).toMatchObject({
      ids: 'dba',
      moved: true,
    }));
  it('notices what came in where it was not looked', () =>
    expect(merged(pages, { runs: [d, c], next_page_token: 'u', total_count: 5 }).moved).toBe(true));
  it('notices a head that has nothing of what is loaded', () =>
    expect(merged(pages, { runs: [run('x', 9), run('y', 8)], next_page_token: 'u' }).moved).toBe(true));
  it('renews single runs and drops those that are gone', () => {
    const killed = run('a', 1, {}, { status: 'KILLED' });
    const found = merged(pages, { runs: [d, c], next_page_token: 'u', total_count: 4 }, ['a'], [killed]);
    expect(found).toMatchObject({ ids: 'dcba', moved: false });
    expect(uniqueRuns(found.pages)[3]).toBe(killed);
    expect(merged(pages, { runs: [d, c], next_page_token: 'u', total_count: 3 }, ['a'])).toMatchObject({
      ids: 'dcb',
      moved: true,
    });
  });
  it('shows a run once that is on two pages', () =>
    expect(uniqueRuns([{ runs: [d, c] }, { runs: [c, b] }]).length).toBe(3));
});

describe('asking the server', () => {
  const runs = Array.from({ length: 250 }, (_, i) =>
    run(String(i).padStart(3, '0'), i, {
      metrics: [
        { key: 'val/loss', value: i % 7 === 0 ? 'NaN' : i / 10 },
        { key: 'acc', value: 1 - i / 1000 },
      ],
      params: [
        { key: 'lr', value: ['10', '9', 'auto', '1e-3'][i % 4] ?? '' },
        ...(i % 2 ? [{ key: 'opt', value: i % 3 ? 'adam' : 'sgd' }] : []),
      ],
      tags: [{ key: 'mlflow.runName', value: `run-${i}` }],
    }),
  );
  const asked: Record<string, unknown>[] = [];
  beforeEach(() => {
    asked.length = 0;
    vi.stubGlobal('fetch', (url: string, init: { body: string }) => {
      expect(url).toBe('ajax-api/2.0/mlflow/runs/search');
      const body = JSON.parse(init.body) as Record<string, unknown>;
      asked.push(body);
      try {
        return Promise.resolve(new Response(JSON.stringify(answerSearch(runs, body))));
      } catch (cause) {
        if (!(cause instanceof Refused)) throw cause;
        const answer = { error_code: 'INVALID_PARAMETER_VALUE', message: cause.message };
        return Promise.resolve(new Response(JSON.stringify(answer), { status: 400 }));
      }
    });
  });
  afterEach(() => vi.unstubAllGlobals());
  const set = { experimentId: '1', viewType: 'ACTIVE_ONLY', filter: '' } as const;

  it('pages in the order of any column, each run once, with the count of all', async () => {
    for (const column of ['metric:val/loss', 'param:lr', 'attribute:name', 'tag:none']) {
      const all: string[] = [];
      let token: string | undefined;
      do {
        const page = await searchRuns({
          ...set,
          orderBy: orderOf({ column, descending: true }),
          maxResults: 100,
          pageToken: token,
          count: true,
        });
        expect(page.total_count).toBe(250);
        all.push(...ids(page));
        token = page.next_page_token;
      } while (token);
      expect(new Set(all).size).toBe(250);
      expect(all.length).toBe(250);
    }
  });
  it('sorts parameters by number, and those that are none behind', async () => {
    const page = await searchRuns({
      ...set,
      orderBy: orderOf({ column: 'param:lr', descending: false }),
      maxResults: 250,
    });
    const seen = (page.runs ?? []).map((one) => one.data?.params?.[0]?.value);
    expect([...new Set(seen)]).toEqual(['1e-3', '9', '10', 'auto']);
  });
  it('sends only what was asked', async () => {
    await searchRuns({ ...set, maxResults: 10 });
    expect(asked[0]).toEqual({ experiment_ids: ['1'], run_view_type: 'ACTIVE_ONLY', max_results: 10 });
    const page = await searchRuns({ ...set, maxResults: 1, fields: fieldsOfColumns(['metric:acc']) });
    expect(page.runs?.[0]?.data?.metrics?.map((one) => one.key)).toEqual(['acc']);
    expect(page.runs?.[0]?.data?.params).toEqual([]);
    expect(page.runs?.[0]?.data?.tags?.length).toBe(1);
  });
  it('counts, also what words find', async () => {
    expect(await countRuns({ ...set, filter: filterOf('run-24') })).toBe(10);
    expect(await countRuns({ ...set, filter: "params.opt = 'adam' AND metrics.`val/loss` < 1" })).toBe(2);
    expect(asked.every((body) => body['max_results'] === 0 && body['count'] === true)).toBe(true);
  });
  it('gives values and ranges', async () => {
    expect(await distinctValues(set, 'params.opt')).toEqual({
      key: 'params.opt',
      values: [
        { value: 'adam', count: 83 },
        { value: 'sgd', count: 42 },
      ],
      total_values: 2,
      missing: 125,
    });
    expect(await distinctValues(set, 'metrics.`val/loss`')).toMatchObject({
      min: 0.1,
      max: 24.9,
      nan: 36,
      count: 250,
    });
  });
  it('makes groups with their best run', async () => {
    const page = await groupRuns({
      ...set,
      groupBy: ['params.opt'],
      aggregates: ['mean(metrics.acc)', 'max(metrics.acc)'],
      orderBy: orderOf({ column: 'metric:acc', descending: true }),
      maxResults: 2,
    });
    expect(page.total_groups).toBe(3);
    expect(
      page.groups?.map((group) => [group.values?.['params.opt'], group.count, group.best?.info.run_id]),
    ).toEqual([
      [undefined, 125, '000'],
      ['adam', 83, '001'],
    ]);
    expect(page.groups?.[0]?.aggregates?.['max(metrics.acc)']).toBe(1);
  });
  it("hands the server's words on", async () => {
    const refused = searchRuns({ ...set, filter: 'accuracy > 1', maxResults: 1 });
    await expect(refused).rejects.toThrow(/at character 1/);
    await expect(refused).rejects.toBeInstanceOf(ApiError);
  });
});
