// What may be typed next in a filter: fields, operators, values and connecting words, the likeliest first.
import type { KnownKeys } from './cells';
import {
  datasetKeys,
  filterOf,
  isNumeric,
  isTime,
  nameOf,
  quoteText,
  read,
  runAttributes,
  runStatuses,
  shapeOf,
  tokensOf,
  type Field,
} from './filter';
import { isSystemKey } from './group';

export interface Suggestion {
  kind: 'field' | 'operator' | 'value' | 'words';
  /** What is shown, and what is written in place of the word at the caret. */
  label: string;
  insert: string;
  detail: string;
}

export interface Completion {
  from: number;
  to: number;
  /** What of the word stands before the caret. */
  typed: string;
  suggestions: Suggestion[];
  /** The field whose values the list needs or shows. */
  values: Field | undefined;
}

/** A value that runs have for a field, and how many of them. */
export interface KnownValue {
  value: string;
  count: number;
}

// More are not read; typing narrows the list.
const mostShown = 60;

const operators: [string, string, ('number' | 'text' | 'time')[]][] = [
  ['=', 'is', ['number', 'text']],
  ['!=', 'is not', ['number', 'text']],
  ['<', 'is less than', ['number']],
  ['<=', 'is at most', ['number']],
  ['>', 'is greater than', ['number']],
  ['>=', 'is at least', ['number']],
  ['>', 'is after', ['time']],
  ['<', 'is before', ['time']],
  ['>=', 'is at or after', ['time']],
  ['<=', 'is at or before', ['time']],
  ['BETWEEN', 'is from … to', ['number', 'time']],
  ['LIKE', 'fits a pattern with % and _', ['text']],
  ['ILIKE', 'fits a pattern, in any case', ['text']],
  ['~', 'has a match of a regular expression', ['text']],
  ['IN (', 'is one of', ['text', 'number']],
  ['NOT IN (', 'is none of', ['text', 'number']],
  ['NOT LIKE', 'does not fit a pattern', ['text']],
  ['!~', 'has no match of a regular expression', ['text']],
  ['IS NULL', 'is missing', ['number', 'text', 'time']],
  ['IS NOT NULL', 'is there', ['number', 'text', 'time']],
];

const times: [string, string][] = [
  ['now() - 1h', 'an hour ago'],
  ['now() - 1d', 'a day ago'],
  ['now() - 7d', 'a week ago'],
  ['now() - 30d', '30 days ago'],
];

