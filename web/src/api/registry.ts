// The model registry: registered models, versions, gates, checks, approvals and the ledger of all changes.
import {
  keepPreviousData,
  useInfiniteQuery,
  useQueries,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { Gate, GateRules } from '../lib/gate-rules';
import type { LedgerEntry } from '../lib/ledger';
import type { Check, GateAnswer, RegisteredModel, Target, VersionDetail } from '../lib/registry';
import type { ManifestFile } from '../lib/version-diff';
import { readManifest } from './artifacts';
import type { RunStatus } from './types';
import { change, changeTally, get, getTally, post, type Query } from './http';

const part = encodeURIComponent;
const modelPath = (name: string) => `registered-models/${part(name)}`;
const versionPath = (name: string, version: string | number) => `${modelPath(name)}/versions/${version}`;

// --- registered models ---------------------------------------------------------------------------------------

export const createModel = (name: string, description: string) =>
  post<{ registered_model: RegisteredModel }>('registered-models/create', {
    name,
    ...(description ? { description } : {}),
  });
export const renameModel = (name: string, next: string) =>
  post('registered-models/rename', { name, new_name: next });
export const describeModel = (name: string, description: string) =>
  change('PATCH', 'registered-models/update', { name, description });
export const deleteModel = (name: string) => change('DELETE', 'registered-models/delete', { name });
export const setModelTag = (name: string, key: string, value: string) =>
  post('registered-models/set-tag', { name, key, value });
export const deleteModelTag = (name: string, key: string) =>
  change('DELETE', 'registered-models/delete-tag', { name, key });
export const setAlias = (name: string, alias: string, version: string | number) =>
  post('registered-models/alias', { name, alias, version: String(version) });
export const deleteAlias = (name: string, alias: string) =>
  change('DELETE', 'registered-models/alias', { name, alias });

interface Page {
  next_page_token?: string;
}

function usePages<P extends Page, T>(
  key: readonly unknown[],
  ask: (token: string | undefined, signal: AbortSignal) => Promise<P>,
  itemsOf: (page: P) => T[],
  options: { enabled?: boolean; refetchInterval?: number } = {},
) {
  const list = useInfiniteQuery<P, Error, InfiniteData<P>, readonly unknown[], string | undefined>({
    queryKey: key,
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) => ask(pageParam, signal),
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: keepPreviousData,
    ...options,
  });
  const { data } = list;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `itemsOf` picks a field: another function, the same answer
  const items = useMemo(() => data?.pages.flatMap(itemsOf), [data]);
  return { ...list, items };
}

// A list that others change too: often enough to notice, seldom enough to cost nothing.
const idleMs = 20_000;

export function useModels(filter: string, orderBy: string) {
  return usePages(
    ['registered-models', filter, orderBy],
    (token, signal) =>
      get<Page & { registered_models?: RegisteredModel[] }>(
        'registered-models/search',
        { filter: filter || undefined, order_by: [orderBy], max_results: 100, page_token: token },
        signal,
      ),
    (page) => page.registered_models ?? [],
    { refetchInterval: idleMs },
  );
}

export function useRegisteredModel(name: string, enabled = true) {
  return useQuery({
    queryKey: ['registered-model', name],
    enabled,
    refetchInterval: idleMs,
    queryFn: ({ signal }) =>
      get<{ registered_model: RegisteredModel }>('registered-models/get', { name }, signal).then(
        (answer) => answer.registered_model,
      ),
  });
}

// --- versions ------------------------------------------------------------------------------------------------

export const describeVersion = (name: string, version: string, description: string) =>
  change('PATCH', 'model-versions/update', { name, version, description });
export const deleteVersion = (name: string, version: string) =>
  change('DELETE', 'model-versions/delete', { name, version });
export const setVersionTag = (name: string, version: string, key: string, value: string) =>
  post('model-versions/set-tag', { name, version, key, value });
export const deleteVersionTag = (name: string, version: string, key: string) =>
  change('DELETE', 'model-versions/delete-tag', { name, version, key });
