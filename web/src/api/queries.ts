// What the pages ask for, kept fresh: caching, paging, polling while something runs.
import {
  keepPreviousData,
  QueryClient,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { holdChart, mergeChart, type HeldChart } from '../lib/chart-data';
import { isLive } from '../lib/run';
import { getChart, type ChartQuestion } from './chart';
import * as client from './client';
import { ApiError, onReturn } from './http';
import { onEntered, onRefused } from './session';
import type { Experiment, Run, ViewType } from './types';

export function makeQueryClient(): QueryClient {
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: 'always',
        staleTime: 5000,
        refetchOnWindowFocus: true,
        // A server that is away is asked again by the probe in http.ts; everything else is final.
        retry: (count, error) =>
          count < 1 &&
          error instanceof ApiError &&
          error.status >= 500 &&
          !error.away &&
          error.status !== 501,
      },
      mutations: { networkMode: 'always' },
    },
  });
  onReturn(() => void queries.invalidateQueries());
  onEntered((other) => {
    if (other) queries.clear();
    else void queries.invalidateQueries();
  });
  onRefused(() => void queries.invalidateQueries({ queryKey: ['access'] }));
  return queries;
}

// While something runs the page looks this often; otherwise seldom, only to notice new runs.
export const liveMs = 2500;
export const idleMs = 20_000;

export function useExperiments(viewType: ViewType) {
  return useQuery({
    queryKey: ['experiments', viewType],
    queryFn: async ({ signal }) => {
      const all: Experiment[] = [];
      let token: string | undefined;
      do {
        const page = await client.searchExperiments(viewType, token, signal);
        all.push(...(page.experiments ?? []));
        token = page.next_page_token || undefined;
      } while (token !== undefined);
      return all;
    },
    placeholderData: keepPreviousData,
    refetchInterval: idleMs,
  });
}

export function useExperiment(id: string) {
  return useQuery({
    queryKey: ['experiment', id],
    queryFn: ({ signal }) => client.getExperiment(id, signal),
  });
}

export function useRun(id: string, enabled = true) {
  return useQuery({
    queryKey: ['run', id],
    enabled,
    queryFn: ({ signal }) => client.getRun(id, signal),
    staleTime: 1000,
    refetchInterval: (query) => (query.state.data && isLive(query.state.data) ? liveMs : false),
  });
}

export function useLoggedModel(id: string, enabled = true) {
  return useQuery({
    queryKey: ['logged-model', id],
    enabled,
    queryFn: ({ signal }) => client.getLoggedModel(id, signal),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.info.status === 'LOGGED_MODEL_PENDING' ? 5000 : false),
  });
}

/** Several runs by their ids; runs that are gone are told apart from those still loading. */
export function useRunsById(ids: readonly string[]) {
  return useQuery({
    queryKey: ['runs-by-id', ids],
    queryFn: async ({ signal }) => {
      const found: Run[] = [];
      const missing: string[] = [];
      await Promise.all(
        ids.map((id) =>
          client.getRun(id, signal).then(
            (run) => found.push(run),
            (cause: unknown) => {
              if (cause instanceof ApiError && cause.status === 404) missing.push(id);
              else throw cause;
            },
          ),
        ),
      );
      found.sort((a, b) => ids.indexOf(a.info.run_id) - ids.indexOf(b.info.run_id));
      return { found, missing };
    },
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.found.some(isLive) ? liveMs : false),
  });
}

/** What is held of a chart, and which version of its runs it knows. */
type VersionedChart = HeldChart & { version: string };

// While a run is running, points may also come in behind its latest one, which no version tells.
const lateMs = 10_000;

/**
 * The curves of one metric of some runs. The version is what the runs say about their latest point, so a chart asks
 * again when there is something new, and then only for that.
 */
export function useChart(
  question: ChartQuestion & { version: string; live: boolean; enabled: boolean },
): UseQueryResult<HeldChart> {
  const { runIds, metric, axis, width, range, version, live } = question;
  const enabled = question.enabled && runIds.length > 0;
  const queries = useQueryClient();
  const queryKey = ['chart', runIds, metric, axis, width, range];
  const query = useQuery<VersionedChart>({
    queryKey,
    queryFn: async ({ signal }) => ({
      ...(await askChart(question, queries.getQueryData<VersionedChart>(queryKey), signal)),
      version,
    }),
    enabled,
    staleTime: ({ state }) => (state.data?.version === version ? Infinity : 0),
    refetchInterval: live ? lateMs : false,
    gcTime: 30_000,
    // Comparing every number would cost more than drawing it; what did not change stays the same array.
    structuralSharing: false,
    placeholderData: keepPreviousData,
  });
  const { data, isPlaceholderData, isFetching, refetch } = query;
  const behind =
    enabled && !isPlaceholderData && !isFetching && data !== undefined && data.version !== version;
  // A version that could not be fetched is not asked for again and again.
  const tried = useRef<string>(undefined);
  useEffect(() => {
    if (!behind || tried.current === version) return;
    tried.current = version;
    void refetch();
  }, [behind, version, refetch]);
  return query;
}

async function askChart(question: ChartQuestion, held: HeldChart | undefined, signal: AbortSignal) {
  if (held?.cursor !== undefined)
    try {
      return mergeChart(held, await getChart(question, held.cursor, signal));
    } catch (cause) {
      // The server does not know this cursor (another version of it made it): everything anew.
      if (!(cause instanceof ApiError && cause.status === 400)) throw cause;
    }
  return holdChart(question.axis, await getChart(question, undefined, signal));
}

// The first words of the keys of everything that depends on runs.
const runNames = [
  'runs',
  'runs-head',
  'runs-whole',
  'runs-sample',
  'run-count',
  'run-groups',
  'distinct',
  'run',
  'runs-by-id',
];

/** Forgets what changed on the server, so that every page shows it anew. */
export function useRefresh() {
  const queries = useQueryClient();
  return useMemo(
    () => ({
      experiments: () =>
        Promise.all([
          queries.invalidateQueries({ queryKey: ['experiments'] }),
          queries.invalidateQueries({ queryKey: ['experiment'] }),
        ]),
      runs: () => Promise.all(runNames.map((name) => queries.invalidateQueries({ queryKey: [name] }))),
      everything: () => queries.invalidateQueries(),
    }),
    [queries],
  );
}

/** Sets the title of the window while a page is shown. */
export function useTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Tally'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
