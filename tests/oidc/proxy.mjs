// A proxy that has authenticated the user, and those who only pretend to be one.
import assert from 'node:assert/strict';
import { getFrom, makeDatabase, startDaemon, stopDaemon, until, whole } from './daemon.mjs';

/** The trusted one; every other address of this machine is somebody else. */
const PROXY = '127.0.0.2';

export async function proxyTests(test) {
  const database = makeDatabase();
  const daemon = await startDaemon(database, [
    `--trusted-proxies=${PROXY}`,
    '--proxy-user-header=X-Forwarded-User',
    '--proxy-groups-header=X-Forwarded-Groups',
    '--oidc-admin-group=admins',
  ]);
  const from = async (address, headers) => {
    const experiment = await getFrom(
      address,
      `${daemon.url}/api/2.0/mlflow/experiments/get?experiment_id=0`,
      headers,
    );
    if (experiment.status === 401) return { status: 401, ...experiment.json() };
    const session = await getFrom(address, `${daemon.url}/api/tally/v1/session`, headers);
    return { status: session.status, ...whole(session.json()) };
  };
  const user = async (headers) => (await from(PROXY, headers)).user;

  await test('a trusted proxy names users and groups', async () => {
    const who = await user({ 'X-Forwarded-User': 'anna', 'X-Forwarded-Groups': 'ml, ops,,ml' });
    assert.deepEqual(who, {
      username: 'anna',
      is_admin: false,
      is_service: false,
      method: 'proxy',
      login: 'proxy',
      groups: ['ml', 'ops'],
    });
    assert.equal(
      database.sql("SELECT count(*) FROM account WHERE issuer = 'proxy' AND subject = 'anna'"),
      '1',
    );
    assert.equal(
      database.sql("SELECT method FROM audit WHERE action = 'user.create' AND object = 'user:anna'"),
      '5',
    );
    // Not said, and none.
    assert.deepEqual((await user({ 'X-Forwarded-User': 'anna' })).groups, ['ml', 'ops']);
    assert.deepEqual((await user({ 'X-Forwarded-User': 'anna', 'X-Forwarded-Groups': '' })).groups, []);
    assert.equal(database.sql("SELECT count(*) FROM account WHERE subject = 'anna'"), '1');
  });

  await test('its groups make administrators', async () => {
    assert.equal((await user({ 'X-Forwarded-User': 'boss', 'X-Forwarded-Groups': 'admins' })).is_admin, true);
    assert.equal((await user({ 'X-Forwarded-User': 'boss', 'X-Forwarded-Groups': 'ml' })).is_admin, false);
  });

  await test('a name that is taken by an account of this server', async () => {
    const who = await user({ 'X-Forwarded-User': 'admin' });
    assert.match(who.username, /^admin-[0-9a-f]{6}$/);
    assert.equal(who.is_admin, false);
  });

  await test('nobody else is believed', async () => {
    const headers = { 'X-Forwarded-User': 'boss', 'X-Forwarded-Groups': 'admins' };
    for (const address of ['127.0.0.1', '127.0.0.3'])
      assert.equal((await from(address, headers)).status, 401, address);
    // Also not with what a proxy would add.
    for (const more of [{ 'X-Forwarded-For': PROXY }, { Forwarded: `for=${PROXY}` }, { 'X-Real-IP': PROXY }])
      assert.equal((await from('127.0.0.1', { ...headers, ...more })).status, 401);
    assert.equal(database.sql("SELECT count(*) FROM account WHERE username = 'boss' AND is_admin"), '0');
  });

  await test('names that cannot be one', async () => {
    assert.equal((await from(PROXY, {})).status, 401);
    for (const name of ['', 'x'.repeat(1021)])
      assert.equal((await from(PROXY, { 'X-Forwarded-User': name })).status, 401, name);
    assert.equal((await from(PROXY, { 'X-Forwarded-User': ['anna', 'boss'] })).status, 401);
  });

  await test('a disabled user of a proxy', async () => {
    await user({ 'X-Forwarded-User': 'off' });
    database.sql(
      "BEGIN; UPDATE account SET disabled_at_ms = 1 WHERE username = 'off'; UPDATE access_version SET version = version + 1; COMMIT",
    );
    const ask = () => from(PROXY, { 'X-Forwarded-User': 'off', 'X-Forwarded-Groups': 'admins' });
    await until('the daemon knows', async () => (await ask()).status === 401);
    assert.match((await ask()).message, /disabled/);
  });

  await stopDaemon(daemon);

  await test('without the setting no header names anybody', async () => {
    const plain = await startDaemon(database, ['--trusted-proxies=127.0.0.0/8']);
    const answer = await getFrom(PROXY, `${plain.url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
      'X-Forwarded-User': 'boss',
    });
    assert.equal(answer.status, 401);
    await stopDaemon(plain);
  });
}
