// The columns of the run table: which there are, what a run has in each, and which to show at first.
import type { Metric, Run } from '../api/types';
import type { WireNumber } from './format';
import { isSystemKey, naturalOrder } from './group';
import { runDuration, runName, runSource, runUser, tagOf } from './run';

/** "attribute:user", "metric:val/loss", "param:seed", "tag:stage". */
export type ColumnId = string;
export type ColumnKind = 'attribute' | 'metric' | 'param' | 'tag';

/** Those with "late" stand behind the numbers: they are looked up, not compared. */
export const attributes: { key: string; label: string; late?: true }[] = [
  { key: 'status', label: 'Status' },
  { key: 'start_time', label: 'Started' },
  { key: 'duration', label: 'Duration' },
  { key: 'user', label: 'User', late: true },
  { key: 'source', label: 'Source', late: true },
  { key: 'commit', label: 'Commit', late: true },
  { key: 'run_id', label: 'Run ID', late: true },
];

export function splitColumn(id: ColumnId): { kind: ColumnKind; key: string } {
  const colon = id.indexOf(':');
  return { kind: id.slice(0, colon) as ColumnKind, key: id.slice(colon + 1) };
}

export function columnLabel(id: ColumnId): string {
  const { kind, key } = splitColumn(id);
  if (kind !== 'attribute') return key;
  if (key === 'name') return 'Run';
  return attributes.find((one) => one.key === key)?.label ?? key;
}

interface Lookup {
  metrics: Map<string, Metric>;
  params: Map<string, string>;
  tags: Map<string, string>;
}

const lookups = new WeakMap<Run, Lookup>();

function lookup(run: Run): Lookup {
  let found = lookups.get(run);
  if (!found) {
    found = {
      metrics: new Map(run.data?.metrics?.map((one) => [one.key, one])),
      params: new Map(run.data?.params?.map((one) => [one.key, one.value ?? ''])),
      tags: new Map(run.data?.tags?.map((one) => [one.key, one.value ?? ''])),
    };
    lookups.set(run, found);
  }
  return found;
}

export function metricCell(run: Run, key: string): Metric | undefined {
  return lookup(run).metrics.get(key);
}

/** What a run has in a column, as it is sorted and copied; undefined when it has nothing there. */
export function cellOf(run: Run, id: ColumnId, nowMs = Date.now()): WireNumber | undefined {
  const { kind, key } = splitColumn(id);
  if (kind === 'metric') return lookup(run).metrics.get(key)?.value;
  if (kind === 'param') return lookup(run).params.get(key);
  if (kind === 'tag') return lookup(run).tags.get(key);
  const { info } = run;
  switch (key) {
    case 'name':
      return runName(run);
    case 'status':
      return info.status;
    case 'start_time':
      return info.start_time;
    case 'duration':
      return runDuration(run, nowMs);
    case 'user':
      return runUser(run) || undefined;
    case 'source':
      return runSource(run) || undefined;
    case 'commit':
      return tagOf(run, 'mlflow.source.git.commit');
    case 'run_id':
      return info.run_id;
    default:
      return undefined;
  }
}

export interface KnownKeys {
  metric: string[];
  param: string[];
  tag: string[];
}

/** Tags that MLflow sets itself: seldom of interest in a list, but they can be searched. */
export function isOwnTag(key: string): boolean {
  return !key.startsWith('mlflow.');
}

/** All keys that the runs have, in natural order. */
export function knownKeys(runs: readonly Run[]): KnownKeys {
  const metric = new Set<string>();
  const param = new Set<string>();
  const tag = new Set<string>();
  for (const run of runs) {
    for (const one of run.data?.metrics ?? []) metric.add(one.key);
    for (const one of run.data?.params ?? []) param.add(one.key);
    for (const one of run.data?.tags ?? []) tag.add(one.key);
  }
  const inOrder = (set: Set<string>) => [...set].sort(naturalOrder);
  return { metric: inOrder(metric), param: inOrder(param), tag: inOrder(tag) };
}

/** The keys of both. */
export function mergeKeys(a: KnownKeys, b: KnownKeys): KnownKeys {
  const both = (one: string[], two: string[]) => {
    const all = new Set([...one, ...two]);
    return all.size === one.length ? one : [...all].sort(naturalOrder);
  };
  const merged = { metric: both(a.metric, b.metric), param: both(a.param, b.param), tag: both(a.tag, b.tag) };
  return merged.metric === a.metric && merged.param === a.param && merged.tag === a.tag ? a : merged;
}

// As many as a laptop screen shows beside the name without scrolling sideways for long.
const firstMetrics = 6;
const firstParams = 6;

/** The columns to begin with: metrics that most runs have, and parameters that tell the runs apart. */
export function firstColumns(runs: readonly Run[]): ColumnId[] {
  const counts = new Map<string, number>();
  const values = new Map<string, Set<string>>();
  for (const run of runs) {
    for (const one of run.data?.metrics ?? []) counts.set(one.key, (counts.get(one.key) ?? 0) + 1);
    for (const one of run.data?.params ?? []) {
      const set = values.get(one.key) ?? new Set<string>();
      set.add(one.value ?? '');
      values.set(one.key, set);
    }
  }
  const system = (key: string) => Number(isSystemKey(key));
  const metrics = [...counts.entries()]
    .sort(([a, n], [b, m]) => system(a) - system(b) || m - n || naturalOrder(a, b))
    .slice(0, firstMetrics)
    .map(([key]) => `metric:${key}`)
    .sort(naturalOrder);
  const differs = (set: Set<string>) => (set.size > 1 ? 0 : 1);
  const params = [...values.entries()]
    .sort(([a, s], [b, t]) => differs(s) - differs(t) || naturalOrder(a, b))
    .slice(0, firstParams)
    .map(([key]) => `param:${key}`)
    .sort(naturalOrder);
  return [
    'attribute:status',
    'attribute:start_time',
    'attribute:duration',
    'attribute:user',
    'attribute:source',
    ...metrics,
    ...params,
  ];
}

/** The groups of the table's head. */
export type ColumnGroup = ColumnKind | 'details';

const groupOrder: ColumnGroup[] = ['attribute', 'metric', 'param', 'details', 'tag'];

export function groupOf(id: ColumnId): ColumnGroup {
  const { kind, key } = splitColumn(id);
  return kind === 'attribute' && attributes.find((one) => one.key === key)?.late ? 'details' : kind;
}

/** Columns in the order in which the table shows them. */
export function orderColumns(ids: Iterable<ColumnId>): ColumnId[] {
  const place = (id: ColumnId) => {
    const { kind, key } = splitColumn(id);
    return (
      groupOrder.indexOf(groupOf(id)) * 100 +
      (kind === 'attribute' ? attributes.findIndex((a) => a.key === key) : 0)
    );
  };
  const last = (id: ColumnId) => Number(isSystemKey(splitColumn(id).key));
  return [...ids].sort((a, b) => place(a) - place(b) || last(a) - last(b) || naturalOrder(a, b));
}
