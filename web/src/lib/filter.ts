// Reads the text of a filter as far as the page needs it: what may come next, whether it is whole, which conditions it
// has. The server alone decides what is valid; this is for help while typing and for adding conditions by a click.

export type Entity = 'metric' | 'param' | 'tag' | 'attribute' | 'dataset';

export interface Field {
  entity: Entity;
  key: string;
  /** number(params.x): text that is compared as a number. */
  asNumber?: boolean;
}

export type TokenKind = 'name' | 'text' | 'number' | 'operator' | 'open' | 'close' | 'comma' | 'odd';

/** A piece of the text; the places count UTF-16 units, as a text field does. */
export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
  end: number;
}

const patterns: [TokenKind, RegExp][] = [
  ['text', /'[^']*'|"[^"]*"/y],
  // A name with a dot goes on with a key, which may be quoted, unfinished, or of characters that should be quoted.
  ['name', /`[^`]*`|[\p{L}_][\p{L}\p{N}_]*(?:\.(?:`[^`]*(?:`|$)|"[^"]*(?:"|$)|[^\s'"`()<>=!~,]+))*\.?/uy],
  ['number', /-?Infinity\b|[-+]?(?:\d+(?:ms|[smhdw]))+(?![\p{L}\p{N}_])/uy],
  ['number', /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\p{L}\p{N}_])/uy],
  ['operator', /!~\*|~\*|!~|~|<=|>=|<>|!=|==|=|<|>|\+|-/y],
  ['open', /\(/y],
  ['close', /\)/y],
  ['comma', /,/y],
  ['odd', /['"`][^]*|[^\s()<>=!~,'"`]+|[^]/y],
];

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const space = /\s*/y;
  let at = 0;
  for (;;) {
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    if (at >= text.length) return tokens;
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (!found) continue;
      tokens.push({ kind, text: found, start: at, end: at + found.length });
      at += found.length;
      break;
    }
  }
}

// --- fields ------------------------------------------------------------------------------------------------------

const entities: Record<string, Entity> = {
  metric: 'metric',
  metrics: 'metric',
  parameter: 'param',
  parameters: 'param',
  param: 'param',
  params: 'param',
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  dataset: 'dataset',
  datasets: 'dataset',
};

const attributeNames: Record<string, string> = {
  run_id: 'run_id',
  run_name: 'run_name',
  'run name': 'run_name',
  'Run name': 'run_name',
  'Run Name': 'run_name',
  user_id: 'user_id',
  status: 'status',
  artifact_uri: 'artifact_uri',
  start_time: 'start_time',
  created: 'start_time',
  Created: 'start_time',
  end_time: 'end_time',
};

/** The attributes of a run that can be searched, by the names that are offered. */
export const runAttributes = [
  'run_name',
  'status',
  'start_time',
  'end_time',
  'user_id',
  'run_id',
  'artifact_uri',
];
export const datasetKeys = ['name', 'digest', 'context'];
export const runStatuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'];

export function isTime(field: Field): boolean {
  return field.entity === 'attribute' && /_time$/.test(field.key);
}

export function isNumeric(field: Field): boolean {
  return field.entity === 'metric' || field.asNumber === true;
}

/** The field that a name stands for; undefined when it is none, or not yet. */
export function fieldOf(name: string): Field | undefined {
  const dot = name.indexOf('.');
  if (dot < 0 || name.startsWith('`')) {
    const key = attributeNames[unquoted(name)];
    return key === undefined ? undefined : { entity: 'attribute', key };
  }
  const entity = entities[name.slice(0, dot)];
  const rest = name.slice(dot + 1);
  const quoted = /^(`[^`]+`|"[^"]+")/.exec(rest)?.[0];
  if (!quoted && /^[`"]/.test(rest)) return undefined;
  const key = quoted ? quoted.slice(1, -1) : rest;
  if (entity === undefined || key === '') return undefined;
  if (entity !== 'attribute') return { entity, key };
  const attribute = attributeNames[key];
  return attribute === undefined ? undefined : { entity, key: attribute };
}

