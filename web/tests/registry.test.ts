// The model registry: what is said about models, gates, versions and their history.
import { describe, expect, it } from 'vitest';
import { asOfState } from '../src/lib/as-of';
import { clientUri, folderOf, versionOf } from '../src/lib/artifact';
import { objectHref } from '../src/lib/access-object';
import {
  fitsPattern,
  formOf,
  patternFilter,
  ruleWords,
  rulesOf,
  type GateRules,
} from '../src/lib/gate-rules';
import {
  ledgerActions,
  ledgerKind,
  ledgerSentence,
  mergeEntries,
  momentAt,
  momentsOf,
  previousHolder,
  type LedgerEntry,
} from '../src/lib/ledger';
import {
  aliasTrouble,
  checksWords,
  modelFilterOf,
  newestVersion,
  refusalOf,
  sortedChecks,
  stagesInUse,
  targetLabel,
  type Check,
} from '../src/lib/registry';
import { registeredHref, versionHref, versionsCompareHref } from '../src/lib/run';
import { changeOf, diffFiles, diffPairs } from '../src/lib/version-diff';
import { readHash } from '../src/router';

describe('addresses of the registry', () => {
  it('reads what clients print, and names of any characters', () => {
    expect(readHash('#/models').route).toEqual({ page: 'registry' });
    expect(readHash('#/models/churn').route).toEqual({ page: 'registered', name: 'churn', tab: '' });
    expect(readHash('#/models/churn/history?at=5').route).toEqual({
      page: 'registered',
      name: 'churn',
      tab: 'history',
    });
    const name = 'a b%#?ü';
    expect(readHash(registeredHref(name, 'gates')).route).toEqual({ page: 'registered', name, tab: 'gates' });
    expect(readHash(versionHref(name, 3)).route).toEqual({
      page: 'version',
      name,
      version: '3',
      tab: '',
      path: '',
    });
    expect(readHash(versionHref(name, '3', 'files', 'a dir/MLmodel')).route).toEqual({
      page: 'version',
      name,
      version: '3',
      tab: 'files',
      path: 'a dir/MLmodel',
    });
  });
  it('names two versions', () => {
    const { route, query } = readHash(versionsCompareHref('m', 3, '5'));
    expect(route).toEqual({ page: 'registered', name: 'm', tab: 'compare' });
    expect(query.get('versions')).toBe('3,5');
  });
  it('leads from a grant to the model', () => {
    expect(objectHref('registered-model:my model')).toBe('#/models/my%20model');
  });
});

describe('filters of models', () => {
  it('looks for words in names, and sends the language as it is', () => {
    expect(modelFilterOf('')).toBe('');
    expect(modelFilterOf('churn eu')).toBe("name ILIKE '%churn%' AND name ILIKE '%eu%'");
    expect(modelFilterOf('50%_')).toBe("name ILIKE '%50\\%\\_%'");
    expect(modelFilterOf(" tags.team = 'risk' ")).toBe("tags.team = 'risk'");
    expect(modelFilterOf("name LIKE 'x%'")).toBe("name LIKE 'x%'");
  });
});

describe('a registered model', () => {
  const version = (number: string, stage: string) => ({ name: 'm', version: number, current_stage: stage });
  it('has a newest version by number, not by text', () => {
    const model = { name: 'm', latest_versions: [version('9', 'None'), version('10', 'Production')] };
    expect(newestVersion(model)?.version).toBe('10');
    expect(newestVersion({ name: 'm' })).toBeUndefined();
    expect(stagesInUse(model)).toEqual(['Production']);
  });
  it('has aliases by rules', () => {
    expect(aliasTrouble('production')).toBeUndefined();
    expect(aliasTrouble('blue-green_2')).toBeUndefined();
    expect(aliasTrouble('')).toBeUndefined();
    for (const wrong of ['a b', 'a.b', '@a', 'latest', 'LATEST', 'v1', 'V22'])
      expect(aliasTrouble(wrong)).toBeTruthy();
  });
  it('calls what a gate stands before', () => {
    expect(targetLabel({ alias: 'production' })).toBe('@production');
    expect(targetLabel({ stage: 'Staging' })).toBe('stage Staging');
  });
});

