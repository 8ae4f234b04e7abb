import { describe, expect, it } from 'vitest';
import { bestFirst, fieldsOfColumns, orderOf, readSort, writeSort } from '../src/lib/columns';
import { complete, mayBeField, valuesToOffer, type KnownValue } from '../src/lib/complete';
import {
  conditionsOf,
  equalTo,
  fieldOf,
  filterOf,
  nameOf,
  placeIn,
  quoteKey,
  quoteText,
  shapeOf,
  tokensOf,
  withCondition,
  withoutCondition,
  withoutField,
} from '../src/lib/filter';

describe('tokensOf', () => {
  const pieces = (text: string) => tokensOf(text).map((token) => token.text);
  it('keeps names with quoted keys, text and operators together', () =>
    expect(pieces('metrics.`val loss`<=.5 and(tags."a b"!~*\'x y\')or params.a.b=-1e-3')).toEqual([
      'metrics.`val loss`',
      '<=',
      '.5',
      'and',
      '(',
      'tags."a b"',
      '!~*',
      "'x y'",
      ')',
      'or',
      'params.a.b',
      '=',
      '-1e-3',
    ]));
  it('covers every text without losing a character', () => {
    for (const text of ["'", '`', 'metrics.`a', '"x', '(((', 'a=1é“', '- -7d', '\u{1F600} = 1', '..', '']) {
      const tokens = tokensOf(text);
      expect(tokens.map((token) => token.text).join('')).toBe(text.replace(/\s/g, ''));
      for (const token of tokens) expect(text.slice(token.start, token.end)).toBe(token.text);
    }
  });
  it('is quick with long texts', () => {
    // What the program computes itself, whatever else the machine does meanwhile.
    const before = process.cpuUsage();
    shapeOf('('.repeat(100_000));
    shapeOf(`${"metrics.a = 1 AND params.b = 'x' OR ".repeat(5000)}`);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(3);
  });
});

describe('names', () => {
  it('reads fields with their aliases', () => {
    expect(fieldOf('metrics.loss')).toEqual({ entity: 'metric', key: 'loss' });
    expect(fieldOf('parameter.`a.b`')).toEqual({ entity: 'param', key: 'a.b' });
    expect(fieldOf('tags.mlflow.user')).toEqual({ entity: 'tag', key: 'mlflow.user' });
    expect(fieldOf('attr.Created')).toEqual({ entity: 'attribute', key: 'start_time' });
    expect(fieldOf('`Run name`')).toEqual({ entity: 'attribute', key: 'run_name' });
    for (const odd of ['loss', 'metrics.', 'metrics.`a', 'attributes.loss', 'metric', 'foo.bar'])
      expect(fieldOf(odd)).toBeUndefined();
  });
  it('quotes what needs it', () => {
    expect(['loss', 'val/loss', 'a.b', 'in', 'a`b', '1x', 'a`"b'].map(quoteKey)).toEqual([
      'loss',
      '`val/loss`',
      '`a.b`',
      '`in`',
      '"a`b"',
      '`1x`',
      undefined,
    ]);
    expect(['x', "it's", '"', `'"`].map(quoteText)).toEqual(["'x'", '"it\'s"', "'\"'", undefined]);
    expect(nameOf({ entity: 'param', key: 'lr', asNumber: true })).toBe('number(params.lr)');
    for (const key of ['loss', 'val/loss', 'a b', 'x`y', 'é', 'not'])
      expect(fieldOf(nameOf({ entity: 'metric', key }) ?? '')).toEqual({ entity: 'metric', key });
  });
});