/** Why something moves, from where, and whether in spite of what gates say. */
export interface Why {
  reason?: string;
  run_url?: string;
  force?: boolean;
}

export const transitionStage = (name: string, version: string, stage: string, archive: boolean, why: Why) =>
  post('model-versions/transition-stage', {
    name,
    version,
    stage,
    archive_existing_versions: archive,
    ...why,
  });

interface VersionsPage extends Page {
  versions?: VersionDetail[];
}

/** All versions of a model, the newest first, with their checks and what gates say. */
export function useVersions(name: string, enabled = true) {
  return usePages(
    ['model-versions', name],
    (token, signal) =>
      getTally<VersionsPage>(`${modelPath(name)}/versions`, { max_results: 100, page_token: token }, signal),
    (page) => page.versions ?? [],
    { enabled, refetchInterval: idleMs },
  );
}

export function useVersion(name: string, version: string) {
  return useQuery({
    queryKey: ['model-version', name, version],
    refetchInterval: idleMs,
    queryFn: ({ signal }) => getTally<VersionDetail>(versionPath(name, version), {}, signal),
  });
}

// --- checks, approvals, gates --------------------------------------------------------------------------------

interface ChecksPage extends Page {
  checks?: Check[];
}

/** Every result ever posted on a version, the newest first. */
export function useAllChecks(name: string, version: string, enabled: boolean) {
  return usePages(
    ['checks', name, version],
    (token, signal) =>
      getTally<ChecksPage>(
        `${versionPath(name, version)}/checks`,
        { all: 'true', max_results: 50, page_token: token },
        signal,
      ),
    (page) => page.checks ?? [],
    { enabled },
  );
}

export const approve = (name: string, version: string, comment: string) =>
  changeTally('POST', `${versionPath(name, version)}/approvals`, comment ? { comment } : {});
export const withdrawApproval = (name: string, version: string) =>
  changeTally('DELETE', `${versionPath(name, version)}/approvals`);

export function useGates(name: string) {
  return useQuery({
    queryKey: ['gates', name],
    queryFn: ({ signal }) =>
      getTally<{ gates?: Gate[] }>(`${modelPath(name)}/gates`, {}, signal).then(({ gates }) => gates ?? []),
  });
}

export const setGate = (name: string, target: Target, rules: GateRules) =>
  changeTally('PUT', `${modelPath(name)}/gates`, { ...target, rules });
export const deleteGate = (name: string, target: Target) =>
  changeTally('DELETE', `${modelPath(name)}/gates?${new URLSearchParams(target).toString()}`);

/** The gate of all models whose names fit a pattern. */
export const setPatternGate = (pattern: string, target: Target, rules: GateRules) =>
  changeTally('PUT', 'gates', { model_pattern: pattern, ...target, rules });
export const deletePatternGate = (pattern: string, target: Target) =>
  changeTally('DELETE', 'gates', { model_pattern: pattern, ...target });

/** All gates, also those that bind no model yet, in the order in which they were made. */
export function useAllGates() {
  return usePages(
    ['gates', { of: 'all' }],
    (token, signal) =>
      getTally<Page & { gates?: Gate[] }>('gates', { max_results: 100, page_token: token }, signal),
    (page) => page.gates ?? [],
  );
}

/** The first few models that a filter finds. */
export function useFirstModels(filter: string, most: number) {
  return useQuery({
    queryKey: ['registered-models', filter, { most }],
    queryFn: ({ signal }) =>
      get<Page & { registered_models?: RegisteredModel[] }>(
        'registered-models/search',
        { filter, max_results: most },
        signal,
      ),
  });
}

/** What is moved in thought: a stage with what is archived along, an alias perhaps back to where it was. */
type Trial = Target & { archive_existing_versions?: 'true'; rollback?: 'true' };

const dryRun = (name: string, version: string, target: Trial | undefined) => ({
  queryKey: ['gate-answer', name, version, target],
  enabled: target !== undefined,
  staleTime: 0,
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    getTally<GateAnswer>(`${versionPath(name, version)}/gate`, { ...target }, signal),
});