describe('checks', () => {
  const check = (name: string, status: Check['status']): Check => ({
    check_id: name,
    name,
    status,
    created_at: 1,
  });
  it('are counted, what failed first', () => {
    const checks = [
      check('b', 'success'),
      check('a', 'success'),
      check('z', 'failure'),
      check('p', 'pending'),
    ];
    expect(checksWords(checks)).toBe('4 checks: 1 failed, 1 pending, 2 passed');
    expect(checksWords([check('a', 'success')])).toBe('1 check: 1 passed');
    expect(checksWords([])).toBe('No checks');
    expect(sortedChecks(checks).map((one) => one.name)).toEqual(['z', 'p', 'a', 'b']);
  });
});

describe('a refusal', () => {
  it('tells what is missing and who has it', () => {
    const refusal = refusalOf('No.', {
      missing: [{ rule: 'check', gate_id: 1, text: 'check tests has not passed' }, { rule: 'odd' }],
      current: [{ alias: 'production', version: 4 }],
    });
    expect(refusal.missing.map((one) => one.text)).toEqual(['check tests has not passed']);
    expect(refusal.current).toEqual([{ alias: 'production', version: 4 }]);
  });
  it('may be only a sentence', () => {
    expect(refusalOf('No.', undefined)).toEqual({ message: 'No.', missing: [], current: [] });
    expect(refusalOf('No.', { missing: 'x', current: 7 })).toEqual({
      message: 'No.',
      missing: [],
      current: [],
    });
  });
});

describe('rules of a gate', () => {
  const rules: GateRules = {
    checks: ['tests', { name: 'bias', by: { users: ['ci'], groups: ['fairness'] } }],
    metrics: [
      { key: 'accuracy', at_least: 0.9, dataset_name: 'holdout' },
      { key: 'loss', at_most: 0 },
      { key: 'auc', no_worse_than: 'production', epsilon: 0.01, higher_is_better: true },
      { key: 'mae', no_worse_than: 'production', higher_is_better: false },
    ],
    tags: [{ key: 'reviewed' }, { key: 'tier', value: 'gold' }],
    approvals: { count: 2, groups: ['leads'] },
    soak: { alias: 'staging', min_s: 86_400 },
    freeze: [
      { days: ['fri', 'sat'], from: '16:00', to: '24:00' },
      { from: '2026-12-20T00:00:00Z', to: '2027-01-02T00:00:00Z' },
    ],
    movers: { users: ['release-bot'] },
  };
  it('are said in words', () => {
    expect(ruleWords(rules)).toEqual([
      'check tests passed',
      'check bias passed, posted by ci, group fairness',
      'metric accuracy on holdout at least 0.9',
      'metric loss at most 0',
      'metric auc not worse than @production by more than 0.01 (higher is better)',
      'metric mae not worse than @production (lower is better)',
      'tag reviewed is there',
      'tag tier is “gold”',
      '2 approvals by group leads',
      '@staging for at least 1 day',
      'not on fri, sat from 16:00 to 24:00 UTC',
      'not from 2026-12-20T00:00:00Z to 2027-01-02T00:00:00Z',
      'moved only by release-bot',
    ]);
    expect(ruleWords({})).toEqual(['protected: moving it needs the right to promote']);
    expect(ruleWords({ soak: { alias: 'a', min_s: 5400 } })).toEqual(['@a for at least 90 minutes']);
  });
  it('go through the form unchanged', () => {
    expect(rulesOf(formOf(rules))).toEqual(rules);
    expect(rulesOf(formOf({}))).toEqual({});
  });
  it('leave out rows without a name, and refuse what is no number', () => {
    const form = formOf({});
    form.checks.push({ name: ' ', users: 'x', groups: '' });
    form.approvals.count = '0';
    expect(rulesOf(form)).toEqual({});
    form.metrics.push({
      key: 'acc',
      kind: 'at_least',
      value: 'much',
      epsilon: '',
      better: 'higher',
      dataset_name: '',
      dataset_digest: '',
    });
    expect(() => rulesOf(form)).toThrow('Metric acc: “much” is not a number.');
    form.metrics = [];
    form.approvals.count = 'two';
    expect(() => rulesOf(form)).toThrow('Approvals');
  });
});

