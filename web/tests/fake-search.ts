// A small runs/search in memory, for tests of what the dashboard asks and makes of the answers. It reads filters in its
// own simple way, so that it does not repeat a mistake of the code under test.
import type { Run } from '../src/api/types';

interface Body {
  experiment_ids?: string[];
  run_view_type?: string;
  filter?: string;
  order_by?: string[];
  max_results?: number;
  page_token?: string;
  fields?: string[];
  count?: boolean;
  group_by?: string[];
  aggregates?: string[];
  distinct?: string[];
}

type Value = number | string | undefined;
type Test = (run: Run) => boolean;

export class Refused extends Error {}

/** Answers like the server, which leaves out what is missing, as JSON does with undefined; a filter that it cannot read is a Refused with the place. */
export function answerSearch(all: readonly Run[], body: Body): Record<string, unknown> {
  const stage = body.run_view_type === 'DELETED_ONLY' ? 'deleted' : 'active';
  const test = body.filter ? readFilter(body.filter) : () => true;
  const matching = all.filter(
    (run) =>
      (body.experiment_ids ?? []).includes(run.info.experiment_id) &&
      (body.run_view_type === 'ALL' || run.info.lifecycle_stage === stage) &&
      test(run),
  );
  const order = [...(body.order_by ?? []), 'attributes.start_time DESC', 'attributes.run_id ASC'].map(
    (item) => {
      const [, name = '', direction] = /^(.*?)(?:\s+(ASC|DESC))?$/.exec(item) ?? [];
      return { name, sign: direction === 'DESC' ? -1 : 1 };
    },
  );
  const sorted = [...matching].sort((a, b) => {
    for (const { name, sign } of order) {
      const found = compare(valueOf(a, name), valueOf(b, name), sign);
      if (found !== 0) return found;
    }
    return 0;
  });
  if (body.distinct) return { distinct: body.distinct.map((name) => distinctOf(sorted, name)) };
  const max = body.max_results ?? 1000;
  if (body.group_by) return groupsOf(sorted, body, max);
  // The token names the last run of its page.
  const from = body.page_token ? sorted.findIndex((run) => run.info.run_id === body.page_token) + 1 : 0;
  const page = sorted.slice(from, from + max);
  const last = page[page.length - 1];
  return {
    ...(page.length ? { runs: page.map((run) => only(run, body.fields)) } : {}),
    ...(last && from + max < sorted.length ? { next_page_token: last.info.run_id } : {}),
    ...(body.count ? { total_count: sorted.length } : {}),
  };
}

function compare(a: Value, b: Value, sign: number): number {
  const rank = (value: Value) => (value === undefined ? 2 : Number.isNaN(value) ? 1 : 0);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a === undefined || b === undefined || a === b) return 0;
  return a < b ? -sign : sign;
}