/** Asks what would be missing, without moving anything. */
export function useDryRun(name: string, version: string, target: Trial | undefined) {
  return useQuery(dryRun(name, version, target));
}

/** The same for aliases that would go back to versions, in their order. */
export function useRollbackDryRuns(
  name: string,
  moves: readonly ({ alias: string; version: number } | undefined)[],
) {
  return useQueries({
    queries: moves.map((move) =>
      dryRun(name, String(move?.version ?? 0), move && { alias: move.alias, rollback: 'true' }),
    ),
  });
}

/** The same for several at once, in their order. */
export function useDryRuns(name: string, version: string, targets: readonly (Target | undefined)[]) {
  return useQueries({ queries: targets.map((target) => dryRun(name, version, target)) });
}

export interface Move {
  alias: string;
  version: number;
  /** Who has it now; 0: nobody. */
  expect_version: number;
}

/** The most that move in one call. */
export const mostMoves = 50;

export interface Moved {
  moved?: { alias: string; version: number; previous: number }[];
  forced?: boolean;
}

/** All of them move, or none. */
export const promote = (name: string, moves: readonly Move[], why: Why) =>
  changeTally<Moved>('POST', `${modelPath(name)}/promote`, {
    ...(moves.length === 1 ? moves[0] : { moves }),
    ...why,
  });

export interface Rollback {
  alias: string;
  /** Who has it now. */
  expect_version: number;
}

/** Back to the holder before, or to who had them at a time: all of them, or none. */
export const rollBack = (name: string, moves: readonly Rollback[], at: number | undefined, why: Why) =>
  changeTally<Moved>('POST', `${modelPath(name)}/rollback`, {
    ...(moves.length === 1 ? moves[0] : { moves }),
    ...(at === undefined ? {} : { at }),
    ...why,
  });

// --- the ledger ----------------------------------------------------------------------------------------------