function unquoted(name: string): string {
  return /^(`[^]*`|"[^]*")$/.test(name) ? name.slice(1, -1) : name;
}

const plainKey = /^[A-Za-z_][A-Za-z0-9_]*$/;
const words = new Set(
  'and or not in is null like ilike between asc desc now number nan infinity true false'.split(' '),
);

/** A key as the language has it: quoted unless it is a simple word. A key with both quotes has no way to be said. */
export function quoteKey(key: string): string | undefined {
  if (plainKey.test(key) && !words.has(key.toLowerCase())) return key;
  if (!key.includes('`')) return `\`${key}\``;
  return key.includes('"') ? undefined : `"${key}"`;
}

const prefixes: Record<Entity, string> = {
  metric: 'metrics.',
  param: 'params.',
  tag: 'tags.',
  attribute: 'attributes.',
  dataset: 'datasets.',
};

/** The full name of a field: metrics.`val/loss`. */
export function nameOf(field: Field): string | undefined {
  const key = quoteKey(field.key);
  if (key === undefined) return undefined;
  const name = prefixes[field.entity] + key;
  return field.asNumber ? `number(${name})` : name;
}

/** Text as a value of the language; undefined for text with both kinds of quotes, which it cannot say. */
export function quoteText(value: string): string | undefined {
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') ? undefined : `"${value}"`;
}

/** Text inside a pattern of LIKE, where some characters have a meaning. */
export function likeText(value: string): string {
  return value.replace(/[\\%_]/g, '\\$&');
}

// --- reading -----------------------------------------------------------------------------------------------------

/** What may stand at the end of what was read. */
export type Wanted =
  | 'operand'
  | 'operator'
  | 'negated'
  | 'null'
  | 'value'
  | 'list'
  | 'item'
  | 'more'
  | 'low'
  | 'between'
  | 'high'
  | 'duration'
  | 'connective';

export interface Reading {
  wanted: Wanted;
  /** The field of the condition that is being read, or that was read last. */
  field: Field | undefined;
  operator: string;
  /** How many parentheses are open, without that of a list. */
  depth: number;
  /** The first token that does not fit; what comes after it was not read. */
  wrong: Token | undefined;
  /** AND and OR between conditions. */
  joints: { token: Token; depth: number; or: boolean }[];
}

const comparing = new Set(['=', '!=', '<>', '==', '<', '<=', '>', '>=', '~', '!~', '~*', '!~*']);

