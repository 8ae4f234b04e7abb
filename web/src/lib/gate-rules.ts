// What a gate asks for: its rules in words, and as the rows of a form and back.
import { likeText, quoteText } from './filter';
import { plural } from './format';

export interface By {
  users?: string[];
  groups?: string[];
}

export interface MetricRule {
  key: string;
  at_least?: number;
  at_most?: number;
  no_worse_than?: string;
  epsilon?: number;
  higher_is_better?: boolean;
  dataset_name?: string;
  dataset_digest?: string;
}

export interface GateRules {
  checks?: (string | { name: string; by?: By })[];
  metrics?: MetricRule[];
  tags?: { key: string; value?: string }[];
  approvals?: { count: number } & By;
  soak?: { alias: string; min_s: number };
  freeze?: { from: string; to: string; days?: string[] }[];
  movers?: By;
}

export interface Gate {
  gate_id: number | string;
  model_pattern: string;
  alias?: string;
  stage?: string;
  rules: GateRules;
  created_at?: number;
  updated_at?: number;
}

// --- whom it binds -------------------------------------------------------------------------------------------

/** Whether a pattern is about a name: `*` stands for any characters. */
export function fitsPattern(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** What finds the models of a pattern, in the language of filters. */
export function patternFilter(pattern: string): string {
  const isPattern = pattern.includes('*');
  const text = isPattern ? likeText(pattern).replace(/\*/g, '%') : pattern;
  // A name with both quotes has no way to be said.
  return `name ${isPattern ? 'LIKE' : '='} ${quoteText(text) ?? quoteText(text.replace(/"/g, isPattern ? '_' : ''))}`;
}

// --- in words ------------------------------------------------------------------------------------------------

function byWords(by: By | undefined): string {
  const names = [...(by?.users ?? []), ...(by?.groups ?? []).map((group) => `group ${group}`)];
  return names.join(', ');
}

function metricWords(rule: MetricRule): string {
  const on =
    rule.dataset_name !== undefined || rule.dataset_digest !== undefined
      ? ` on ${[rule.dataset_name, rule.dataset_digest].filter((one) => one !== undefined).join(' ')}`
      : '';
  const metric = `metric ${rule.key}${on}`;
  if (rule.at_least !== undefined) return `${metric} at least ${rule.at_least}`;
  if (rule.at_most !== undefined) return `${metric} at most ${rule.at_most}`;
  const by = rule.epsilon ? ` by more than ${rule.epsilon}` : '';
  return `${metric} not worse than @${rule.no_worse_than ?? ''}${by} (${rule.higher_is_better === false ? 'lower' : 'higher'} is better)`;
}

const units: [number, string][] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
];

function spanWords(seconds: number): string {
  const [length, unit] = units.find(([one]) => seconds >= one && seconds % one === 0) ?? [1, 'second'];
  return plural(seconds / length, unit);
}

/** One sentence for each thing that the gate asks for; for an empty gate what it still means. */
export function ruleWords(rules: GateRules): string[] {
  const words: string[] = [];
  for (const check of rules.checks ?? []) {
    const [name, by] = typeof check === 'string' ? [check, ''] : [check.name, byWords(check.by)];
    words.push(`check ${name} passed${by ? `, posted by ${by}` : ''}`);
  }
  for (const rule of rules.metrics ?? []) words.push(metricWords(rule));
  for (const tag of rules.tags ?? [])
    words.push(tag.value === undefined ? `tag ${tag.key} is there` : `tag ${tag.key} is “${tag.value}”`);
  if (rules.approvals) {
    const by = byWords(rules.approvals);
    words.push(
      `${plural(rules.approvals.count, 'approval')}${by ? ` by ${by}` : ' by others than who registered it'}`,
    );
  }
  if (rules.soak) words.push(`@${rules.soak.alias} for at least ${spanWords(rules.soak.min_s)}`);
  for (const window of rules.freeze ?? [])
    words.push(
      `not ${window.days?.length ? `on ${window.days.join(', ')} ` : ''}from ${window.from} to ${window.to}${window.days ? ' UTC' : ''}`,
    );
  if (rules.movers) words.push(`moved only by ${byWords(rules.movers) || 'nobody'}`);
  return words.length > 0 ? words : ['protected: moving it needs the right to promote'];
}

// --- as a form -----------------------------------------------------------------------------------------------

export type MetricKind = 'at_least' | 'at_most' | 'no_worse_than';

