// The provider changes its keys, is gone, slow, or says nonsense.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
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
import { TestProvider } from './provider.mjs';

const DOCUMENT = '/.well-known/openid-configuration';

export async function outageTests(test) {
  const provider = new TestProvider();
  await provider.start();
  const database = makeDatabase();
  const settings = [`--oidc-issuer=${provider.issuer}`, '--oidc-client-id=tally'];
  const daemon = await startDaemon(database, settings);
  provider.clients = [
    {
      client_id: 'tally',
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${daemon.url}/api/tally/v1/login/oidc/callback`],
    },
  ];
  provider.configure();
  provider.people.set('s-anna', { preferred_username: 'anna' });
  let serial = 0;
  const fresh = () => provider.sign(provider.claims({ sub: 'p-1', jti: `${(serial += 1)}` }));

  await test('changed keys are found at once, and those of before hold no more', async () => {
    const before = fresh();
    assert.equal((await identify(daemon, before)).status, 200);
    const old = provider.keys;
    const late = fresh();
    provider.rotate();
    assert.equal((await identify(daemon, fresh())).status, 200);
    assert.equal(provider.count('/jwks'), 2);
    const answer = await identify(daemon, late);
    assert.equal(answer.status, 401);
    assert.match(answer.message, new RegExp('no RS256 key'));
    assert.notEqual(old, provider.keys);
    // Unknown names ask once a minute.
    assert.equal(provider.count('/jwks'), 2);
    const browser = new Browser();
    assert.equal((await browser.logIn(daemon, 's-anna')).headers.get('location'), '/');
  });

  await test('when the provider is gone, its keys still hold', async () => {
    const browser = new Browser();
    await browser.logIn(daemon, 's-anna');
    await provider.stop();
    try {
      assert.equal((await identify(daemon, fresh())).status, 200);
      assert.equal((await browser.session(daemon)).user.username, 'anna');
      const begun = await browser.open(`${daemon.url}/api/tally/v1/login/oidc`);
      assert.equal(begun.status, 302);
      const state = new URL(begun.headers.get('location')).searchParams.get('state');
      const back = await browser.open(
        `${daemon.url}/api/tally/v1/login/oidc/callback?code=x&state=${state}&iss=${encodeURIComponent(provider.issuer)}`,
      );
      assert.match(
        decodeURIComponent(back.headers.get('location')),
        /#\/login\?error=The OpenID Connect provider cannot be reached/,
      );
      assert.match(daemon.text(), /event=oidc_failed.*cause=/);
    } finally {
      await provider.start();
    }
    assert.equal((await browser.logIn(daemon, 's-anna')).headers.get('location'), '/');
  });

  await test('a daemon that starts without the provider', async () => {
    await provider.stop();
    const late = await startDaemon(database, settings);
    const token = fresh();
    const answer = await identify(late, token);
    assert.equal(answer.status, 503);
    assert.equal(answer.error_code, 'TEMPORARILY_UNAVAILABLE');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    const page = await new Browser().open(`${late.url}/api/tally/v1/login/oidc`);
    assert.match(decodeURIComponent(page.headers.get('location')), /cannot be reached/);
    const plain = await get(`${late.url}/api/tally/v1/login/oidc`);
    assert.equal(plain.status, 503);
    await provider.start();
    await until('the daemon asks again', async () => (await identify(late, token)).status === 200);
    await stopDaemon(late);
  });

  await test('answers that cannot be used', async () => {
    const json = (value) => (_, response) => {
      response.setHeader('Content-Type', 'application/json');
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    const document = await (await get(`${provider.issuer}${DOCUMENT}`)).json();
    const cases = [
      ['status', DOCUMENT, (_, response) => response.writeHead(500).end('{}'), /status 500/],
      [
        'redirect',
        DOCUMENT,
        (_, response) => response.writeHead(302, { Location: '/elsewhere' }).end(),
        /status 302/,
      ],
      ['issuer', DOCUMENT, json({ ...document, issuer: 'https://evil.example' }), /issuer is not exactly/],
      ['elsewhere', DOCUMENT, json({ ...document, jwks_uri: 'http://10.0.0.1/keys' }), /no usable jwks_uri/],
      ['file', DOCUMENT, json({ ...document, jwks_uri: 'file:///etc/passwd' }), /no usable jwks_uri/],
      ['no JSON', DOCUMENT, json('<html>'), /not a JSON object/],
      ['huge', DOCUMENT, json(`{"a":"${'x'.repeat(300000)}"}`), /cause=/],
      ['deep', DOCUMENT, json(`{"a":${'['.repeat(100000)}`), /not a JSON object/],
      ['no keys', '/jwks', json({ keys: [] }), /no key for signatures/],
      ['secret keys', '/jwks', json({ keys: [{ kty: 'oct', k: 'AAAA' }] }), /no key for signatures/],
    ];
    for (const [name, where, answer, cause] of cases) {
      provider.instead.set(where, answer);
      const one = await startDaemon(database, settings);
      const result = await identify(one, fresh());
      provider.instead.clear();
      assert.equal(result.status, 503, name);
      await stopDaemon(one);
      assert.match(
        one
          .text()
          .split('\n')
          .filter((line) => line.includes('status=503'))
          .at(-1) ?? '',
        cause,
        name,
      );
      assert.equal(provider.count('/elsewhere'), 0);
    }
  });

  await test('a provider whose certificate nobody vouches for', async () => {
    const folder = process.env.TALLY_OIDC_WORK;
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=127.0.0.1',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        `${folder}/key.pem`,
        '-out',
        `${folder}/cert.pem`,
      ],
      { stdio: 'ignore' },
    );
    let asked = 0;
    const server = https.createServer(
      { key: fs.readFileSync(`${folder}/key.pem`), cert: fs.readFileSync(`${folder}/cert.pem`) },
      (_, response) => {
        asked += 1;
        response.end('{}');
      },
    );
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `https://127.0.0.1:${server.address().port}`;
    const one = await startDaemon(database, [`--oidc-issuer=${issuer}`, '--oidc-client-id=tally']);
    const answer = await identify(one, provider.sign({ ...provider.claims(), iss: issuer }));
    await stopDaemon(one);
    server.close();
    assert.equal(answer.status, 503);
    assert.equal(asked, 0);
    assert.match(one.text(), /cause="[^"]*certificate/i);
  });

  await test('a provider that says nothing holds nobody up for long', async () => {
    const slow = await startDaemon(database, settings);
    const basic = `Basic ${Buffer.from('nobody:wrong password here').toString('base64')}`;
    provider.instead.set(DOCUMENT, () => {});
    const asked = provider.count(DOCUMENT);
    const begun = Date.now();
    let answered = false;
    const waits = identify(slow, fresh()).finally(() => (answered = true));
    await until('the provider is asked', () => provider.count(DOCUMENT) > asked);
    assert.equal((await get(`${slow.url}/health`)).status, 200);
    assert.equal((await get(`${slow.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)).status, 401);
    assert.equal(answered, false, 'others need not wait');
    assert.equal((await waits).status, 503);
    const took = Date.now() - begun;
    assert.ok(took > 3000 && took < 60_000, `${took} ms`);
    // Who comes next is told at once, without another question; and passwords are checked again.
    await until('an answer without a question', async () => {
      const before = provider.count(DOCUMENT);
      assert.equal((await identify(slow, fresh())).status, 503);
      return provider.count(DOCUMENT) === before;
    });
    assert.equal(
      (
        await get(`${slow.url}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
          headers: { Authorization: basic },
        })
      ).status,
      401,
    );
    provider.instead.clear();
    await stopDaemon(slow);
  });

  await test('settings that cannot be right', async () => {
    const wrong = async (settingsOf, why) => {
      await assert.rejects(startDaemon(database, settingsOf), (error) => {
        assert.match(error.message, /event=start_failed/);
        assert.match(error.message, why);
        return true;
      });
    };
    await wrong(['--oidc-issuer=http://login.example.com', '--oidc-client-id=x'], /oidc-issuer must be/);
    await wrong(
      ['--oidc-issuer=https://login.example.com/?x=y', '--oidc-client-id=x'],
      /oidc-issuer must be/,
    );
    await wrong(['--oidc-issuer=login.example.com', '--oidc-client-id=x'], /oidc-issuer must be/);
    await wrong(['--oidc-issuer=https://login.example.com'], /oidc-client-id/);
    await wrong(
      ['--oidc-issuer=https://login.example.com', '--oidc-client-id=x', '--oidc-scope=profile openids'],
      /oidc-scope/,
    );
    const none = await startDaemon(database);
    const answer = await identify(none, fresh());
    assert.equal(answer.status, 401);
    assert.match(answer.message, /no OpenID Connect provider is set/);
    assert.equal((await get(`${none.url}/api/tally/v1/login/oidc`)).status, 404);
    assert.equal((await (await get(`${none.url}/api/tally/v1/session`)).json()).login.oidc, undefined);
    await stopDaemon(none);
  });

  await stopDaemon(daemon);
  await provider.stop();
}
