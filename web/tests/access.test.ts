// What one may do, and the words and numbers of the pages about it.
import { describe, expect, it } from 'vitest';
import { objectHref, objectName, readObject } from '../src/lib/access-object';
import { actionLabel, changesOf } from '../src/lib/audit';
import { dayStartMs, expirySeconds, isoDay } from '../src/lib/expiry';
import { parseBytes, parseWhole, readQuota } from '../src/lib/quota';
import { atLeast, everything, levelLabel, mayDo, mayOf, nothing } from '../src/lib/rights';
import { movedWorkspace, readWorkspace, workspaceHref } from '../src/lib/workspace';
import { loginHref, nextHash, readHash } from '../src/router';

describe('rights', () => {
  it('has an order of permissions', () => {
    expect(atLeast('EDIT', 'READ')).toBe(true);
    expect(atLeast('READ', 'EDIT')).toBe(false);
    expect(atLeast('NO_PERMISSIONS', 'NO_PERMISSIONS')).toBe(true);
  });
  it('gives protected actions with MANAGE, all but force, else with EDIT and a grant', () => {
    expect(mayDo({ permission: 'MANAGE' }, 'delete')).toBe(true);
    expect(mayDo({ permission: 'MANAGE' }, 'force')).toBe(false);
    expect(mayDo({ permission: 'MANAGE', actions: ['force'] }, 'force')).toBe(true);
    expect(mayDo({ permission: 'EDIT' }, 'delete')).toBe(false);
    expect(mayDo({ permission: 'EDIT', actions: ['delete'] }, 'delete')).toBe(true);
    expect(mayDo({ permission: 'READ', actions: ['delete'] }, 'delete')).toBe(false);
  });
  it('says which controls there are', () => {
    expect(mayOf(undefined)).toEqual(nothing);
    expect(mayOf({ permission: 'NO_PERMISSIONS' })).toEqual(nothing);
    expect(mayOf({ permission: 'READ' })).toEqual({ ...nothing, read: true });
    expect(mayOf({ permission: 'USE' })).toEqual({ ...nothing, read: true, use: true });
    const edit = { ...nothing, read: true, use: true, edit: true };
    expect(mayOf({ permission: 'EDIT' })).toEqual(edit);
    expect(mayOf({ permission: 'EDIT', actions: ['delete'] })).toEqual({ ...edit, remove: true });
    expect(mayOf({ permission: 'EDIT', actions: ['promote'] })).toEqual({ ...edit, promote: true });
    const manage = { ...edit, remove: true, share: true, promote: true };
    expect(mayOf({ permission: 'MANAGE' })).toEqual({ ...manage, force: false });
    expect(mayOf(everything)).toEqual({ ...manage, force: true });
  });
  it('calls no permission by its meaning', () => {
    expect(levelLabel('NO_PERMISSIONS')).toBe('No access');
    expect(levelLabel('READ')).toBe('READ');
  });
});

describe('objects', () => {
  it('are named as the API names them, and back', () => {
    for (const object of [{ experiment_id: '12' }, { registered_model: 'a:b/c' }, { workspace: 'team' }])
      expect(readObject(objectName(object))).toEqual(object);
    expect(objectName({ experiment_id: '12' })).toBe('experiment:12');
    expect(readObject('user:anna')).toBeUndefined();
    expect(readObject('nothing')).toBeUndefined();
  });
  it('have a page, some of them', () => {
    expect(objectHref('experiment:12')).toBe('#/experiments/12');
    expect(objectHref('user:a b')).toBe('#/access/users/a%20b');
    expect(objectHref('group:ml')).toBe('#/access/groups/ml');
    expect(objectHref('token:3')).toBeUndefined();
    expect(objectHref('')).toBeUndefined();
  });
});

describe('expiry', () => {
  const now = new Date(2026, 2, 1, 12, 0, 0).getTime();
  it('counts presets in days', () => {
    expect(expirySeconds('7', '', now)).toBe(7 * 86_400);
    expect(expirySeconds('never', '2026-01-01', now)).toBeUndefined();
  });
  it('lets a day count to its end', () => {
    expect(expirySeconds('date', '2026-03-01', now)).toBe(12 * 3600);
    expect(expirySeconds('date', '2026-03-02', now)).toBe(36 * 3600);
  });
  it('refuses what is over or no day', () => {
    expect(expirySeconds('date', '2026-02-28', now)).toBeNaN();
    expect(expirySeconds('date', '', now)).toBeNaN();
    expect(expirySeconds('date', 'tomorrow', now)).toBeNaN();
  });
  it('reads days where the person is', () => {
    expect(isoDay(now)).toBe('2026-03-01');
    expect(dayStartMs('2026-03-01')).toBe(new Date(2026, 2, 1).getTime());
    expect(dayStartMs('2026-12-31', 1)).toBe(new Date(2027, 0, 1).getTime());
    expect(dayStartMs('soon')).toBeUndefined();
  });
});