export function complete(
  text: string,
  caret: number,
  known: KnownKeys,
  valuesOf: (field: Field) => readonly KnownValue[],
): Completion {
  const tokens = tokensOf(text);
  const under = tokens.find(
    ({ kind, start, end }) =>
      start < caret && caret <= end && kind !== 'open' && kind !== 'close' && kind !== 'comma',
  );
  const from = under?.start ?? caret;
  // A quote that is not closed yet reaches to the end of the text, but what stands there is not part of the word.
  const to = under === undefined || under.kind === 'odd' ? caret : under.end;
  const typed = text.slice(from, caret);
  const before = read(tokens.filter((token) => token.end <= from));
  const completion: Completion = { from, to, typed, suggestions: [], values: undefined };
  if (before.wrong) return completion;
  const { field, wanted } = before;
  const offer = (kind: Suggestion['kind'], list: readonly [string, string][]) =>
    list
      .filter(([word]) => word.toLowerCase().startsWith(typed.toLowerCase()))
      .map(([word, detail]): Suggestion => ({
        kind,
        label: word.replace(/ \($/, ''),
        insert: spaced(word),
        detail,
      }));

  switch (wanted) {
    case 'operand':
      completion.suggestions = fields(text, typed, known, tokens.length <= 1);
      break;
    case 'operator': {
      const type = field && isTime(field) ? 'time' : field && isNumeric(field) ? 'number' : 'text';
      completion.suggestions = offer(
        'operator',
        operators.filter(([, , types]) => types.includes(type)).map(([word, detail]) => [word, detail]),
      );
      break;
    }
    case 'negated':
      completion.suggestions = offer('operator', [
        ['IN (', 'is none of'],
        ['LIKE', 'does not fit a pattern'],
        ['ILIKE', 'does not fit a pattern, in any case'],
        ['BETWEEN', 'is outside of'],
      ]);
      break;
    case 'null':
      completion.suggestions = offer('operator', [
        ['NULL', before.operator === 'IS' ? 'is missing' : 'is there'],
        ...(before.operator === 'IS' ? ([['NOT NULL', 'is there']] as [string, string][]) : []),
      ]);
      break;
    case 'list':
      completion.suggestions = offer('operator', [['(', 'a list of values']]);
      break;
    case 'between':
      completion.suggestions = offer('operator', [['AND', 'up to']]);
      break;
    case 'more':
      if (typed === '')
        completion.suggestions = [
          { kind: 'operator', label: ',', insert: ', ', detail: 'another value' },
          { kind: 'operator', label: ')', insert: ') ', detail: 'end of the list' },
        ];
      break;
    case 'connective':
      completion.suggestions = offer('operator', [
        ['AND', 'both must hold'],
        ['OR', 'one must hold'],
        ...(before.depth > 0 ? ([[')', 'end of the parentheses']] as [string, string][]) : []),
      ]);
      break;
    case 'value':
    case 'low':
    case 'high':
    case 'item':
      if (field) {
        if (isTime(field)) completion.suggestions = offer('value', times);
        else {
          completion.values = field;
          completion.suggestions = values(typed, valuesOf(field), wanted === 'item');
        }
      }
      break;
    case 'duration':
      break;
  }
  // What is there already needs no offer.
  const [only] = completion.suggestions;
  if (completion.suggestions.length === 1 && only?.label === typed && only.kind !== 'words')
    completion.suggestions = [];
  return completion;
}

function spaced(word: string): string {
  return word.endsWith('(') ? word : `${word} `;
}

/** How well a name fits what was typed: 0 best, undefined not at all. */
function fit(wanted: string, ...names: string[]): number | undefined {
  if (wanted === '') return 0;
  let best: number | undefined;
  for (const name of names) {
    const at = name.toLowerCase().indexOf(wanted);
    if (at === 0) return 0;
    const starts = at > 0 && /[^\p{L}\p{N}]/u.test(name[at - 1] ?? '');
    if (at > 0) best = Math.min(best ?? 9, starts ? 1 : 2);
  }
  return best;
}

const details: Record<Field['entity'], string> = {
  metric: 'metric',
  param: 'parameter',
  tag: 'tag',
  attribute: 'attribute',
  dataset: 'data set',
};

/** All fields that can be offered, those of MLflow and of the machine behind a person's own. */
function offered(known: KnownKeys): Field[] {
  const of = (entity: Field['entity'], keys: readonly string[]): Field[] =>
    keys.map((key) => ({ entity, key }));
  const late = (keys: readonly string[]) => [
    ...keys.filter((key) => !isSystemKey(key) && !key.startsWith('mlflow.')),
    ...keys.filter((key) => isSystemKey(key) || key.startsWith('mlflow.')),
  ];
  return [
    ...of('metric', late(known.metric)),
    ...of('param', known.param),
    ...of('attribute', runAttributes),
    ...of('tag', late(known.tag)),
    ...of('dataset', datasetKeys),
  ];
}

function fields(text: string, typed: string, known: KnownKeys, alone: boolean): Suggestion[] {
  const wanted = typed.toLowerCase().replace(/[`"]/g, '');
  const asNumber = wanted !== '' && 'number('.startsWith(wanted);
  const found: { rank: number; suggestion: Suggestion }[] = [];
  for (const field of offered(known)) {
    const name = nameOf(field);
    if (name === undefined) continue;
    const rank = fit(wanted, `${name.slice(0, name.indexOf('.'))}.${field.key}`, field.key);
    if (rank !== undefined)
      found.push({
        rank,
        suggestion: { kind: 'field', label: name, insert: `${name} `, detail: details[field.entity] },
      });
    const number = asNumber && field.entity === 'param' ? nameOf({ ...field, asNumber: true }) : undefined;
    if (number !== undefined)
      found.push({
        rank: 3,
        suggestion: { kind: 'field', label: number, insert: `${number} `, detail: 'parameter as a number' },
      });
  }
  // Sorting is stable: what is equally fitting keeps its order.
  found.sort((a, b) => a.rank - b.rank);
  const list = found.slice(0, mostShown).map((one) => one.suggestion);
  if (wanted !== '' && 'not'.startsWith(wanted))
    list.push({ kind: 'operator', label: 'NOT', insert: 'NOT ', detail: 'the opposite' });
  if (alone && typed !== '' && shapeOf(text) === 'words')
    list.push({
      kind: 'words',
      label: text.trim(),
      insert: `${filterOf(text)} `,
      detail: 'in the name of the run',
    });
  return list;
}

/** True when what was typed may become the name of a field: then it is not searched for as a word yet. */
export function mayBeField(text: string, known: KnownKeys): boolean {
  const word = /\S*$/.exec(text)?.[0].toLowerCase() ?? '';
  if (word === '') return false;
  return (
    'number('.startsWith(word) ||
    offered(known).some((field) => {
      const name = nameOf(field) ?? '';
      return name.toLowerCase().startsWith(word) || field.key.toLowerCase().startsWith(word);
    })
  );
}

function values(typed: string, known: readonly KnownValue[], inList: boolean): Suggestion[] {
  const wanted = typed.replace(/^['"]|['"]$/g, '').toLowerCase();
  const found: { rank: number; suggestion: Suggestion }[] = [];
  for (const { value, count } of known) {
    const text = quoteText(value);
    const rank = fit(wanted, value);
    if (text === undefined || rank === undefined) continue;
    found.push({
      rank,
      suggestion: {
        kind: 'value',
        label: value === '' ? "''" : value,
        insert: inList ? text : `${text} `,
        detail: count > 0 ? `${count} ${count === 1 ? 'run' : 'runs'}` : '',
      },
    });
  }
  found.sort((a, b) => a.rank - b.rank);
  return found.slice(0, mostShown).map((one) => one.suggestion);
}

/** The values to offer for a field: those that runs have, and all that there can be where that is known. */
export function valuesToOffer(field: Field, found: readonly KnownValue[] | undefined): readonly KnownValue[] {
  if (field.entity !== 'attribute' || field.key !== 'status') return found ?? [];
  const counts = new Map(found?.map((one) => [one.value, one.count]));
  return runStatuses.map((value) => ({ value, count: counts.get(value) ?? 0 }));
}

/** Whether a field has values worth asking for: few enough to choose from. */
export function asksForValues(field: Field): boolean {
  return (
    field.entity === 'param' ||
    field.entity === 'tag' ||
    field.entity === 'metric' ||
    (field.entity === 'attribute' && ['user_id', 'run_name', 'status'].includes(field.key))
  );
}
