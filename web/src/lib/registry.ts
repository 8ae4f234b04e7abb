// Registered models and their versions: shapes of the API, and what is said about them in words.
import type { Tag } from '../api/types';
import { likeText, shapeOf } from './filter';
import { naturalOrder } from './group';

export interface ModelVersion {
  name: string;
  /** A whole number as text, as MLflow's clients have it. */
  version: string;
  creation_timestamp?: number;
  last_updated_timestamp?: number;
  user_id?: string;
  current_stage?: string;
  description?: string;
  source?: string;
  run_id?: string;
  run_link?: string;
  model_id?: string;
  status?: string;
  status_message?: string;
  tags?: Tag[];
  aliases?: string[];
}

export interface RegisteredModel {
  name: string;
  creation_timestamp?: number;
  last_updated_timestamp?: number;
  user_id?: string;
  description?: string;
  /** The newest version of each stage. */
  latest_versions?: ModelVersion[];
  tags?: Tag[];
  aliases?: { alias: string; version: string }[];
}

export type CheckStatus = 'success' | 'failure' | 'pending';

export interface Check {
  check_id: number | string;
  name: string;
  status: CheckStatus;
  value?: number | string | null;
  url?: string | null;
  text?: string | null;
  actor?: string;
  created_at: number;
}

export interface Approval {
  actor: string;
  comment?: string | null;
  created_at: number;
}

/** What a gate stands before: an alias or a stage. */
export type Target = { alias: string } | { stage: string };

/** One thing that a gate asks for, and what was found. */
export interface GateItem {
  rule: string;
  gate_id?: number | string;
  alias?: string;
  stage?: string;
  text: string;
  /** Of a version that would be archived along; absent: of the one that is asked about. */
  version?: number;
}

/** What gates say about a version and an alias or a stage. */
export interface GateAnswer {
  alias?: string;
  stage?: string;
  allowed: boolean;
  missing?: GateItem[];
  met?: GateItem[];
  /** The version that has it now; 0 when none has. */
  holder?: number;
}

export interface VersionDetail {
  model_version: ModelVersion;
  checks?: Check[];
  approvals?: Approval[];
  gates?: GateAnswer[];
}

// --- search --------------------------------------------------------------------------------------------------

/** What is sent for a text: words alone are looked for in the names of models. */
export function modelFilterOf(text: string): string {
  if (shapeOf(text) !== 'words') return text.trim();
  return text
    .trim()
    .split(/\s+/)
    .map((word) => `name ILIKE '%${likeText(word)}%'`)
    .join(' AND ');
}

// --- models --------------------------------------------------------------------------------------------------

const byVersion = (a: ModelVersion, b: ModelVersion) => Number(b.version) - Number(a.version);

/** The highest version that there is; undefined for a model without any. */
export function newestVersion(model: RegisteredModel): ModelVersion | undefined {
  return [...(model.latest_versions ?? [])].sort(byVersion)[0];
}

export const stages = ['None', 'Staging', 'Production', 'Archived'] as const;

/** The stages that say something. */
export function stagesInUse(model: RegisteredModel): string[] {
  const used = new Set(model.latest_versions?.map((one) => one.current_stage ?? 'None'));
  return ['Production', 'Staging', 'Archived'].filter((stage) => used.has(stage));
}

export function sortedAliases(model: Pick<RegisteredModel, 'aliases'>): { alias: string; version: string }[] {
  return [...(model.aliases ?? [])].sort((a, b) => naturalOrder(a.alias, b.alias));
}

/** An alias as it is typed, perhaps with the sign that it is quoted with. */
export const bareAlias = (typed: string): string => typed.trim().replace(/^@/, '');

/** Why a text cannot be an alias; undefined when it can. The server has the last word. */
export function aliasTrouble(alias: string): string | undefined {
  if (alias === '') return undefined;
  if (!/^[\p{L}\p{N}_-]+$/u.test(alias)) return 'An alias has letters, digits, _ and - only.';
  if (/^latest$/i.test(alias)) return '“latest” always means the newest version.';
  if (/^v\d+$/i.test(alias)) return '“v” and a number would look like a version.';
  return undefined;
}

/** "@production", "stage Production". */
export function targetLabel(target: { alias?: string; stage?: string }): string {
  return target.alias !== undefined ? `@${target.alias}` : `stage ${target.stage ?? ''}`;
}

// --- checks --------------------------------------------------------------------------------------------------

const checkWords: Record<CheckStatus, string> = {
  success: 'passed',
  failure: 'failed',
  pending: 'pending',
};

export function checkWord(status: string): string {
  return checkWords[status as CheckStatus] ?? status;
}

/** "3 checks: 2 passed, 1 failed". */
export function checksWords(checks: readonly Check[]): string {
  if (checks.length === 0) return 'No checks';
  const count = (status: string) => checks.filter((one) => one.status === status).length;
  const parts = (['failure', 'pending', 'success'] as const)
    .filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${checkWord(status)}`);
  return `${checks.length} ${checks.length === 1 ? 'check' : 'checks'}: ${parts.join(', ')}`;
}

/** What went wrong first, then what is awaited, each by name. */
export function sortedChecks(checks: readonly Check[]): Check[] {
  const rank = (one: Check) => ({ failure: 0, pending: 1, success: 2 })[one.status] ?? 3;
  return [...checks].sort((a, b) => rank(a) - rank(b) || naturalOrder(a.name, b.name));
}

// --- refusals ------------------------------------------------------------------------------------------------

export interface Refusal {
  message: string;
  /** What gates miss. */
  missing: GateItem[];
  /** Who has the aliases now, when that is not what was thought. */
  current: { alias: string; version: number }[];
}

/** What a refused change says beside its sentence. */
export function refusalOf(message: string, members: Record<string, unknown> | undefined): Refusal {
  const list = (value: unknown): Record<string, unknown>[] =>
    Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
  return {
    message,
    missing: list(members?.['missing']).filter(
      (one) => typeof one['text'] === 'string',
    ) as unknown as GateItem[],
    current: list(members?.['current']).map((one) => ({
      alias: typeof one['alias'] === 'string' ? one['alias'] : '',
      version: Number(one['version'] ?? 0),
    })),
  };
}
