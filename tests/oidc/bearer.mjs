// Programs: bearer tokens of the provider, and every forgery over HTTP.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import {
  Browser,
  CLIENT_SECRET,
  get,
  identify,
  makeDatabase,
  startDaemon,
  stopDaemon,
  until,
} from './daemon.mjs';
import { API, encode, signWith, TestProvider } from './provider.mjs';

export async function bearerTests(test) {
  const provider = new TestProvider();
  await provider.start();
  const database = makeDatabase();
  const common = [`--oidc-issuer=${provider.issuer}`, '--oidc-client-id=tally', '--oidc-admin-group=admins'];
  const daemon = await startDaemon(database, common);
  const api = await startDaemon(makeDatabase(), [...common, `--oidc-audience=${API}`]);
  provider.clients = [
    {
      client_id: 'tally',
      client_secret: CLIENT_SECRET,
      id_token_signed_response_alg: 'PS256',
      redirect_uris: [`${daemon.url}/api/tally/v1/login/oidc/callback`],
    },
    {
      client_id: 'trainer',
      client_secret: CLIENT_SECRET,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ];
  provider.configure();

  const refused = async (what, token, why, where = daemon) => {
    const answer = await identify(where, token);
    assert.equal(answer.status, 401, `${what}: ${JSON.stringify(answer)}`);
    assert.equal(answer.error_code, 'UNAUTHENTICATED', what);
    assert.match(answer.message, why, what);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^(Basic|Bearer)/, what);
  };

  const accessToken = async () => {
    const answer = await get(`${provider.issuer}/token`, {
      method: 'POST',
      headers: {
        Authorization: `Basic ${Buffer.from(`trainer:${encodeURIComponent(CLIENT_SECRET)}`).toString('base64')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: API, scope: 'api' }).toString(),
    });
    return (await answer.json()).access_token;
  };

  await test('an access token of a program (client credentials)', async () => {
    provider.programs.set('trainer', { groups: ['trainers'], preferred_username: 'trainer' });
    const token = await accessToken();
    assert.equal(JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).typ, 'at+jwt');
    const who = await identify(api, token);
    assert.deepEqual(who.user, {
      username: 'trainer',
      is_admin: false,
      is_service: false,
      method: 'jwt',
      login: 'oidc',
      groups: ['trainers'],
    });
    // It is for another audience there.
    await refused('audience', token, /another audience/);
  });

  await test('an identity token of a person', async () => {
    provider.people.set('s-anna', { preferred_username: 'anna', groups: ['ml'] });
    const browser = new Browser();
    await browser.logIn(daemon, 's-anna');
    const token = provider.sign(provider.claims({ sub: 's-anna', preferred_username: 'x', groups: ['ml'] }));
    const who = await identify(daemon, token);
    assert.equal(who.user.username, 'anna');
    assert.equal(who.user.method, 'jwt');
    assert.equal(database.sql("SELECT count(*) FROM account WHERE subject = 's-anna'"), '1');
    assert.equal(
      (await identify(daemon, provider.sign(provider.claims({ sub: 's-anna' }), { alg: 'ES256' }))).status,
      200,
    );
    // A browser's page and any other client alike: no session comes of it.
    assert.equal(who.csrf_token, undefined);
  });

  await test('RSASSA-PSS, where the provider signs so', async () => {
    provider.accessAlgorithm = 'PS256';
    const token = await accessToken();
    provider.accessAlgorithm = 'RS256';
    assert.equal(JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg, 'PS256');
    assert.equal((await identify(api, token)).user.username, 'trainer');
    const claims = provider.claims({ sub: 's-anna' });
    assert.equal((await identify(daemon, provider.sign(claims, { alg: 'PS256' }))).user.username, 'anna');
    // Each key is for its algorithm, and the other padding is no signature.
    const { rsa, rsaName, pssName } = provider.keys;
    await refused('kid of RS256', provider.sign(claims, { alg: 'PS256', kid: rsaName }), /no PS256 key/);
    await refused('kid of PS256', provider.sign(claims, { kid: pssName }), /no RS256 key/);
    await refused('PS512', provider.sign(claims, { alg: 'PS512' }), /no PS512 key/);
    const other = signWith(rsa.privateKey, claims, { alg: 'RS256', typ: 'JWT', kid: pssName }).split('.');
    await refused(
      'padding',
      `${encode({ alg: 'PS256', typ: 'JWT', kid: pssName })}.${other[1]}.${other[2]}`,
      /signature/,
    );
  });

  await test('groups follow the claim, and stay without it', async () => {
    const groups = async (claims) =>
      (await identify(daemon, provider.sign(provider.claims({ sub: 'p-1', ...claims })))).user;
    assert.deepEqual((await groups({ groups: ['a', 'b'] })).groups, ['a', 'b']);
    assert.deepEqual((await groups({ jti: '1' })).groups, ['a', 'b']);
    assert.deepEqual((await groups({ groups: ['b', 'admins'] })).groups, ['admins', 'b']);
    assert.equal((await groups({ groups: ['b', 'admins'], jti: '2' })).is_admin, true);
    assert.equal((await groups({ jti: '3' })).is_admin, true);
    const last = await groups({ groups: [] });
    assert.deepEqual([last.groups, last.is_admin], [[], false]);
    await refused(
      'groups',
      provider.sign(provider.claims({ groups: Array.from({ length: 1001 }, (_, i) => `${i}`) })),
      /more than 1000 groups/,
    );
  });

  await test('what is remembered of a token ends with it', async () => {
    // Sixty seconds after its end it still counts. On a slow machine the first answer may come after that.
    let token;
    let known;
    for (let left = 2; known !== 200 && left < 100; left *= 2) {
      token = provider.sign(
        provider.claims({ sub: 'p-short', exp: Math.floor(Date.now() / 1000) - 60 + left }),
      );
      known = (await identify(daemon, token)).status;
    }
    assert.equal(known, 200);
    await until('its end', async () => (await identify(daemon, token)).status === 401);
    await refused('expired', token, /expired/);
  });

  await test('a disabled account', async () => {
    const token = provider.sign(provider.claims({ sub: 'p-off', preferred_username: 'off' }));
    assert.equal((await identify(daemon, token)).status, 200);
    database.sql(
      "BEGIN; UPDATE account SET disabled_at_ms = 1 WHERE username = 'off'; UPDATE access_version SET version = version + 1; COMMIT",
    );
    await until('the daemon knows', async () => (await identify(daemon, token)).status === 401);
    await refused('disabled', token, /disabled/);
  });

  await test('many come for the first time at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        identify(
          daemon,
          provider.sign(
            provider.claims({ sub: 'p-many', preferred_username: 'many', groups: ['m1', 'm2'], jti: `${i}` }),
          ),
        ),
      ),
    );
    assert.deepEqual([...new Set(answers.map((answer) => answer.user?.username))], ['many']);
    assert.equal(database.sql("SELECT count(*) FROM account WHERE subject = 'p-many'"), '1');
  });

  await test('several threads ask the provider once', async () => {
    const wide = await startDaemon(database, [...common, '--login-threads=4']);
    const asked = provider.count('/jwks');
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        identify(wide, provider.sign(provider.claims({ sub: `p-wide-${i % 3}`, jti: `${i}` }))),
      ),
    );
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    assert.equal(provider.count('/jwks'), asked + 1);
    const figures = await (
      await get(`${wide.url}/metrics`, {
        headers: { Authorization: `Bearer ${provider.sign(provider.claims())}` },
      })
    ).text();
    assert.match(figures, /^tally_oidc_requests_total 2$/m);
    assert.match(figures, /^tally_oidc_failures_total 0$/m);
    await stopDaemon(wide);
  });

  await test('forged headers and signatures', async () => {
    const mallory = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = provider.keys.rsa.publicKey.export({ type: 'spki', format: 'pem' });
    const claims = provider.claims({ sub: 's-anna', groups: ['admins'] });
    const good = provider.sign(claims);
    const [header, body, signature] = good.split('.');
    const kid = provider.keys.rsaName;
    const hmac = (secret, alg) => {
      const text = `${encode({ alg, typ: 'JWT', kid })}.${body}`;
      return `${text}.${encode(
        crypto
          .createHmac(`sha${alg.slice(2)}`, secret)
          .update(text)
          .digest(),
      )}`;
    };

    for (const alg of ['none', 'None', 'NONE', 'nOnE', ''])
      for (const end of ['', signature]) {
        const answer = await identify(daemon, `${encode({ alg, typ: 'JWT', kid })}.${body}.${end}`);
        assert.equal(answer.status, 401, `${alg} ${end}`);
      }
    for (const alg of ['HS256', 'HS384', 'HS512'])
      for (const secret of [
        pem,
        pem.trim(),
        JSON.stringify(provider.keys.rsa.publicKey.export({ format: 'jwk' })),
      ])
        await refused(alg, hmac(secret, alg), /algorithm/);
    await refused(
      'HMAC as RS256',
      `${header}.${body}.${encode(crypto.createHmac('sha256', pem).update(`${header}.${body}`).digest())}`,
      /signature/,
    );
    const own = { alg: 'RS256', typ: 'JWT', kid };
    const jwk = mallory.publicKey.export({ format: 'jwk' });
    await refused('another key', signWith(mallory.privateKey, claims, own), /signature/);
    await refused('jwk', signWith(mallory.privateKey, claims, { ...own, jwk }), /signature/);
    for (const name of ['jku', 'x5u'])
      await refused(
        name,
        signWith(mallory.privateKey, claims, { ...own, [name]: `${provider.issuer}/evil` }),
        /signature/,
      );
    assert.equal(provider.count('/evil'), 0);
    await refused('x5c', signWith(mallory.privateKey, claims, { ...own, x5c: ['MIIB'] }), /signature/);
    for (const name of ['other', '', '../../../../../../dev/null', "' OR '1'='1"])
      await refused(
        `kid ${name}`,
        signWith(mallory.privateKey, claims, { ...own, kid: name }),
        /no RS256 key/,
      );
    await refused(
      'kid of another type',
      signWith(provider.keys.ec.privateKey, claims, { alg: 'ES256', kid }),
      /no ES256 key/,
    );
    await refused('RS384 by a key for RS256', provider.sign(claims, { alg: 'RS384' }), /no RS384 key/);
    await refused('crit', provider.sign(claims, { crit: ['exp'] }), /extensions/);
    await refused('b64', provider.sign(claims, { b64: false, crit: ['b64'] }), /extensions/);
    await refused('logout token', provider.sign(claims, { typ: 'logout+jwt' }), /type/);
    await refused('event', provider.sign({ ...claims, events: {} }), /event/);
    await refused(
      'zero signature',
      `${encode({ alg: 'ES256', kid: provider.keys.ecName })}.${body}.${encode(Buffer.alloc(64))}`,
      /signature/,
    );
    await refused(
      'tampered claims',
      `${header}.${encode({ ...claims, sub: 'admin' })}.${signature}`,
      /signature/,
    );
    await refused('tampered signature', `${header}.${body}.${signature.slice(0, -2)}AA`, /signature/);
    await refused(
      'signature of another',
      `${header}.${body}.${provider.sign({ ...claims, jti: '1' }).split('.')[2]}`,
      /signature/,
    );
    await refused(
      'doubled member',
      `${encode('{"alg":"none","alg":"RS256"}')}.${body}.${signature}`,
      /readable/,
    );
    assert.equal((await identify(daemon, good)).status, 200);
  });

  await test('wrong claims', async () => {
    // Until the answer time goes on: what is to be refused then is far away, what is to count has half a minute.
    const now = Math.floor(Date.now() / 1000);
    const cases = [
      [{ iss: `${provider.issuer}/` }, /issuer/],
      [{ iss: undefined }, /issuer/],
      [{ iss: [provider.issuer] }, /issuer/],
      [{ aud: 'other' }, /audience/],
      [{ aud: ['other'] }, /audience/],
      [{ aud: undefined }, /audience/],
      [{ aud: { tally: 1 } }, /audience/],
      [{ sub: undefined }, /subject/],
      [{ sub: 7 }, /subject/],
      [{ sub: 'x'.repeat(256) }, /subject/],
      [{ exp: undefined }, /no exp/],
      [{ exp: now - 70 }, /expired/],
      [{ exp: String(now + 100) }, /exp is not/],
      [{ nbf: now + 3600 }, /not valid yet/],
      [{ iat: now + 3600 }, /future/],
    ];
    for (const [claims, why] of cases)
      await refused(JSON.stringify(claims), provider.sign(provider.claims(claims)), why);
    for (const [claim, difference] of [['aud'], ['exp', -30], ['nbf', 30], ['iat', 30]]) {
      const moment = Math.floor(Date.now() / 1000) + difference;
      const claims = { [claim]: claim === 'aud' ? ['x', 'tally'] : moment };
      assert.equal(
        (await identify(daemon, provider.sign(provider.claims(claims)))).status,
        200,
        JSON.stringify(claims),
      );
    }
  });

  await test('huge and nested junk', async () => {
    const deep = (n) => `{"iss":"${provider.issuer}","a":${'['.repeat(n)}${']'.repeat(n)}}`;
    for (const text of [deep(20), deep(2000), deep(5000), '['.repeat(10000), `{"a":`.repeat(1500)]) {
      await refused('deep claims', `${encode({ alg: 'RS256' })}.${encode(text)}.AAAA`, /readable/);
      await refused('deep header', `${encode(text)}.${encode('{}')}.AAAA`, /readable/);
    }
    for (const size of [17000, 30000]) {
      const answer = await get(`${daemon.url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
        headers: { Authorization: `Bearer ${encode({ alg: 'RS256' })}.${'A'.repeat(size)}.AAAA` },
        mayFail: true,
      });
      assert.ok([0, 401, 413, 431].includes(answer.status), `${size}: ${answer.status}`);
    }
    for (const text of ['a.b.c', '..', 'a..', '.b.', 'a.b.', '%00.a.b', 'a.b.c.d.e'])
      assert.equal((await identify(daemon, text)).status, 401, text);
    assert.equal((await get(`${daemon.url}/health`)).status, 200);
  });

  await test('junk does not make this server ask the provider', async () => {
    const asked = provider.count('/jwks');
    for (let i = 0; i < 20; i += 1)
      assert.equal(
        (
          await identify(
            daemon,
            `${encode({ alg: 'RS256', kid: `k${i}` })}.${encode(provider.claims())}.AAAA`,
          )
        ).status,
        401,
      );
    assert.ok(provider.count('/jwks') - asked <= 1, `${provider.count('/jwks') - asked}`);
  });

  for (const each of [daemon, api]) await stopDaemon(each);
  await provider.stop();
}