export interface LedgerQuestion {
  version?: string | undefined;
  alias?: string | undefined;
  action?: string | undefined;
  actor?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

interface LedgerPage extends Page {
  entries?: LedgerEntry[];
}

export function useLedger(name: string, question: LedgerQuestion, enabled = true) {
  return usePages(
    ['ledger', name, question],
    (token, signal) =>
      getTally<LedgerPage>(
        `${modelPath(name)}/ledger`,
        { ...(question as Query), max_results: 100, page_token: token },
        signal,
      ),
    (page) => page.entries ?? [],
    { enabled, refetchInterval: idleMs },
  );
}

/** The newest entries about each of some aliases, in their order. */
export function useAliasLedgers(name: string, aliases: readonly string[], enabled: boolean) {
  return useQueries({
    queries: aliases.map((alias) => ({
      queryKey: ['ledger', name, { alias }, 'newest'],
      enabled,
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        getTally<LedgerPage>(`${modelPath(name)}/ledger`, { alias, max_results: 1000 }, signal).then(
          ({ entries }) => entries ?? [],
        ),
    })),
  });
}

/** A gate belongs to a name or a pattern, not to a model: what was done to those of exactly this name. */
export function useGateEntries(name: string, question: LedgerQuestion, enabled: boolean) {
  return useQuery({
    queryKey: ['ledger', name, question, 'gates'],
    enabled,
    refetchInterval: idleMs,
    queryFn: async ({ signal }) => {
      const { alias, actor, action } = question;
      const wanted = ['gate.set', 'gate.delete'].filter((one) => action === undefined || one === action);
      const pages = await Promise.all(
        wanted.map((one) =>
          getTally<LedgerPage>(
            'ledger',
            { model: name, action: one, alias, actor, max_results: 1000 },
            signal,
          ),
        ),
      );
      return pages.flatMap((page) => page.entries ?? []);
    },
  });
}

/** The whole state of a model as it was at a time. */
export interface AsOf {
  as_of: { entry: number; at: number };
  registered_model: {
    name: string;
    description?: string | null;
    tags?: unknown;
    aliases?: unknown;
  };
  versions?: Record<string, unknown>[];
  gates?: unknown[];
}

export function useAsOf(name: string, at: number | undefined) {
  return useQuery({
    queryKey: ['registered-model-at', name, at],
    enabled: at !== undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => getTally<AsOf>(modelPath(name), { at }, signal),
  });
}

/** Which version had each of some aliases at a time, in their order. */
export function useAliasesAt(name: string, aliases: readonly string[], at: number | undefined) {
  return useQueries({
    queries: aliases.map((alias) => ({
      queryKey: ['alias-at', name, alias, at],
      enabled: at !== undefined,
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        getTally<{ alias: string; version: number; since?: number; actor?: string }>(
          `${modelPath(name)}/aliases/${part(alias)}`,
          { at },
          signal,
        ),
    })),
  });
}

// --- lineage and files ---------------------------------------------------------------------------------------

/** Where a version comes from; what the reader may not see is not there. */
export interface Origin {
  run?: OriginRun;
  logged_model?: OriginModel;
  artifacts?: { location?: string; files?: ManifestFile[]; truncated?: boolean };
}

export interface OriginRun {
  run_id: string;
  run_name?: string;
  experiment_id: string;
  experiment_name?: string;
  user_id?: string;
  status?: RunStatus;
  start_time?: number;
  lifecycle_stage?: string;
  code?: {
    commit?: string;
    branch?: string;
    repository?: string;
    source_name?: string;
    source_type?: string;
    dirty?: string;
  };
  datasets?: { name?: string; digest?: string; source_type?: string; source?: string; context?: string }[];
  input_models?: string[];
  output_models?: string[];
  params?: Record<string, string>;
}

export interface OriginModel {
  model_id: string;
  name?: string;
  model_type?: string;
  experiment_id: string;
  experiment_name?: string;
  source_run_id?: string;
  created_at?: number;
  evaluated_on?: { name: string; digest: string }[];
  params?: Record<string, string>;
}

export function useOrigin(name: string, version: string) {
  return useQuery({
    queryKey: ['lineage', name, version],
    queryFn: ({ signal }) => getTally<Origin>(`${versionPath(name, version)}/lineage`, {}, signal),
  });
}

export interface OutcomeVersion {
  name: string;
  version: number;
  stage?: string;
  aliases?: string[];
  created_at?: number;
}

/** What came out of something. */
export interface Outcome {
  runs?: OriginRun[];
  logged_models?: OriginModel[];
  model_versions?: OutcomeVersion[];
  truncated?: boolean;
}

export type OutcomeOf = { run_id: string } | { model_id: string } | Record<string, string>;

export function useOutcome(of: OutcomeOf, enabled = true) {
  return useQuery({
    queryKey: ['outcome', of],
    enabled,
    queryFn: ({ signal }) => getTally<Outcome>('lineage', { ...of }, signal),
  });
}

/** The files of a version with their digests, out of its manifest. */
export function useManifestFiles(name: string, version: string) {
  return useQuery({
    queryKey: ['manifest', name, version],
    queryFn: ({ signal }) => readManifest({ kind: 'version', id: `${name}/${version}` }, signal),
  });
}

// --- freshness -----------------------------------------------------------------------------------------------

const names = [
  'registered-models',
  'registered-model',
  'model-versions',
  'model-version',
  'checks',
  'gates',
  'gate-answer',
  'ledger',
  'registered-model-at',
  'alias-at',
  'lineage',
  'outcome',
];

/**
 * Forgets what a change of the registry may have touched. What is gone, a model or a version of one, is not asked for
 * again by a page that is about to be left.
 */
export function useRefreshRegistry() {
  const queries = useQueryClient();
  return useCallback(
    (...gone: string[]) =>
      Promise.all(
        names.map((key) =>
          queries.invalidateQueries({
            queryKey: [key],
            predicate: ({ queryKey }) =>
              gone.length === 0 || gone.some((part, index) => queryKey[index + 1] !== part),
          }),
        ),
      ),
    [queries],
  );
}
