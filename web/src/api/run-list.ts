// The runs that a filter lets through: pages in the order of the server, kept fresh, and what the server counts of them.
import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { nameOf, type Field } from '../lib/filter';
import { plural } from '../lib/format';
import { isLive } from '../lib/run';
import { announce } from '../ui/toast';
import { mergeHead, uniqueRuns } from './merge';
import { idleMs, liveMs } from './queries';
import * as search from './search';
import type { RunSet } from './search';
import type { Run } from './types';

// The first page is asked for again and again, with everything that its runs have: enough for any screen, no more. The
// following ones are for scrolling far and hold only what the table shows.
const firstPageSize = 100;
const nextPageSize = 1000;

// Running runs beyond the first page that are looked at each time.
const mostStraggling = 50;

// Loading all pages again is the way to know where runs went; not more often than this, for it may be many pages.
const wholeAgainMs = 20_000;

/** A page and the fields that its runs have; undefined for all fields. */
type Page = search.RunPage & { fields?: readonly string[] };
type Pages = InfiniteData<Page, string | undefined>;

const noRuns: Run[] = [];

/**
 * The runs of a set in an order, as far as they are loaded. The previous list stays until the next one is there, also
 * when the server refuses a filter: then "isError" is true and the runs are still those of before.
 */
export function useRuns(
  set: RunSet,
  orderBy: readonly string[],
  options: { enabled?: boolean; fields?: readonly string[] | undefined } = {},
) {
  const { enabled = true, fields } = options;
  const { experimentId, viewType, filter } = set;
  const queries = useQueryClient();
  const order = orderBy.join();
  const key = useMemo(
    () => ['runs', experimentId, viewType, filter, order],
    [experimentId, viewType, filter, order],
  );
  const wanted = useRef(fields);
  useEffect(() => {
    wanted.current = fields;
  }, [fields]);
  const first = { ...set, orderBy, maxResults: firstPageSize, count: true };
  const list = useInfiniteQuery({
    queryKey: key,
    enabled,
    staleTime: Infinity,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      if (pageParam === undefined) return search.searchRuns(first, signal);
      const names = wanted.current;
      const page = await search.searchRuns(
        { ...set, orderBy, maxResults: nextPageSize, pageToken: pageParam, fields: names },
        signal,
      );
      return { ...page, ...(names ? { fields: names } : {}) };
    },
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
  // What the server refused leaves no data behind, so that of the last good answer is held here.
  const good = list.data && !list.isPlaceholderData ? list.data : undefined;
  const [held, setHeld] = useState(good);
  if (good && good !== held) setHeld(good);
  const pages = (list.data ?? held)?.pages;
  const runs = useMemo(() => {
    if (!pages) return noRuns;
    const stage = viewType === 'DELETED_ONLY' ? 'deleted' : 'active';
    const all = uniqueRuns(pages);
    return viewType === 'ALL' ? all : all.filter((run) => run.info.lifecycle_stage === stage);
  }, [pages, viewType]);
  const whole = useMemo(() => new Set(pages?.[0]?.runs?.map((run) => run.info.run_id)), [pages]);
  const live = useMemo(() => runs.some(isLive), [runs]);

  // A column that was added is not in what was loaded for the others.
  const lacking =
    good !== undefined &&
    good.pages.some(
      (page) => page.fields && (!fields || fields.some((name) => !page.fields?.includes(name))),
    );
  useEffect(() => {
    if (lacking) void queries.invalidateQueries({ queryKey: key, exact: true });
  }, [lacking, fields, queries, key]);

  const renewal = useRef({ at: 0, due: false });
  useQuery({
    queryKey: ['runs-head', ...key.slice(1)],
    enabled: enabled && good !== undefined,
    staleTime: 0,
    gcTime: 0,
    // An empty experiment is one whose first run is awaited.
    refetchInterval:
      (live || (runs.length === 0 && filter === '')) && viewType !== 'DELETED_ONLY' ? liveMs : idleMs,
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const head = await search.searchRuns(first, signal);
      const headIds = new Set((head.runs ?? []).map((run) => run.info.run_id));
      const asked = uniqueRuns(queries.getQueryData<Pages>(key)?.pages ?? [])
        .filter((run) => isLive(run) && !headIds.has(run.info.run_id))
        .slice(0, mostStraggling)
        .map((run) => run.info.run_id);
      const single = asked.length ? await search.searchRuns(byIds(set, asked), signal) : {};
      let moved = false;
      let added = 0;
      queries.setQueryData<Pages>(key, (held) => {
        if (!held) return held;
        const merged = mergeHead(held.pages, head, asked, single.runs ?? []);
        ({ moved, added } = merged);
        return { pages: merged.pages, pageParams: held.pageParams.slice(0, merged.pages.length) };
      });
      if (added > 0) announce(`${plural(added, 'new run')} appeared.`);
      const { at, due } = renewal.current;
      renewal.current.due = moved || due;
      if (renewal.current.due && now - at > wholeAgainMs) {
        renewal.current = { at: now, due: false };
        void queries.invalidateQueries({ queryKey: key, exact: true });
      }
      return now;
    },
  });
  return { ...list, runs, live, whole, total: pages?.[0]?.total_count, ready: pages !== undefined };
}