/** Goes through the tokens with one state and no recursion, so that no text is too deep. */
export function read(tokens: readonly Token[]): Reading {
  const now: Reading = {
    wanted: 'operand',
    field: undefined,
    operator: '',
    depth: 0,
    wrong: undefined,
    joints: [],
  };
  let at = 0;
  const word = () => {
    const token = tokens[at];
    return token?.kind === 'name' ? token.text.toUpperCase() : '';
  };
  const valueEnd = () => {
    now.wanted = now.wanted === 'low' ? 'between' : now.wanted === 'item' ? 'more' : 'connective';
    return true;
  };
  const take = (token: Token): boolean => {
    const upper = word();
    switch (now.wanted) {
      case 'operand': {
        if (token.kind === 'open') {
          now.depth++;
          return true;
        }
        if (upper === 'NOT') return true;
        if (upper === 'NUMBER' && tokens[at + 1]?.kind === 'open') {
          const [inner, close] = [tokens[at + 2], tokens[at + 3]];
          if (inner === undefined) {
            at++;
            return true;
          }
          now.field = inner.kind === 'name' ? fieldOf(inner.text) : undefined;
          if (now.field === undefined) return false;
          now.field = { ...now.field, asNumber: true };
          now.wanted = 'operator';
          at += close?.kind === 'close' ? 3 : 2;
          return close === undefined || close.kind === 'close';
        }
        now.field = token.kind === 'name' ? fieldOf(token.text) : undefined;
        now.wanted = 'operator';
        return now.field !== undefined;
      }
      case 'operator':
        if (token.kind === 'operator' && comparing.has(token.text)) {
          now.operator = token.text;
          now.wanted = 'value';
          return true;
        }
        if (upper === 'NOT') now.wanted = 'negated';
        else if (upper === 'IS') now.wanted = 'null';
        else return takeWordOperator(upper);
        now.operator = upper;
        return true;
      case 'negated':
        return takeWordOperator(upper);
      case 'null':
        if (upper === 'NOT' && now.operator === 'IS') {
          now.operator = 'IS NOT';
          return true;
        }
        now.wanted = 'connective';
        return upper === 'NULL';
      case 'list':
        now.wanted = 'item';
        return token.kind === 'open';
      case 'more':
        if (token.kind === 'comma') now.wanted = 'item';
        else if (token.kind === 'close') now.wanted = 'connective';
        else return false;
        return true;
      case 'between':
        now.wanted = 'high';
        return upper === 'AND';
      case 'duration':
        now.wanted = 'connective';
        return token.kind === 'number';
      case 'value':
      case 'low':
      case 'high':
      case 'item':
        if (token.kind === 'text' || token.kind === 'number') return valueEnd();
        if (upper === 'NAN' || upper === 'INFINITY') return valueEnd();
        if (upper === 'NOW' && tokens[at + 1]?.kind === 'open') {
          const close = tokens[at + 2];
          at += close ? 2 : 1;
          return (close === undefined || close.kind === 'close') && valueEnd();
        }
        return false;
      case 'connective':
        if (token.kind === 'close' && now.depth > 0) {
          now.depth--;
          return true;
        }
        if (upper === 'AND' || upper === 'OR') {
          now.joints.push({ token, depth: now.depth, or: upper === 'OR' });
          now.wanted = 'operand';
          return true;
        }
        // A time and a distance from it: now() - 7d.
        if (token.kind === 'operator' && /^[-+]$/.test(token.text) && now.field && isTime(now.field)) {
          now.wanted = 'duration';
          return true;
        }
        return token.kind === 'number' && /^[-+].*[a-z]$/.test(token.text);
    }
  };
  const takeWordOperator = (upper: string): boolean => {
    now.operator = now.wanted === 'negated' ? `NOT ${upper}` : upper;
    if (upper === 'IN') now.wanted = 'list';
    else if (upper === 'BETWEEN') now.wanted = 'low';
    else now.wanted = 'value';
    return ['IN', 'BETWEEN', 'LIKE', 'ILIKE'].includes(upper);
  };
  for (; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (take(token)) continue;
    now.wrong = token;
    break;
  }
  return now;
}

/**
 * What a text is: nothing, words to look for in names, a whole filter, the beginning of one, or neither. Only for
 * deciding whether to ask the server before somebody says so.
 */
export type Shape = 'empty' | 'words' | 'whole' | 'unfinished' | 'wrong';

export function shapeOf(text: string): Shape {
  const tokens = tokensOf(text);
  if (tokens.length === 0) return 'empty';
  if (areWords(tokens)) return 'words';
  const { wanted, depth, wrong } = read(tokens);
  if (wrong) return wrong.end === text.length ? 'unfinished' : 'wrong';
  return wanted === 'connective' && depth === 0 ? 'whole' : 'unfinished';
}