describe('shapeOf', () => {
  const shapes: [string, ReturnType<typeof shapeOf>][] = [
    ['', 'empty'],
    ['  ', 'empty'],
    ['run-0042', 'words'],
    ['my run', 'words'],
    ['loss', 'words'],
    ['metrics.loss', 'unfinished'],
    ['metrics.loss <', 'unfinished'],
    ['metrics.loss < 0.5', 'whole'],
    ['metrics.loss < 0.5 AND', 'unfinished'],
    ["metrics.loss < 0.5 AND params.opt = 'ad", 'unfinished'],
    ["status = 'FAILED'", 'whole'],
    ["NOT (metrics.a > 1 OR tags.x LIKE '%a')", 'whole'],
    ['(metrics.a > 1', 'unfinished'],
    ['metrics.a > 1)', 'unfinished'],
    ['metrics.a > 1) AND metrics.b > 1', 'wrong'],
    ["status IN ('FAILED', 'KILLED')", 'whole'],
    ["status IN ('FAILED',", 'unfinished'],
    ['status NOT IN', 'unfinished'],
    ['metrics.a BETWEEN 1 AND 2', 'whole'],
    ['metrics.a BETWEEN 1 AND', 'unfinished'],
    ['metrics.a IS NOT NULL', 'whole'],
    ['metrics.a IS', 'unfinished'],
    ['metrics.a = NaN', 'whole'],
    ['metrics.a > -Infinity', 'whole'],
    ['start_time > now() - 7d', 'whole'],
    ['start_time > now() -', 'unfinished'],
    ["start_time < '2026-01-01' + 12h", 'whole'],
    ['number(params.lr) > 0.1', 'whole'],
    ['number(', 'unfinished'],
    ['number(params.lr', 'unfinished'],
    ["params.a ~ '^x' and params.b !~* 'y'", 'whole'],
    ['metrics.`val/loss`.min < 1', 'whole'],
    ['accuracy > 1', 'wrong'],
  ];
  for (const [text, shape] of shapes)
    it(`${text || 'nothing'} is ${shape}`, () => expect(shapeOf(text)).toBe(shape));
});

describe('filterOf', () => {
  it('looks for words in names', () => {
    expect(filterOf(' run_1 100% ')).toBe(
      "attributes.run_name ILIKE '%run\\_1%' AND attributes.run_name ILIKE '%100\\%%'",
    );
    expect(filterOf('deadbeef')).toBe(
      "(attributes.run_name ILIKE '%deadbeef%' OR attributes.run_id LIKE 'deadbeef%')",
    );
  });
  it('leaves everything else as it is', () => {
    expect(filterOf(' metrics.a > 1 ')).toBe('metrics.a > 1');
    expect(filterOf('accuracy > 1')).toBe('accuracy > 1');
    expect(filterOf('')).toBe('');
  });
});

describe('conditions', () => {
  const texts = (filter: string) => conditionsOf(filter).map((one) => one.text);
  it('splits at AND outside of parentheses, but not within BETWEEN', () => {
    expect(
      texts("metrics.a BETWEEN 1 AND 2 and (status = 'x' OR metrics.b > 1) AND tags.t = 'a AND b'"),
    ).toEqual(['metrics.a BETWEEN 1 AND 2', "(status = 'x' OR metrics.b > 1)", "tags.t = 'a AND b'"]);
    expect(texts('metrics.a > 1 OR metrics.b > 1')).toEqual(['metrics.a > 1 OR metrics.b > 1']);
    expect(texts('what is this')).toEqual(['what is this']);
    expect(texts('')).toEqual([]);
  });
  it('adds, and replaces what was chosen of the same field', () => {
    expect(withCondition('', "params.a = 'x'")).toBe("params.a = 'x'");
    expect(withCondition("params.a = 'x'", "params.a = 'y'")).toBe("params.a = 'y'");
    expect(withCondition('metrics.b > 1 AND metrics.a > 1', 'metrics.a BETWEEN 1 AND 2')).toBe(
      'metrics.b > 1 AND metrics.a BETWEEN 1 AND 2',
    );
    expect(withCondition("params.a != 'x'", "params.a != 'y'")).toBe("params.a != 'x' AND params.a != 'y'");
    expect(withCondition("params.a != 'x'", "params.a != 'x'")).toBe("params.a != 'x'");
    expect(withCondition('metrics.a > 1 OR metrics.b > 1', "params.a = 'x'")).toBe(
      "(metrics.a > 1 OR metrics.b > 1) AND params.a = 'x'",
    );
    expect(withCondition('thing', "params.a = 'x'")).toBe(
      "attributes.run_name ILIKE '%thing%' AND params.a = 'x'",
    );
  });
  it('takes away', () => {
    expect(
      withoutField("metrics.a > 1 AND params.a = 'x' AND metrics.a < 2", { entity: 'metric', key: 'a' }),
    ).toBe("params.a = 'x'");
    expect(withoutCondition("metrics.a > 1 AND params.a = 'x'", 0)).toBe("params.a = 'x'");
    expect(withoutCondition('metrics.a > 1', 0)).toBe('');
  });
  it('makes conditions from values', () => {
    const field = { entity: 'param', key: 'a b' } as const;
    expect(equalTo(field, "it's")).toBe('params.`a b` = "it\'s"');
    expect(equalTo(field, null)).toBe('params.`a b` IS NULL');
    expect(equalTo(field, 'x', true)).toBe("params.`a b` != 'x'");
    expect(equalTo(field, `'"`)).toBeUndefined();
  });
});

