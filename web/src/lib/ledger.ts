// What the ledger of the registry says, in words, and which moments it knows.
import { checkWord } from './registry';

export interface LedgerEntry {
  entry: number;
  at: number;
  action: string;
  model?: string;
  version?: number;
  alias?: string;
  actor?: string;
  /** Nobody was known: the name is what the client says. */
  claimed?: boolean;
  method?: string;
  address?: string;
  client?: string;
  run_url?: string | null;
  reason?: string | null;
  forced?: boolean;
  before?: unknown;
  after?: unknown;
  sha256?: string;
  previous_sha256?: string;
}

type Members = Record<string, unknown>;

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};

function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const numberOf = (value: unknown): number => Number(membersOf(value)['version'] ?? 0);

function target(members: Members): string {
  const named = members as { alias?: string; stage?: string };
  return named.alias !== undefined ? `@${named.alias}` : `stage ${named.stage ?? ''}`;
}

/** "moved @production from version 3 to 4". */
function aliasWords(verb: string, { alias = '', before, after }: LedgerEntry): string {
  const [from, to] = [numberOf(before), numberOf(after)];
  if (to === 0) return `took @${alias} from version ${from}`;
  if (from === 0)
    return `${verb === 'moved' ? 'put' : verb} @${alias} ${verb === 'moved' ? 'on' : 'to'} version ${to}`;
  return `${verb} @${alias} from version ${from} to ${to}`;
}

const sentences: Record<string, (entry: LedgerEntry, before: Members, after: Members) => string> = {
  'model.create': () => 'registered the model',
  'model.rename': (_, before, after) =>
    `renamed the model from ${text(before['name'])} to ${text(after['name'])}`,
  'model.describe': () => 'changed the description',
  'model.tag': (_, before, after) => tagWords(before, after),
  'model.delete': () => 'deleted the model',
  'version.create': (entry) => `registered version ${entry.version ?? ''}`,
  'version.describe': (entry) => `changed the description of version ${entry.version ?? ''}`,
  'version.tag': (entry, before, after) => `${tagWords(before, after)} of version ${entry.version ?? ''}`,
  'version.stage': (entry, before, after) =>
    `moved version ${entry.version ?? ''} from stage ${text(before['stage'])} to ${text(after['stage'])}`,
  'version.delete': (entry) => `deleted version ${entry.version ?? ''}`,
  'alias.set': (entry) => aliasWords('moved', entry),
  'alias.delete': (entry) => aliasWords('moved', entry),
  'alias.promote': (entry) => aliasWords('promoted', entry),
  'alias.rollback': (entry) => aliasWords('rolled back', entry),
  'check.post': (entry, _, after) =>
    `posted check ${text(after['name'])} of version ${entry.version ?? ''}: ${checkWord(text(after['status']))}`,
  'approval.give': (entry) => `approved version ${entry.version ?? ''}`,
  'approval.withdraw': (entry) => `withdrew the approval of version ${entry.version ?? ''}`,
  'gate.set': (_, before, after) => `set the gate before ${target({ ...before, ...after })}`,
  'gate.delete': (_, before) => `removed the gate before ${target(before)}`,
};

function tagWords(before: Members, after: Members): string {
  const key = text(after['key'] ?? before['key']);
  return after['key'] === undefined ? `deleted tag ${key}` : `set tag ${key} to “${text(after['value'])}”`;
}

/** What was done, to be read after the name of who did it. */
export function ledgerSentence(entry: LedgerEntry): string {
  const say = sentences[entry.action];
  return say ? say(entry, membersOf(entry.before), membersOf(entry.after)) : entry.action;
}

/** The actions that a filter can ask for. */
export const ledgerActions = Object.keys(sentences);

/** How an entry is drawn: what moves something that others rely on stands out. */
export function ledgerKind(entry: LedgerEntry): 'move' | 'good' | 'bad' | 'gate' | 'plain' {
  if (entry.forced) return 'bad';
  if (entry.action.startsWith('alias.') || entry.action === 'version.stage') return 'move';
  if (entry.action.startsWith('gate.')) return 'gate';
  if (entry.action.endsWith('.delete')) return 'bad';
  if (entry.action === 'check.post')
    return membersOf(entry.after)['status'] === 'failure'
      ? 'bad'
      : membersOf(entry.after)['status'] === 'success'
        ? 'good'
        : 'plain';
  if (entry.action === 'approval.give') return 'good';
  return 'plain';
}

/**
 * Where a rollback brings an alias: the holder before, as the server finds it. What a rollback left lies beside the way,
 * and versions that are gone are passed over. The newest entry comes first.
 */
export function previousHolder(
  entries: readonly LedgerEntry[],
  alias: string,
  holder: number,
  isGone: (version: number) => boolean = () => false,
): { version: number; until: number } | undefined {
  let from = holder;
  for (const one of entries) {
    const before = numberOf(one.before);
    const isOnTheWay = from === 0 || (one.action !== 'alias.rollback' && numberOf(one.after) === from);
    if (one.alias !== alias || !isOnTheWay) continue;
    if (before !== 0 && before !== holder && !isGone(before)) return { version: before, until: one.at };
    from = before;
  }
  return undefined;
}

/** The moments at which something changed, oldest first, each once. */
export function momentsOf(entries: readonly Pick<LedgerEntry, 'at'>[]): number[] {
  return [...new Set(entries.map((one) => one.at))].sort((a, b) => a - b);
}

/** The last moment at or before a time; -1 when there is none. */
export function momentAt(moments: readonly number[], at: number): number {
  let found = -1;
  for (let i = 0; i < moments.length && (moments[i] ?? Infinity) <= at; i++) found = i;
  return found;
}

/**
 * Two lists in one, the newest first. Of the second one only what is not older than the end of the first is shown, as
 * long as more of the first is to come.
 */
export function mergeEntries(
  entries: readonly LedgerEntry[],
  others: readonly LedgerEntry[],
  more: boolean,
): LedgerEntry[] {
  const last = more ? (entries[entries.length - 1]?.entry ?? 0) : 0;
  return [...entries, ...others.filter((one) => one.entry > last)].sort((a, b) => b.entry - a.entry);
}
