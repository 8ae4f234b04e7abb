// People: the code flow in a browser, accounts, groups, and what others try to do with logins.
import assert from 'node:assert/strict';
import {
  Browser,
  CLIENT_SECRET,
  get,
  makeDatabase,
  startDaemon,
  stopDaemon,
  until,
  whole,
} from './daemon.mjs';
import { TestProvider } from './provider.mjs';

const CALLBACK = '/api/tally/v1/login/oidc/callback';

/** The text that the login page is to show. */
const trouble = (answer) => {
  const where = answer.headers.get('location');
  assert.equal(answer.status, 302);
  assert.match(where, /^\/#\/login\?error=./);
  return decodeURIComponent(where.slice('/#/login?error='.length));
};

export async function loginTests(test) {
  const provider = new TestProvider();
  await provider.start();
  const database = makeDatabase();
  const settings = [
    `--oidc-issuer=${provider.issuer}`,
    '--oidc-client-id=tally',
    '--oidc-scope=openid profile email groups',
    '--oidc-admin-group=admins',
  ];
  const daemon = await startDaemon(database, settings);
  // A second one that the first one's public address leads to: a login may come back to another daemon.
  const other = await startDaemon(database, [...settings, `--public-url=${daemon.url}/`]);
  const open = await startDaemon(
    makeDatabase(),
    [
      `--oidc-issuer=${provider.issuer}`,
      '--oidc-client-id=open',
      '--oidc-groups-claim=',
      '--static-prefix=/mlflow',
      '--oidc-username-claim=email',
      '--oidc-scope=openid email',
    ],
    { TALLY_OIDC_CLIENT_SECRET: '' },
  );
  provider.clients = [
    { client_id: 'tally', client_secret: CLIENT_SECRET, redirect_uris: [daemon.url + CALLBACK] },
    {
      client_id: 'open',
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      redirect_uris: [`${open.url}/mlflow${CALLBACK}`],
    },
  ];
  provider.configure();

  provider.people.set('s-anna', { preferred_username: 'anna', groups: ['ml', 'ops'] });
  const user = async (browser) => (await browser.session(daemon)).user;
  const accounts = (where = 'true') => Number(database.sql(`SELECT count(*) FROM account WHERE ${where}`));

  await test('a login makes an account with its groups', async () => {
    const browser = new Browser();
    const answer = await browser.logIn(daemon, 's-anna', '/#/runs/1?x=y');
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get('location'), '/#/runs/1?x=y');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const session = await browser.session(daemon);
    assert.deepEqual(session.user, {
      username: 'anna',
      is_admin: false,
      is_service: false,
      method: 'session',
      login: 'oidc',
      groups: ['ml', 'ops'],
    });
    assert.equal(session.login.oidc.issuer, provider.issuer);
    assert.equal(typeof session.csrf_token, 'string');
    assert.equal(
      accounts(`issuer = '${provider.issuer}' AND subject = 's-anna' AND last_login_at_ms > 0`),
      1,
    );
    assert.equal(
      database.sql(
        "SELECT string_agg(action || ' ' || object, ', ' ORDER BY audit_id) FROM audit WHERE actor = 'anna'",
      ),
      'user.create user:anna, group.create group:ml, group.create group:ops, group.add group:ml, group.add group:ops, ' +
        'login user:anna',
    );
  });

  await test('a second login finds it, and groups follow', async () => {
    provider.people.set('s-anna', { preferred_username: 'renamed', groups: ['ops', 'new'] });
    const before = database.sql("SELECT account_id FROM account WHERE username = 'anna'");
    const version = Number(database.sql('SELECT version FROM access_version'));
    const browser = new Browser();
    await browser.logIn(daemon, 's-anna');
    const who = await user(browser);
    assert.equal(who.username, 'anna');
    assert.deepEqual(who.groups, ['new', 'ops']);
    assert.equal(database.sql("SELECT account_id FROM account WHERE subject = 's-anna'"), before);
    assert.equal(Number(database.sql('SELECT version FROM access_version')), version + 1);
    // Nothing new: nothing is written but the login.
    const entries = Number(database.sql("SELECT count(*) FROM audit WHERE action <> 'login' AND NOT refused"));
    await new Browser().logIn(daemon, 's-anna');
    assert.equal(Number(database.sql("SELECT count(*) FROM audit WHERE action <> 'login' AND NOT refused")), entries);
    assert.equal(Number(database.sql('SELECT version FROM access_version')), version + 1);
    // The provider says none: the groups that an administrator chose stay.
    database.sql(
      "UPDATE account_group_member SET source = 0 WHERE group_id = (SELECT group_id FROM account_group WHERE name = 'ops')",
    );
    provider.people.set('s-anna', { preferred_username: 'anna' });
    await browser.logIn(daemon, 's-anna');
    assert.deepEqual((await user(browser)).groups, ['ops']);
  });

  await test('what a session may follows the groups at once', async () => {
    const experiment = () =>
      get(`${daemon.url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
        headers: { Cookie: browser.cookies(daemon.url) },
      });
    provider.people.set('s-read', { preferred_username: 'reader', groups: ['readers'] });
    const browser = new Browser();
    await browser.logIn(daemon, 's-read');
    assert.equal((await experiment()).status, 404);
    database.sql(
      'BEGIN; INSERT INTO access_grant (workspace_id, experiment_id, group_id, level) SELECT 1, 0, group_id, 1 ' +
        "FROM account_group WHERE name = 'readers'; UPDATE access_version SET version = version + 1; COMMIT",
    );
    await until('the daemon knows', async () => (await experiment()).status === 200);
    provider.people.set('s-read', { preferred_username: 'reader', groups: [] });
    await new Browser().logIn(daemon, 's-read');
    assert.equal((await experiment()).status, 404);
  });

  await test('the group of administrators makes and unmakes them', async () => {
    provider.people.set('s-root', { preferred_username: 'boss', groups: ['admins'] });
    const browser = new Browser();
    await browser.logIn(daemon, 's-root');
    assert.equal((await user(browser)).is_admin, true);
    provider.people.set('s-root', { preferred_username: 'boss', groups: ['ADMINS', 'admins '.concat('x')] });
    await browser.logIn(daemon, 's-root');
    assert.equal((await user(browser)).is_admin, false);
    assert.equal(
      database.sql("SELECT count(*) FROM audit WHERE action = 'user.update' AND object = 'user:boss'"),
      '1',
    );
  });

  await test('a name that is taken is not the account of who took it', async () => {
    provider.people.set('s-admin', { preferred_username: 'admin', groups: [] });
    const browser = new Browser();
    await browser.logIn(daemon, 's-admin');
    const who = await user(browser);
    assert.match(who.username, /^admin-[0-9a-f]{6}$/);
    assert.equal(who.is_admin, false);
    assert.equal(accounts("username = 'admin' AND is_admin AND issuer IS NULL"), 1);
    await new Browser().logIn(daemon, 's-admin');
    assert.equal(accounts("subject = 's-admin'"), 1);
  });

  await test('names come from the claim, a checked address, or the subject', async () => {
    const named = async (subject, claims) => {
      provider.people.set(subject, claims);
      const browser = new Browser();
      await browser.logIn(daemon, subject);
      return (await user(browser)).username;
    };
    assert.equal(await named('s-n1', { email: 'n1@example.com', email_verified: true }), 'n1@example.com');
    assert.equal(await named('s-n2', { email: 'n2@example.com' }), 'n2@example.com');
    assert.equal(await named('s-n3', { email: 'admin@example.com', email_verified: false }), 's-n3');
    assert.equal(await named('s-n4', { preferred_username: 7 }), 's-n4');
    assert.equal(await named('s-n5', { preferred_username: '  spaced out ' }), 'spaced out');
    assert.equal(await named('s-n6', { preferred_username: 'ad\u202emin' }), 's-n6');
    assert.equal(await named('s-n7', { preferred_username: 'a\nb' }), 's-n7');
    assert.equal(await named('urn:x:n8', {}), 'urn_x_n8');
    assert.equal(await named('s-n9', { preferred_username: 'ä'.repeat(300) }), 'ä'.repeat(255));
    assert.match(await named('s-n10', { preferred_username: 'ä'.repeat(300) }), /^ä{248}-[0-9a-f]{6}$/);
  });

  await test('odd groups do no harm', async () => {
    const groups = async (value) => {
      provider.people.set('s-odd', { preferred_username: 'odd', groups: value });
      const browser = new Browser();
      await browser.logIn(daemon, 's-odd');
      return (await user(browser)).groups;
    };
    assert.deepEqual(await groups('one'), ['one']);
    assert.deepEqual(
      await groups(['b', 'a', 'b', '', ' a ', 7, null, ['c'], { d: 1 }, 'x'.repeat(256), 'e\u0007']),
      ['a', 'b'],
    );
    assert.deepEqual(await groups(["'; DROP TABLE account; --", '{"a"}', '\\']), [
      "'; DROP TABLE account; --",
      '\\',
      '{"a"}',
    ]);
    assert.deepEqual(await groups({ a: true }), []);
    assert.deepEqual(await groups(null), []);
  });

  await test('claims that only the userinfo endpoint tells', async () => {
    provider.wholeTokens = false;
    provider.configure();
    provider.people.set('s-info', { preferred_username: 'informed', groups: ['via-userinfo'] });
    const browser = new Browser();
    const asked = provider.count('/me');
    await browser.logIn(daemon, 's-info');
    assert.equal(provider.count('/me'), asked + 1);
    assert.deepEqual((await user(browser)).groups, ['via-userinfo']);
    // It must be of the same person.
    provider.instead.set('/me', (_, response) => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ sub: 's-anna', preferred_username: 'informed', groups: ['admins'] }));
    });
    const answer = await new Browser().logIn(daemon, 's-info');
    assert.match(trouble(answer), /provider cannot be reached or used/);
    provider.instead.clear();
    provider.wholeTokens = true;
    provider.configure();
    assert.equal(accounts("username = 'informed' AND NOT is_admin"), 1);
  });

  await test('a disabled account stays out', async () => {
    provider.people.set('s-gone', { preferred_username: 'gone', groups: ['ml'] });
    const browser = new Browser();
    await browser.logIn(daemon, 's-gone');
    database.sql(
      "BEGIN; UPDATE account SET disabled_at_ms = 1 WHERE username = 'gone'; UPDATE access_version SET version = version + 1; COMMIT",
    );
    provider.people.set('s-gone', { preferred_username: 'gone', groups: ['admins'] });
    assert.match(trouble(await browser.logIn(daemon, 's-gone')), /account is disabled/);
    assert.equal(accounts("username = 'gone' AND is_admin"), 0);
    await until('the session ends', async () => (await browser.session(daemon)).user === undefined);
    // Refusals are written behind the answer.
    await until(
      'the audit trail has it',
      () => Number(database.sql("SELECT count(*) FROM audit WHERE action = 'login.refused' AND refused")) > 0,
    );
  });

  // --- what others try ---------------------------------------------------------------------------------------------

  await test('next leads nowhere else', async () => {
    for (const next of [
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'https://evil.example',
      'javascript:alert(1)',
      '/\t/evil.example',
      '/a\r\nLocation: https://evil.example',
      '',
      'evil',
      ' /',
      '/ä',
    ]) {
      const address = `${daemon.url}/api/tally/v1/login/oidc?next=${encodeURIComponent(next)}`;
      const page = await new Browser().open(address);
      assert.match(trouble(page), /must be a path of this server|next/i, next);
      const plain = await get(address);
      assert.equal(plain.status, 400, next);
      assert.equal((await plain.json()).error_code, 'INVALID_PARAMETER_VALUE');
    }
    const browser = new Browser();
    assert.equal((await browser.logIn(daemon, 's-anna')).headers.get('location'), '/');
  });

  await test('the request holds what it must', async () => {
    const browser = new Browser();
    const answer = await browser.open(`${daemon.url}/api/tally/v1/login/oidc`);
    const query = new URL(answer.headers.get('location')).searchParams;
    assert.equal(query.get('response_type'), 'code');
    assert.equal(query.get('redirect_uri'), daemon.url + CALLBACK);
    assert.equal(query.get('code_challenge_method'), 'S256');
    assert.equal(query.get('scope'), 'openid profile email groups');
    for (const name of ['state', 'nonce', 'code_challenge']) assert.match(query.get(name), /^[\w-]{43}$/);
    const [cookie] = answer.headers.getSetCookie();
    assert.match(
      cookie,
      /^tally_login_[\w-]{8}=[\w-]{43}; Path=\/api\/tally\/v1\/login\/oidc; Max-Age=600; HttpOnly; SameSite=Lax$/,
    );
    // The database keeps neither state nor cookie.
    const row = database.sql(
      'SELECT row_to_json(a) FROM login_attempt AS a ORDER BY expires_at_ms DESC LIMIT 1',
    );
    assert.ok(!row.includes(query.get('state')) && !row.includes(cookie.split('=')[1].split(';')[0]));
  });

  await test('plain http elsewhere gets a cookie for https only', async () => {
    const { request } = await import('node:http');
    const headers = await new Promise((resolve) => {
      request(`${daemon.url}/api/tally/v1/login/oidc`, { headers: { Host: '10.0.0.9' } }, (answer) =>
        resolve(answer.headers),
      ).end();
    });
    assert.match(headers['set-cookie'][0], /; Secure$/);
    assert.ok(headers.location.includes(encodeURIComponent('http://10.0.0.9/api/')));
  });

  const begin = async (browser = new Browser(), subject = 's-anna') => {
    const answer = await browser.open(`${daemon.url}/api/tally/v1/login/oidc`);
    return browser.logInAt(answer.headers.get('location'), subject, daemon.url);
  };

  await test('a login can be finished once', async () => {
    const browser = new Browser();
    const callback = await begin(browser);
    const cookies = browser.cookies(callback);
    assert.equal((await browser.open(callback)).headers.get('location'), '/');
    assert.match(trouble(await browser.open(callback)), /begin anew/);
    // Also with the cookie that the browser was told to forget.
    assert.match(trouble(await new Browser().open(callback, { headers: { Cookie: cookies } })), /begin anew/);
    // The code in another login of the same browser: the provider refuses it.
    const code = new URL(callback).searchParams.get('code');
    const answer = await browser.open(`${daemon.url}/api/tally/v1/login/oidc`);
    const state = new URL(answer.headers.get('location')).searchParams.get('state');
    const mixed = await browser.open(
      `${daemon.url}${CALLBACK}?code=${code}&state=${state}&iss=${encodeURIComponent(provider.issuer)}`,
    );
    assert.match(trouble(mixed), /does not accept the login/);
  });

  await test('a code of another login is of no use', async () => {
    // Somebody logs in as himself up to the callback, and has somebody else's browser finish it.
    const victim = new Browser();
    const callback = await begin();
    const answer = await victim.open(callback);
    assert.match(trouble(answer), /begin anew/);
    assert.equal((await victim.session(daemon)).user, undefined);
    // The victim has a login of its own under way: its state does not belong to the code (PKCE).
    const own = await victim.open(`${daemon.url}/api/tally/v1/login/oidc`);
    const state = new URL(own.headers.get('location')).searchParams.get('state');
    const code = new URL(callback).searchParams.get('code');
    const mixed = await victim.open(
      `${daemon.url}${CALLBACK}?code=${code}&state=${state}&iss=${encodeURIComponent(provider.issuer)}`,
    );
    assert.match(trouble(mixed), /does not accept the login/);
    assert.equal((await victim.session(daemon)).user, undefined);
  });

  await test('nonce and verifier are checked', async () => {
    const browser = new Browser();
    let callback = await begin(browser);
    database.sql("UPDATE login_attempt SET nonce = 'another'");
    assert.match(trouble(await browser.open(callback)), /belongs to another login/);
    callback = await begin(browser);
    database.sql("UPDATE login_attempt SET verifier = repeat('x', 43)");
    assert.match(trouble(await browser.open(callback)), /does not accept the login/);
    callback = await begin(browser);
    database.sql('UPDATE login_attempt SET expires_at_ms = 1');
    assert.match(trouble(await browser.open(callback)), /begin anew/);
    assert.equal((await browser.session(daemon)).user, undefined);
  });

  await test('callbacks that nobody sent', async () => {
    const browser = new Browser();
    const answer = await browser.open(`${daemon.url}/api/tally/v1/login/oidc`);
    const state = new URL(answer.headers.get('location')).searchParams.get('state');
    const at = (query) => browser.open(`${daemon.url}${CALLBACK}${query}`);
    assert.match(trouble(await at('')), /begin anew/);
    assert.match(trouble(await at('?code=x')), /begin anew/);
    assert.match(trouble(await at('?code=x&state=')), /begin anew/);
    assert.match(trouble(await at('?code=x&state=abc%0d%0aX:y')), /begin anew/);
    assert.match(trouble(await at('?error=access_denied')), /did not log you in \(access_denied\)/);
    assert.match(trouble(await at(`?error=${encodeURIComponent('Call +1 555 now')}`)), /\(unknown\)/);
    assert.match(
      trouble(await at(`?code=x&state=${state}&iss=https%3A%2F%2Fevil.example`)),
      /another provider/,
    );
    assert.match(trouble(await at(`?code=x&state=${state.slice(0, -1)}A`)), /begin anew/);
    const again = await browser.open(`${daemon.url}/api/tally/v1/login/oidc`);
    const fresh = new URL(again.headers.get('location')).searchParams.get('state');
    // This provider says that it names itself; without the name it is another one's answer.
    assert.match(trouble(await at(`?code=x&state=${fresh}`)), /another provider/);
    const plain = await get(`${daemon.url}${CALLBACK}?code=x&state=y`);
    assert.equal(plain.status, 400);
    const denied = await get(`${daemon.url}${CALLBACK}?error=access_denied`);
    assert.equal(denied.status, 401);
  });

  await test('logins in two tabs do not disturb each other', async () => {
    const browser = new Browser();
    const first = await begin(browser);
    const second = await begin(browser);
    assert.equal((await browser.open(first)).headers.get('location'), '/');
    assert.equal((await browser.open(second)).headers.get('location'), '/');
  });

  await test('a login ends the session that the browser had', async () => {
    const browser = new Browser();
    await browser.logIn(daemon, 's-anna');
    const old = browser.cookies(daemon.url);
    await browser.logIn(daemon, 's-anna');
    assert.notEqual(browser.cookies(daemon.url), old);
    const answer = await get(`${daemon.url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
      headers: { Cookie: old },
    });
    assert.equal(answer.status, 401);
  });

  await test('a login may come back to another daemon', async () => {
    const browser = new Browser();
    const answer = await browser.open(`${other.url}/api/tally/v1/login/oidc?next=%2Fthere`);
    // A browser sends cookies to every port of a host.
    browser.jar.set(new URL(daemon.url).host, browser.jar.get(new URL(other.url).host));
    const callback = await browser.logInAt(answer.headers.get('location'), 's-anna', daemon.url);
    assert.equal((await browser.open(callback)).headers.get('location'), '/there');
    assert.equal((await user(browser)).username, 'anna');
  });

  await test('a public client, ES256, a prefix, and no groups', async () => {
    provider.people.set('s-open', { email: 'open@example.com', email_verified: true, groups: ['ml'] });
    const browser = new Browser();
    const first = await browser.open(`${open.url}/mlflow/api/tally/v1/login/oidc`);
    assert.match(first.headers.getSetCookie()[0], /; Path=\/mlflow\/api\/tally\/v1\/login\/oidc;/);
    const callback = await browser.logInAt(
      first.headers.get('location'),
      's-open',
      `${open.url}/mlflow/api/`,
    );
    assert.equal((await browser.open(callback)).headers.get('location'), '/mlflow/');
    const session = whole(await (await browser.open(`${open.url}/mlflow/api/tally/v1/session`)).json());
    assert.equal(session.user.username, 'open@example.com');
    assert.deepEqual(session.user.groups, []);
    const denied = await browser.open(`${open.url}/mlflow${CALLBACK}?error=access_denied`);
    assert.match(denied.headers.get('location'), /^\/mlflow\/#\/login\?error=/);
  });

  await test('no secret is in the log', async () => {
    for (const each of [daemon, other, open]) {
      const text = each.text();
      for (const secret of [CLIENT_SECRET, encodeURIComponent(CLIENT_SECRET), 'eyJ', 'code=', 'tally_login_'])
        assert.ok(!text.includes(secret), secret);
    }
  });

  for (const each of [daemon, other, open]) await stopDaemon(each);
  await provider.stop();
}