describe('placeIn', () => {
  const marked = (message: string, text: string) => {
    const place = placeIn(message, text);
    return place && text.slice(place.from, place.to);
  };
  it('finds the word at a character, counting characters and not their halves', () => {
    expect(marked('Expected a field at character 1', 'accuracy > 1')).toBe('accuracy');
    expect(marked('at character 20: what', "params.a = '😀' AND loss > 1")).toBe('loss');
    expect(marked('at character 99', 'short')).toBe('');
    expect(marked('no place', 'short')).toBeUndefined();
  });
});

describe('complete', () => {
  const known = {
    metric: ['loss', 'system/cpu', 'val/loss'],
    param: ['lr', 'optimizer'],
    tag: ['mlflow.user', 'team'],
  };
  const values: KnownValue[] = [
    { value: 'adam', count: 3 },
    { value: "o'brien", count: 1 },
    { value: 'sgd', count: 2 },
  ];
  const at = (text: string) => {
    const caret = text.indexOf('|');
    return complete(text.replace('|', ''), caret, known, () => values);
  };
  const labels = (text: string) => at(text).suggestions.map((one) => one.label);
  /** The text after the first completion, with the caret. */
  const taken = (text: string, index = 0) => {
    const plain = text.replace('|', '');
    const { from, to, suggestions } = at(text);
    return `${plain.slice(0, from)}${suggestions[index]?.insert}|${plain.slice(to)}`;
  };
  it('offers fields by what was typed, own ones first, and words as a name', () => {
    expect(labels('|').slice(0, 5)).toEqual([
      'metrics.loss',
      'metrics.`val/loss`',
      'metrics.`system/cpu`',
      'params.lr',
      'params.optimizer',
    ]);
    expect(labels('lo|')).toEqual(['metrics.loss', 'metrics.`val/loss`', 'tags.`mlflow.user`', 'lo']);
    expect(at('lo|').suggestions.at(-1)?.insert).toBe("attributes.run_name ILIKE '%lo%' ");
    expect(labels('metrics.val|')).toEqual(['metrics.`val/loss`']);
    expect(labels('metrics.`val/l|')).toEqual(['metrics.`val/loss`']);
    expect(labels('tags.|')).toEqual(['tags.team', 'tags.`mlflow.user`']);
    expect(labels('num|')).toContain('number(params.lr)');
  });
  it('replaces the word at the caret only', () => {
    expect(taken('lo| < 5')).toBe('metrics.loss | < 5');
    expect(taken("metrics.loss < 1 AND opt| = 'x'")).toBe("metrics.loss < 1 AND params.optimizer | = 'x'");
    expect(taken("params.optimizer = 'ad| AND metrics.loss < 1")).toBe(
      "params.optimizer = 'adam' | AND metrics.loss < 1",
    );
    expect(taken("params.optimizer = 's|x'")).toBe("params.optimizer = 'sgd' |");
  });
  it('offers operators by the type of the field', () => {
    expect(labels('metrics.loss |')).toContain('BETWEEN');
    expect(labels('metrics.loss |')).not.toContain('LIKE');
    expect(labels('params.lr |')).toContain('LIKE');
    expect(labels('params.lr |')).not.toContain('>=');
    expect(labels('number(params.lr) |')).toContain('>=');
    expect(labels('start_time |')[0]).toBe('>');
    expect(labels('params.lr NOT |')).toEqual(['IN', 'LIKE', 'ILIKE', 'BETWEEN']);
    expect(taken('params.lr i|')).toBe('params.lr ILIKE |');
    expect(labels('metrics.loss IS |')).toEqual(['NULL', 'NOT NULL']);
  });
  it('offers values, with quotes that fit', () => {
    expect(labels('params.optimizer = |')).toEqual(['adam', "o'brien", 'sgd']);
    expect(taken("params.optimizer = 'o|")).toBe('params.optimizer = "o\'brien" |');
    expect(taken('params.optimizer IN (|')).toBe("params.optimizer IN ('adam'|");
    expect(labels("params.optimizer IN ('adam' |")).toEqual([',', ')']);
    expect(at('params.optimizer = |').values).toEqual({ entity: 'param', key: 'optimizer' });
    expect(labels('start_time > |')).toContain('now() - 7d');
  });
  it('offers what connects, and nothing after a mistake', () => {
    expect(labels('metrics.loss < 1 |')).toEqual(['AND', 'OR']);
    expect(labels('(metrics.loss < 1 |')).toEqual(['AND', 'OR', ')']);
    expect(labels('nothing > 1 |')).toEqual([]);
    expect(labels('metrics.loss BETWEEN 1 |')).toEqual(['AND']);
  });
  it('offers every status, with the counts that are known', () => {
    const status = { entity: 'attribute', key: 'status' } as const;
    const offered = valuesToOffer(status, [{ value: 'FAILED', count: 4 }]);
    expect(offered.map(({ value }) => value)).toContain('RUNNING');
    expect(offered.find(({ value }) => value === 'FAILED')?.count).toBe(4);
    expect(valuesToOffer({ entity: 'param', key: 'a' }, undefined)).toEqual([]);
  });
  it('knows what may become a field', () => {
    expect(mayBeField('lo', known)).toBe(true);
    expect(mayBeField('metr', known)).toBe(true);
    expect(mayBeField('run-0042', known)).toBe(false);
  });
});