describe('quotas', () => {
  it('reads amounts of bytes', () => {
    expect(parseBytes('1000')).toBe(1000);
    expect(parseBytes(' 20 GiB ')).toBe(20 * 1024 ** 3);
    expect(parseBytes('1.5k')).toBe(1536);
    expect(parseBytes('500MB')).toBe(500_000_000);
    expect(parseBytes('0')).toBe(0);
    for (const wrong of ['', 'many', '-1', '5 XB', '1e3', '9999999999 TB', 'constructor', '5 constructor'])
      expect(parseBytes(wrong)).toBeNaN();
  });
  it('takes an empty field for the server’s own', () => {
    expect(readQuota('  ', parseBytes)).toBeNull();
    expect(readQuota('12', parseWhole)).toBe(12);
    expect(readQuota('1.5', parseWhole)).toBeNaN();
  });
});

describe('the audit trail', () => {
  it('has words for what it knows, and shows the rest as it is', () => {
    expect(actionLabel('grant.set')).toBe('set a grant');
    expect(actionLabel('POST /api/2.0/mlflow/runs/delete')).toBe('POST /api/2.0/mlflow/runs/delete');
  });
  it('tells what changed, and nothing that did not', () => {
    expect(
      changesOf({
        before: { permission: 'READ', actions: [], same: 1 },
        after: { permission: 'EDIT', actions: ['delete'], same: 1, fresh: true },
      }),
    ).toEqual([
      { key: 'permission', before: 'READ', after: 'EDIT' },
      { key: 'actions', after: 'delete' },
      { key: 'fresh', after: 'true' },
    ]);
  });
  it('tells why something was refused', () => {
    expect(changesOf({ why: 'This needs EDIT.' })).toEqual([{ key: 'why', after: 'This needs EDIT.' }]);
    expect(changesOf({})).toEqual([]);
    expect(changesOf(undefined)).toEqual([]);
    expect(changesOf({ before: { a: 1 }, after: null })).toEqual([{ key: 'a', before: '1' }]);
  });
});

describe('workspaces', () => {
  it('are read from the query before the hash', () => {
    expect(readWorkspace('?workspace=team')).toBe('team');
    expect(readWorkspace('?workspace=default')).toBeUndefined();
    expect(readWorkspace('')).toBeUndefined();
  });
  it('are put there, and taken away', () => {
    expect(workspaceHref('team', '#/')).toBe('?workspace=team#/');
    expect(workspaceHref('default', '#/x')).toBe('./#/x');
  });
  it('are taken from the links that clients print', () => {
    expect(movedWorkspace('', '#/experiments/1?workspace=team')).toBe('?workspace=team#/experiments/1');
    expect(movedWorkspace('?workspace=team', '#/experiments/1?workspace=team&sort=x')).toBeUndefined();
    expect(movedWorkspace('?workspace=team', '#/experiments/1?sort=x&workspace=default')).toBe(
      './#/experiments/1?sort=x',
    );
    expect(movedWorkspace('?workspace=team', '#/experiments/1')).toBeUndefined();
  });
});

describe('addresses of accounts', () => {
  it('are read', () => {
    expect(readHash('#/login?next=%2Fx').route).toEqual({ page: 'login' });
    expect(readHash('#/profile').route).toEqual({ page: 'profile' });
    expect(readHash('#/access/users').route).toEqual({ page: 'users' });
    expect(readHash('#/access/users/a%2Fb').route).toEqual({ page: 'user', username: 'a/b' });
    expect(readHash('#/access/groups/ml').route).toEqual({ page: 'group', group: 'ml' });
    expect(readHash('#/access/audit?actor=anna').query.get('actor')).toBe('anna');
    expect(readHash('#/access/nothing').route).toEqual({ page: 'unknown' });
  });
  it('lead from the login to where one was, and never elsewhere', () => {
    const next = (href: string) => nextHash(readHash(href).query);
    expect(next(loginHref('#/experiments/1?filter=a%20%3D%20%27b%27'))).toBe(
      '#/experiments/1?filter=a%20%3D%20%27b%27',
    );
    expect(loginHref('#/')).toBe('#/login');
    expect(loginHref('')).toBe('#/login');
    expect(loginHref('#/login?error=x')).toBe('#/login');
    expect(next('#/login?next=https%3A%2F%2Felsewhere.example')).toBe('#/');
    expect(next('#/login?next=%2Flogin')).toBe('#/');
    expect(next('#/login')).toBe('#/');
  });
});
