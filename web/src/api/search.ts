// runs/search and what Tally adds to it: counting, choosing fields, groups, values.
import { post } from './http';
import type { Run, ViewType } from './types';
import type { WireNumber } from '../lib/format';

/** Which runs: those of an experiment that a filter lets through. */
export interface RunSet {
  experimentId: string;
  viewType: ViewType;
  filter: string;
}

export interface RunPage {
  runs?: Run[];
  next_page_token?: string;
  /** How many runs there are on all pages, when it was asked for. */
  total_count?: number;
}

export interface PageQuestion extends RunSet {
  orderBy?: readonly string[];
  maxResults: number;
  pageToken?: string | undefined;
  /** Only these metrics, parameters and tags; everything when left out. */
  fields?: readonly string[] | undefined;
  count?: boolean;
}

function search<T>(set: RunSet, more: Record<string, unknown>, signal: AbortSignal | undefined): Promise<T> {
  const body = {
    experiment_ids: [set.experimentId],
    run_view_type: set.viewType,
    ...(set.filter === '' ? {} : { filter: set.filter }),
    ...more,
  };
  return post<T>('runs/search', body, signal);
}

export function searchRuns(question: PageQuestion, signal?: AbortSignal): Promise<RunPage> {
  const { orderBy, maxResults, pageToken, fields, count } = question;
  return search<RunPage>(
    question,
    {
      order_by: orderBy,
      max_results: maxResults,
      page_token: pageToken,
      fields,
      ...(count ? { count } : {}),
    },
    signal,
  );
}

export async function countRuns(set: RunSet, signal?: AbortSignal): Promise<number> {
  const answer = await search<RunPage>(set, { max_results: 0, count: true }, signal);
  return answer.total_count ?? 0;
}

/** What runs have for a field: its values, the most frequent first, or the range of a metric. */
export interface Distinct {
  key: string;
  values?: { value: string; count: number }[];
  total_values?: number;
  missing?: number;
  min?: WireNumber;
  max?: WireNumber;
  nan?: number;
  count?: number;
}

export async function distinctValues(set: RunSet, name: string, signal?: AbortSignal): Promise<Distinct> {
  const answer = await search<{ distinct?: Distinct[] }>(set, { max_results: 0, distinct: [name] }, signal);
  return answer.distinct?.[0] ?? { key: name };
}

export interface RunGroup {
  /** What has no value is left out, here and in the aggregates. */
  values?: Record<string, string | number>;
  count: number;
  aggregates?: Record<string, WireNumber>;
  best?: Run;
}

export interface GroupPage {
  groups?: RunGroup[];
  total_groups?: number;
}

export interface GroupQuestion extends RunSet {
  groupBy: readonly string[];
  aggregates: readonly string[];
  orderBy: readonly string[];
  maxResults: number;
  fields?: readonly string[] | undefined;
}

export function groupRuns(question: GroupQuestion, signal?: AbortSignal): Promise<GroupPage> {
  const { groupBy, aggregates, orderBy, maxResults, fields } = question;
  return search<GroupPage>(
    question,
    { group_by: groupBy, aggregates, order_by: orderBy, max_results: maxResults, fields },
    signal,
  );
}