describe('columns for the server', () => {
  it('orders by every kind of column', () => {
    expect(orderOf({ column: 'metric:val/loss', descending: false })).toEqual(['metrics.`val/loss` ASC']);
    expect(orderOf({ column: 'param:lr', descending: true })).toEqual([
      'number(params.lr) DESC',
      'params.lr DESC',
    ]);
    expect(orderOf({ column: 'attribute:source', descending: false })).toEqual([
      'tags.`mlflow.source.name` ASC',
    ]);
    expect(orderOf({ column: 'attribute:name', descending: false })).toEqual(['attributes.run_name ASC']);
  });
  it('keeps the order in the address', () => {
    for (const text of ['-metric:a-b', 'param:x', 'attribute:user'])
      expect(writeSort(readSort(text))).toBe(text);
    for (const odd of [null, '', 'nothing', 'attribute:duration', '-foo:bar'])
      expect(writeSort(readSort(odd))).toBe('-attribute:start_time');
  });
  it('asks for what the columns show and the table needs', () =>
    expect(fieldsOfColumns(['attribute:status', 'metric:val/loss', 'param:lr', 'tag:team'])).toEqual([
      'metrics.`val/loss`',
      'params.lr',
      'tags.`mlflow.parentRunId`',
      'tags.`mlflow.runName`',
      'tags.`mlflow.source.git.commit`',
      'tags.`mlflow.source.name`',
      'tags.`mlflow.user`',
      'tags.team',
    ]));
  it('guesses which value is best', () => {
    expect(bestFirst('val/loss').descending).toBe(false);
    expect(bestFirst('WER').descending).toBe(false);
    expect(bestFirst('accuracy').descending).toBe(true);
    expect(bestFirst('answered').descending).toBe(true);
  });
});