/** Words alone, without anything of the language in them. */
function areWords(tokens: readonly Token[]): boolean {
  return tokens.every((token) => {
    if (token.kind === 'name')
      return (
        !words.has(token.text.toLowerCase()) &&
        fieldOf(token.text) === undefined &&
        !(token.text.includes('.') && (entities[token.text.split('.')[0] ?? ''] ?? '') !== '') &&
        !token.text.includes('`')
      );
    if (token.kind === 'operator') return token.text === '-' || token.text === '+';
    return token.kind === 'number' || (token.kind === 'odd' && !/^['"`]/.test(token.text));
  });
}

/** What is sent for a text: words alone are looked for in the names of runs, and what may be an id in ids as well. */
export function filterOf(text: string): string {
  if (shapeOf(text) !== 'words') return text.trim();
  return text
    .trim()
    .split(/\s+/)
    .map((word) => {
      const named = `attributes.run_name ILIKE '%${likeText(word)}%'`;
      // Fewer hexadecimal digits are likelier part of a name.
      return /^[0-9a-f]{6,32}$/.test(word) ? `(${named} OR attributes.run_id LIKE '${word}%')` : named;
    })
    .join(' AND ');
}

// --- conditions --------------------------------------------------------------------------------------------------

export interface Condition {
  text: string;
  /** The field of a single condition; undefined for several in parentheses. */
  field: Field | undefined;
  operator: string;
}

/** The conditions that must all hold. A filter with OR outside of parentheses is one condition. */
export function conditionsOf(filter: string): Condition[] {
  const text = filter.trim();
  if (text === '') return [];
  const { joints, wrong } = read(tokensOf(text));
  const outer = joints.filter((joint) => joint.depth === 0);
  const parts: string[] = [];
  let from = 0;
  if (!wrong && !outer.some((joint) => joint.or))
    for (const { token } of outer) {
      parts.push(text.slice(from, token.start).trim());
      from = token.end;
    }
  parts.push(text.slice(from).trim());
  return parts.map((part) => {
    const { joints: inner, field, operator, wrong: odd } = read(tokensOf(part));
    const single = inner.length === 0 && !odd;
    return { text: part, field: single ? field : undefined, operator: single ? operator : '' };
  });
}

function joined(conditions: readonly Condition[]): string {
  return conditions
    .map(({ text }) => {
      const several = read(tokensOf(text)).joints.some((joint) => joint.depth === 0 && joint.or);
      return several && conditions.length > 1 ? `(${text})` : text;
    })
    .join(' AND ');
}

export function sameField(a: Field | undefined, b: Field): boolean {
  return a?.entity === b.entity && a.key === b.key;
}

/** The filter without one of its conditions. */
export function withoutCondition(filter: string, index: number): string {
  return joined(conditionsOf(filter).filter((_, at) => at !== index));
}

/** The filter without what it says about a field. */
export function withoutField(filter: string, field: Field): string {
  return joined(conditionsOf(filter).filter((one) => !sameField(one.field, field)));
}

/**
 * Adds a condition to a text. What chooses a value takes the place of what was chosen of the same field before; what
 * excludes a value stands beside it.
 */
export function withCondition(text: string, condition: string): string {
  const filter = filterOf(text);
  const [added] = conditionsOf(condition);
  if (!added) return filter;
  const excludes = /^(!|<>|NOT|IS NOT)/.test(added.operator);
  const kept = conditionsOf(filter).filter(
    (one) => one.text !== added.text && (excludes || !added.field || !sameField(one.field, added.field)),
  );
  return joined([...kept, added]);
}

/** "is this value", or "has none" for a missing one. */
export function equalTo(field: Field, value: string | null, negated = false): string | undefined {
  const name = nameOf(field);
  if (name === undefined) return undefined;
  if (value === null) return `${name} IS ${negated ? 'NOT ' : ''}NULL`;
  const text = quoteText(value);
  return text === undefined ? undefined : `${name} ${negated ? '!=' : '='} ${text}`;
}

/** Finds the place that a message of the server names, as an index into the text; messages count characters from 1. */
export function placeIn(message: string, text: string): { from: number; to: number } | undefined {
  const found = /\bat character (\d+)/i.exec(message);
  if (!found) return undefined;
  const before = [...text].slice(0, Number(found[1]) - 1).join('').length;
  const from = Math.min(before, text.length);
  const token = tokensOf(text).find((one) => one.start <= from && from < one.end);
  return { from, to: token && token.start === from ? token.end : Math.min(text.length, from + 1) };
}