describe('the ledger', () => {
  const entry = (more: Partial<LedgerEntry>): LedgerEntry => ({
    entry: 1,
    at: 1000,
    action: 'alias.set',
    ...more,
  });
  const move = (at: number, from: number, to: number, action = 'alias.promote', alias = 'production') =>
    entry({
      at,
      action,
      alias,
      ...(from ? { before: { version: from } } : {}),
      ...(to ? { after: { version: to } } : {}),
    });
  it('is told in sentences', () => {
    expect(ledgerSentence(move(1, 3, 4))).toBe('promoted @production from version 3 to 4');
    expect(ledgerSentence(move(1, 0, 4))).toBe('promoted @production to version 4');
    expect(ledgerSentence(move(1, 0, 4, 'alias.set'))).toBe('put @production on version 4');
    expect(ledgerSentence(move(1, 4, 0, 'alias.delete'))).toBe('took @production from version 4');
    expect(ledgerSentence(move(1, 4, 3, 'alias.rollback'))).toBe(
      'rolled back @production from version 4 to 3',
    );
    expect(
      ledgerSentence(
        entry({
          action: 'version.stage',
          version: 2,
          before: { stage: 'None' },
          after: { stage: 'Staging' },
        }),
      ),
    ).toBe('moved version 2 from stage None to Staging');
    expect(
      ledgerSentence(entry({ action: 'version.tag', version: 2, before: { key: 'a', value: 'x' } })),
    ).toBe('deleted tag a of version 2');
    expect(ledgerSentence(entry({ action: 'model.tag', after: { key: 'a', value: 'x' } }))).toBe(
      'set tag a to “x”',
    );
    expect(ledgerSentence(entry({ action: 'gate.set', after: { alias: 'production', rules: {} } }))).toBe(
      'set the gate before @production',
    );
    expect(ledgerSentence(entry({ action: 'of.tomorrow' }))).toBe('of.tomorrow');
  });
  it('says something for every action it may hold', () => {
    for (const action of ledgerActions) expect(ledgerSentence(entry({ action }))).not.toBe(action);
  });
  it('marks what was forced, whatever it was', () => {
    expect(ledgerKind(move(1, 3, 4))).toBe('move');
    expect(ledgerKind({ ...move(1, 3, 4), forced: true })).toBe('bad');
    expect(ledgerKind(entry({ action: 'check.post', after: { status: 'success' } }))).toBe('good');
    expect(ledgerKind(entry({ action: 'check.post', after: { status: 'failure' } }))).toBe('bad');
    expect(ledgerKind(entry({ action: 'gate.delete' }))).toBe('gate');
  });
  it('knows who had an alias before, the newest entry first', () => {
    const entries = [move(30, 3, 4), move(25, 9, 8, 'alias.set', 'staging'), move(20, 2, 3), move(10, 0, 2)];
    expect(previousHolder(entries, 'production', 4)).toEqual({ version: 3, until: 30 });
    expect(previousHolder(entries, 'production', 2)).toBeUndefined();
    expect(previousHolder(entries, 'production', 7)).toBeUndefined();
    expect(previousHolder([], 'production', 4)).toBeUndefined();
  });
  it('finds the way back as the server does', () => {
    const back = move(40, 4, 3, 'alias.rollback');
    const entries = [back, move(30, 3, 4), move(20, 2, 3), move(10, 1, 2), move(5, 0, 1)];
    expect(previousHolder(entries, 'production', 3)).toEqual({ version: 2, until: 20 });
    expect(previousHolder(entries, 'production', 3, (version) => version === 2)).toEqual({
      version: 1,
      until: 10,
    });
    expect(previousHolder(entries, 'production', 3, () => true)).toBeUndefined();
    const without = [move(50, 4, 0, 'alias.delete'), move(30, 3, 4)];
    expect(previousHolder(without, 'production', 0)).toEqual({ version: 4, until: 50 });
    const again = [move(60, 0, 4), ...without];
    expect(previousHolder(again, 'production', 4)).toEqual({ version: 3, until: 30 });
  });
  it('is merged with what gates say as far as it is loaded', () => {
    const list = [entry({ entry: 9 }), entry({ entry: 5 })];
    const gates = [entry({ entry: 7 }), entry({ entry: 2 })];
    expect(mergeEntries(list, gates, true).map((one) => one.entry)).toEqual([9, 7, 5]);
    expect(mergeEntries(list, gates, false).map((one) => one.entry)).toEqual([9, 7, 5, 2]);
    expect(mergeEntries([], gates, false).map((one) => one.entry)).toEqual([7, 2]);
  });
  it('has moments for a slider', () => {
    const moments = momentsOf([{ at: 30 }, { at: 10 }, { at: 30 }, { at: 20 }]);
    expect(moments).toEqual([10, 20, 30]);
    expect(momentAt(moments, 9)).toBe(-1);
    expect(momentAt(moments, 10)).toBe(0);
    expect(momentAt(moments, 29)).toBe(1);
    expect(momentAt(moments, 99)).toBe(2);
  });
});