const keyOf = (text: string) => text.replace(/^([`"])(.*)\1$/, '$2');

export function valueOf(run: Run, name: string): Value {
  const number = /^number\((.*)\)$/.exec(name);
  if (number) {
    const text = valueOf(run, number[1] ?? '');
    const value = Number(text);
    return text === undefined || text === '' || (Number.isNaN(value) && text !== 'NaN') ? undefined : value;
  }
  const dot = name.indexOf('.');
  const entity = dot < 0 ? 'attributes' : name.slice(0, dot);
  const key = keyOf(dot < 0 ? name : name.slice(dot + 1));
  if (entity === 'metrics') {
    const value = run.data?.metrics?.find((one) => one.key === key)?.value;
    return value === undefined ? undefined : Number(value);
  }
  if (entity === 'params') return run.data?.params?.find((one) => one.key === key)?.value;
  if (entity === 'tags') return run.data?.tags?.find((one) => one.key === key)?.value;
  return (run.info as unknown as Record<string, Value>)[key];
}

function only(run: Run, fields: string[] | undefined): Run {
  if (!fields) return run;
  const has = (kind: string) => (one: { key: string }) =>
    fields.includes(kind) ||
    fields.some((name) => name.startsWith(`${kind}.`) && keyOf(name.slice(kind.length + 1)) === one.key);
  return {
    info: run.info,
    data: {
      metrics: (run.data?.metrics ?? []).filter(has('metrics')),
      params: (run.data?.params ?? []).filter(has('params')),
      tags: (run.data?.tags ?? []).filter(has('tags')),
    },
  };
}

function counted(values: Value[]): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function distinctOf(runs: readonly Run[], name: string) {
  const values = runs.map((run) => valueOf(run, name));
  const missing = values.filter((value) => value === undefined).length;
  if (name.startsWith('metrics.')) {
    const numbers = values.filter((value): value is number => typeof value === 'number');
    const real = numbers.filter((value) => !Number.isNaN(value));
    return {
      key: name,
      ...(real.length ? { min: Math.min(...real), max: Math.max(...real) } : {}),
      nan: numbers.length - real.length,
      count: numbers.length,
      missing,
    };
  }
  const counts = [...counted(values.filter((value) => value !== undefined))].sort(([, a], [, b]) => b - a);
  return {
    key: name,
    values: counts.map(([value, count]) => ({ value, count })),
    total_values: counts.length,
    missing,
  };
}

function groupsOf(sorted: readonly Run[], body: Body, max: number) {
  const names = body.group_by ?? [];
  const groups = new Map<string, { values: Value[]; runs: Run[] }>();
  for (const run of sorted) {
    const values = names.map((name) => valueOf(run, name));
    const group = groups.get(JSON.stringify(values));
    if (group) group.runs.push(run);
    else groups.set(JSON.stringify(values), { values, runs: [run] });
  }
  return {
    groups: [...groups.values()].slice(0, max).map(({ values, runs }) => ({
      values: Object.fromEntries(names.map((name, at) => [name, values[at]])),
      count: runs.length,
      aggregates: Object.fromEntries((body.aggregates ?? []).map((item) => [item, aggregate(runs, item)])),
      best: runs[0] && only(runs[0], body.fields),
    })),
    total_groups: groups.size,
  };
}

function aggregate(runs: readonly Run[], item: string): number | undefined {
  const [, part = '', name = ''] = /^(\w+)\((.*)\)$/.exec(item) ?? [];
  const values = runs
    .map((run) => valueOf(run, name))
    .filter((value): value is number => typeof value === 'number');
  if (part === 'count') return values.length;
  if (values.length === 0) return undefined;
  if (part === 'min') return Math.min(...values);
  if (part === 'max') return Math.max(...values);
  const sum = values.reduce((all, value) => all + value, 0);
  return part === 'sum' ? sum : sum / values.length;
}

// --- filters -----------------------------------------------------------------------------------------------------

const word =
  /\s*(number\([^)]*\)|[A-Za-z_]+\.(?:`[^`]*`|"[^"]*"|[\w.]+)|'[^']*'|"[^"]*"|now\(\)\s*-\s*\d+[a-z]+|-?\d[\d.]*(?:e[-+]?\d+)?|[A-Za-z_]\w*|!~\*|!~|~\*|[<>!=]=|<>|[=<>~(),])/y;

export function readFilter(text: string): Test {
  const words: { text: string; at: number }[] = [];
  for (word.lastIndex = 0; word.lastIndex < text.trimEnd().length;) {
    const from = word.lastIndex;
    const found = word.exec(text);
    const at = [...text.slice(0, from)].length + 1;
    if (!found) throw new Refused(`Invalid clause(s) in filter string, at character ${at}`);
    words.push({
      text: found[1] ?? '',
      at: [...text.slice(0, word.lastIndex - (found[1] ?? '').length)].length + 1,
    });
  }
  let next = 0;
  const peek = () => words[next]?.text.toUpperCase() ?? '';
  const refuse = (expected: string): never => {
    const at = words[next]?.at ?? [...text].length + 1;
    throw new Refused(`Invalid clause(s) in filter string: expected ${expected} at character ${at}`);
  };
  const take = (wanted: string) => (peek() === wanted ? (next++, true) : false);
  const either = (): Test => {
    const parts = [both()];
    while (take('OR')) parts.push(both());
    return (run) => parts.some((part) => part(run));
  };
  const both = (): Test => {
    const parts = [one()];
    while (take('AND')) parts.push(one());
    return (run) => parts.every((part) => part(run));
  };
  const one = (): Test => {
    if (take('NOT')) {
      const inner = one();
      return (run) => !inner(run);
    }
    if (take('(')) {
      const inner = either();
      if (!take(')')) refuse("')'");
      return inner;
    }
    return condition();
  };
  const literal = (): Value => {
    const found = words[next]?.text ?? refuse('a value');
    next++;
    if (/^['"]/.test(found)) return found.slice(1, -1);
    if (/^now/.test(found)) return Date.now() - 7 * 86_400_000;
    if (found === 'NaN') return NaN;
    const number = Number(found);
    if (Number.isNaN(number)) {
      next--;
      refuse('a value');
    }
    return number;
  };
  const condition = (): Test => {
    const name = words[next]?.text ?? refuse('a field');
    if (!/\.|^(number\(.*\)|run_id|run_name|status|user_id|start_time|end_time|artifact_uri)$/.test(name))
      refuse('a field');
    next++;
    if (take('IS')) {
      const there = take('NOT');
      if (!take('NULL')) refuse('NULL');
      return (run) => (valueOf(run, name) !== undefined) === there;
    }
    const negated = take('NOT');
    const tested = (test: (value: number | string) => boolean): Test => {
      return (run) => {
        const value = valueOf(run, name);
        return value !== undefined && test(value) !== negated;
      };
    };
    if (take('IN')) {
      if (!take('(')) refuse("'('");
      const list = [literal()];
      while (take(',')) list.push(literal());
      if (!take(')')) refuse("')'");
      return tested((value) => list.includes(value));
    }
    if (take('BETWEEN')) {
      const low = literal() as number;
      if (!take('AND')) refuse('AND');
      const high = literal() as number;
      return tested((value) => Number(value) >= low && Number(value) <= high);
    }
    const operator = peek();
    if (!/^(=|!=|<>|<|<=|>|>=|~|!~|~\*|!~\*|LIKE|ILIKE)$/.test(operator)) refuse('an operator');
    next++;
    const wanted = literal() as number | string;
    const pattern = () =>
      String(wanted)
        .replace(/[.*+?^${}()|[\]]/g, '\\$&')
        .replace(/(?<!\\)%/g, '.*')
        .replace(/(?<!\\)_/g, '.');
    return tested((value) => {
      switch (operator) {
        case '=':
          return Object.is(value, wanted);
        case '!=':
        case '<>':
          return !Object.is(value, wanted);
        case '<':
          return value < wanted;
        case '<=':
          return value <= wanted;
        case '>':
          return value > wanted;
        case '>=':
          return value >= wanted;
        case 'LIKE':
          return new RegExp(`^${pattern()}$`, 's').test(String(value));
        case 'ILIKE':
          return new RegExp(`^${pattern()}$`, 'is').test(String(value));
        default:
          return (
            new RegExp(String(wanted), operator.includes('*') ? 'i' : '').test(String(value)) !==
            operator.startsWith('!')
          );
      }
    });
  };
  const whole = either();
  if (next < words.length) refuse('AND or OR');
  return whole;
}