/** What a form holds: texts, as they are typed; lists of names with commas. */
export interface GateForm {
  checks: { name: string; users: string; groups: string }[];
  metrics: {
    key: string;
    kind: MetricKind;
    value: string;
    epsilon: string;
    better: 'higher' | 'lower';
    dataset_name: string;
    dataset_digest: string;
  }[];
  tags: { key: string; value: string }[];
  approvals: { count: string; users: string; groups: string };
  soak: { alias: string; hours: string };
  freeze: { days: string; from: string; to: string }[];
  movers: { users: string; groups: string };
}

const names = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
const listed = (list: string[] | undefined): string => (list ?? []).join(', ');

function byOf(form: { users: string; groups: string }): By | undefined {
  const [users, groups] = [names(form.users), names(form.groups)];
  if (users.length + groups.length === 0) return undefined;
  return { ...(users.length ? { users } : {}), ...(groups.length ? { groups } : {}) };
}

export function formOf(rules: GateRules): GateForm {
  return {
    checks: (rules.checks ?? []).map((one) =>
      typeof one === 'string'
        ? { name: one, users: '', groups: '' }
        : { name: one.name, users: listed(one.by?.users), groups: listed(one.by?.groups) },
    ),
    metrics: (rules.metrics ?? []).map((one) => ({
      key: one.key,
      kind: one.at_least !== undefined ? 'at_least' : one.at_most !== undefined ? 'at_most' : 'no_worse_than',
      value: String(one.at_least ?? one.at_most ?? one.no_worse_than ?? ''),
      epsilon: one.epsilon === undefined ? '' : String(one.epsilon),
      better: one.higher_is_better === false ? 'lower' : 'higher',
      dataset_name: one.dataset_name ?? '',
      dataset_digest: one.dataset_digest ?? '',
    })),
    tags: (rules.tags ?? []).map((one) => ({ key: one.key, value: one.value ?? '' })),
    approvals: {
      count: rules.approvals ? String(rules.approvals.count) : '',
      users: listed(rules.approvals?.users),
      groups: listed(rules.approvals?.groups),
    },
    soak: { alias: rules.soak?.alias ?? '', hours: rules.soak ? String(rules.soak.min_s / 3600) : '' },
    freeze: (rules.freeze ?? []).map((one) => ({ days: listed(one.days), from: one.from, to: one.to })),
    movers: { users: listed(rules.movers?.users), groups: listed(rules.movers?.groups) },
  };
}

function numberIn(text: string, what: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new Error(`${what}: “${text}” is not a number.`);
  return number;
}

function metricOf(form: GateForm['metrics'][number]): MetricRule {
  const key = form.key.trim();
  const on = {
    ...(form.dataset_name.trim() ? { dataset_name: form.dataset_name.trim() } : {}),
    ...(form.dataset_digest.trim() ? { dataset_digest: form.dataset_digest.trim() } : {}),
  };
  if (form.kind !== 'no_worse_than')
    return { key, [form.kind]: numberIn(form.value, `Metric ${key}`), ...on };
  return {
    key,
    no_worse_than: form.value.trim().replace(/^@/, ''),
    ...(form.epsilon.trim() ? { epsilon: numberIn(form.epsilon, `Margin of ${key}`) } : {}),
    higher_is_better: form.better === 'higher',
    ...on,
  };
}

/** Throws an Error that says what is not right; rows without a name are left out. */
export function rulesOf(form: GateForm): GateRules {
  const rules: GateRules = {};
  const checks = form.checks.filter((one) => one.name.trim());
  if (checks.length)
    rules.checks = checks.map((one) => {
      const by = byOf(one);
      return by ? { name: one.name.trim(), by } : one.name.trim();
    });
  const metrics = form.metrics.filter((one) => one.key.trim());
  if (metrics.length) rules.metrics = metrics.map(metricOf);
  const tags = form.tags.filter((one) => one.key.trim());
  if (tags.length)
    rules.tags = tags.map((one) => ({ key: one.key.trim(), ...(one.value ? { value: one.value } : {}) }));
  if (form.approvals.count.trim() && form.approvals.count.trim() !== '0')
    rules.approvals = { count: numberIn(form.approvals.count, 'Approvals'), ...byOf(form.approvals) };
  if (form.soak.alias.trim())
    rules.soak = {
      alias: form.soak.alias.trim().replace(/^@/, ''),
      min_s: Math.round(numberIn(form.soak.hours, 'Hours') * 3600),
    };
  const freeze = form.freeze.filter((one) => one.from.trim() || one.to.trim());
  if (freeze.length)
    rules.freeze = freeze.map((one) => ({
      ...(one.days.trim() ? { days: names(one.days.toLowerCase()) } : {}),
      from: one.from.trim(),
      to: one.to.trim(),
    }));
  const movers = byOf(form.movers);
  if (movers) rules.movers = movers;
  return rules;
}