describe('a model as of a time', () => {
  it('has its aliases beside its versions', () => {
    const state = asOfState({
      registered_model: {
        aliases: [
          { alias: 'b', version: '2' },
          { alias: 'a', version: 2 },
        ],
      },
      versions: [
        { version: 1, stage: 'Archived' },
        { version: '2', current_stage: 'Production' },
      ],
    });
    expect(state.aliases).toEqual([
      { alias: 'a', version: 2 },
      { alias: 'b', version: 2 },
    ]);
    expect(state.versions).toEqual([
      { version: 2, stage: 'Production', aliases: ['a', 'b'] },
      { version: 1, stage: 'Archived', aliases: [] },
    ]);
    expect(asOfState({ registered_model: { aliases: { a: 1 } } }).aliases).toEqual([
      { alias: 'a', version: 1 },
    ]);
    expect(asOfState({})).toEqual({ aliases: [], versions: [] });
  });
});

describe('two versions', () => {
  it('differ by keys and values', () => {
    const lines = diffPairs(
      [
        { key: 'lr', value: '0.1' },
        { key: 'x2', value: 1 },
        { key: 'gone', value: 'a' },
        { key: 'n', value: 'NaN' },
      ],
      [
        { key: 'x2', value: 1.5 },
        { key: 'lr', value: '0.1' },
        { key: 'x10', value: 2 },
        { key: 'n', value: 'NaN' },
      ],
    );
    expect(lines.map((line) => [line.key, line.differs])).toEqual([
      ['gone', true],
      ['lr', false],
      ['n', false],
      ['x2', true],
      ['x10', true],
    ]);
    expect(changeOf(lines[3]!)).toBe(0.5);
    expect(changeOf(lines[4]!)).toBeUndefined();
  });
  it('have files that are the same by digest, not by size', () => {
    const file = (path: string, sha256: string) => ({ path, sha256, size: 1 });
    const lines = diffFiles(
      [file('a', '1'), file('b', '2'), file('old', '3'), file('gone', '4')],
      [file('a', '1'), file('b', '9'), file('new', '3'), file('other', '5')],
    );
    expect(lines.map(({ path, change, movedFrom }) => [path, change, movedFrom])).toEqual([
      ['a', 'same', undefined],
      ['b', 'changed', undefined],
      ['gone', 'removed', undefined],
      ['new', 'added', 'old'],
      ['old', 'removed', undefined],
      ['other', 'added', undefined],
    ]);
  });
});

describe('files of a version', () => {
  it('are named by its name and number', () => {
    const source = { kind: 'version', id: 'my model/12' } as const;
    expect(versionOf(source)).toEqual({ name: 'my model', version: '12' });
    expect(clientUri(source, 'a/b')).toBe('models:/my model/12/a/b');
    expect(clientUri({ kind: 'run', id: 'r' }, '')).toBe('runs:/r');
  });
  it('are a tree of what the manifest lists', () => {
    const files = ['MLmodel', 'data/x', 'data/deep/y', 'data2/z'].map((path) => ({ path, file_size: 1 }));
    expect(folderOf(files, '').map((one) => [one.path, one.is_dir ?? false])).toEqual([
      ['MLmodel', false],
      ['data', true],
      ['data2', true],
    ]);
    expect(folderOf(files, 'data').map((one) => one.path)).toEqual(['data/x', 'data/deep']);
    expect(folderOf(files, 'nothing')).toEqual([]);
  });
});

describe('patterns of names', () => {
  it.each([
    ['fraud', 'fraud', true],
    ['fraud', 'fraud-2', false],
    ['fraud*', 'fraud', true],
    ['*', '', true],
    ['*-prod', 'a-prod-b-prod', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'ac', false],
    ['ab*ba', 'aba', false],
    ['a**a', 'aa', true],
    ['a.c', 'abc', false],
    ['a*b*b', 'ab', false],
  ])('%s about %s: %s', (pattern, name, fits) => {
    expect(fitsPattern(pattern, name)).toBe(fits);
  });
  it.each([
    ['fraud', "name = 'fraud'"],
    ['50%_*', "name LIKE '50\\%\\_%'"],
    ["o'brien*", 'name LIKE "o\'brien%"'],
    [`'"*`, `name LIKE "'_%"`],
  ])('the models of %s are found by %s', (pattern, filter) => {
    expect(patternFilter(pattern)).toBe(filter);
  });
});