function byIds(set: RunSet, ids: readonly string[]): search.PageQuestion {
  const these = `attributes.run_id IN (${ids.map((id) => `'${id}'`).join(', ')})`;
  return {
    ...set,
    filter: set.filter === '' ? these : `(${set.filter}) AND ${these}`,
    maxResults: ids.length,
  };
}

/** Runs with everything they have, by their ids, for those that a list holds only in part. */
export function useWholeRuns(experimentId: string, ids: readonly string[], live: boolean) {
  return useQuery({
    queryKey: ['runs-whole', experimentId, ids],
    enabled: ids.length > 0,
    queryFn: async ({ signal }) => {
      const page = await search.searchRuns(byIds({ experimentId, viewType: 'ALL', filter: '' }, ids), signal);
      return new Map(page.runs?.map((run) => [run.info.run_id, run]));
    },
    placeholderData: keepPreviousData,
    refetchInterval: live ? liveMs : false,
  }).data;
}

/** Some runs of an experiment without a filter, to learn which keys there are when a filter lets nothing through. */
export function useSampleRuns(set: Omit<RunSet, 'filter'>, enabled: boolean): readonly Run[] {
  const { experimentId, viewType } = set;
  const { data } = useQuery({
    queryKey: ['runs-sample', experimentId, viewType],
    enabled,
    staleTime: idleMs,
    queryFn: ({ signal }) =>
      search.searchRuns({ ...set, filter: '', maxResults: firstPageSize }, signal).then((page) => page.runs),
  });
  return data ?? noRuns;
}

export function useRunCount(set: RunSet, options: { enabled: boolean; live: boolean }): number | undefined {
  const { experimentId, viewType, filter } = set;
  return useQuery({
    queryKey: ['run-count', experimentId, viewType, filter],
    enabled: options.enabled,
    refetchInterval: options.live ? liveMs : idleMs,
    queryFn: ({ signal }) => search.countRuns(set, signal),
  }).data;
}

/** What the runs of a set have for a field. */
export function useDistinct(set: RunSet, field: Field | undefined) {
  const { experimentId, viewType, filter } = set;
  const name = field && nameOf(field);
  return useQuery({
    queryKey: ['distinct', experimentId, viewType, filter, name],
    enabled: name !== undefined,
    staleTime: idleMs,
    queryFn: ({ signal }) => search.distinctValues(set, name ?? '', signal),
  });
}

export function useGroups(question: search.GroupQuestion, options: { enabled: boolean; live: boolean }) {
  const { experimentId, viewType, filter, groupBy, aggregates, orderBy } = question;
  return useQuery({
    queryKey: ['run-groups', experimentId, viewType, filter, groupBy, aggregates, orderBy],
    enabled: options.enabled,
    placeholderData: keepPreviousData,
    refetchInterval: options.live ? liveMs * 2 : idleMs,
    queryFn: ({ signal }) => search.groupRuns(question, signal),
  });
}

/** The first runs of a set, for the inside of a group. */
export function useFirstRuns(question: search.PageQuestion) {
  const { experimentId, viewType, filter, orderBy, maxResults } = question;
  return useQuery({
    queryKey: ['runs-sample', experimentId, viewType, filter, orderBy, maxResults],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => search.searchRuns(question, signal),
  });
}
