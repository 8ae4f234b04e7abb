// The provider: oidc-provider on a loopback address, whose people, keys and moods the tests change.
import crypto from 'node:crypto';
import http from 'node:http';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const packages = process.env.TALLY_OIDC_PACKAGES;
const load = async (name, file) => import(pathToFileURL(path.join(packages, name, file)).href);

// It warns of its development forms and of http, both of which are wanted here.
console.info = () => {};
console.warn = () => {};
const { default: Provider } = await load('oidc-provider', 'lib/index.js');

/** Audience of the access tokens that programs get. */
export const API = 'urn:tally:api';

/** A fresh pair of keys with names: for RS256, by another name for PS256, and for ES256. */
function makeKeys() {
  const name = crypto.randomBytes(6).toString('hex');
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { rsa, ec, rsaName: `rsa-${name}`, pssName: `pss-${name}`, ecName: `ec-${name}` };
}

const jwk = (key, kid, alg) => ({ ...key.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });

export class TestProvider {
  constructor() {
    /** subject → claims */
    this.people = new Map();
    /** client id → claims of its access tokens */
    this.programs = new Map();
    this.clients = [];
    /** How often each path was asked for. */
    this.asked = new Map();
    /** A function that answers instead of the provider, by path. */
    this.instead = new Map();
    /** Whether identity tokens hold all claims, or only the subject, as the specification has it. */
    this.wholeTokens = true;
    /** What access tokens are signed with. */
    this.accessAlgorithm = 'RS256';
    this.keys = makeKeys();
  }

  /** Listen, on the port of before if there was one. */
  async start() {
    this.server = http.createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port ?? 0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    this.issuer = `http://127.0.0.1:${this.port}`;
    this.configure();
  }

  /** Be gone: nobody listens. */
  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Other keys from now on; those of before are not published any more. */
  rotate() {
    this.keys = makeKeys();
    this.configure();
  }

  /** What was set since takes effect. */
  configure() {
    const people = this.people;
    const programs = this.programs;
    this.provider = new Provider(this.issuer, {
      clients: this.clients,
      jwks: {
        keys: [
          jwk(this.keys.rsa, this.keys.rsaName, 'RS256'),
          jwk(this.keys.rsa, this.keys.pssName, 'PS256'),
          jwk(this.keys.ec, this.keys.ecName, 'ES256'),
        ],
      },
      cookies: { keys: ['a', 'b'] },
      claims: {
        openid: ['sub'],
        profile: ['preferred_username'],
        email: ['email', 'email_verified'],
        groups: ['groups'],
      },
      conformIdTokenClaims: !this.wholeTokens,
      enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
      pkce: { methods: ['S256'], required: () => true },
      findAccount: (_, subject) =>
        people.has(subject)
          ? { accountId: subject, claims: () => ({ sub: subject, ...people.get(subject) }) }
          : undefined,
      extraTokenClaims: (_, token) => programs.get(token.clientId),
      features: {
        devInteractions: { enabled: true },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: 'api',
            audience: API,
            accessTokenFormat: 'jwt',
            accessTokenTTL: 600,
            jwt: { sign: { alg: this.accessAlgorithm } },
          }),
        },
      },
      ttl: {
        AccessToken: 600,
        ClientCredentials: 600,
        AuthorizationCode: 60,
        IdToken: 600,
        Grant: 600,
        Interaction: 600,
        Session: 600,
      },
    });
    this.provider.on('server_error', (_, error) => console.error(error));
    this.callback = this.provider.callback();
  }

  #answer(request, response) {
    const where = request.url.split('?')[0];
    this.asked.set(where, (this.asked.get(where) ?? 0) + 1);
    const instead = this.instead.get(where);
    if (instead) instead(request, response);
    else this.callback(request, response);
  }

  /** How often a path was asked for so far. */
  count(where) {
    return this.asked.get(where) ?? 0;
  }

  /** Claims of a token that this provider could have made for Tally. */
  claims(more = {}) {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.issuer, aud: 'tally', sub: 'program', iat: now, exp: now + 300, ...more };
  }

  /** A token with its true signature; claims that are undefined are left out. */
  sign(claims, header = {}) {
    const { rsa, ec, rsaName, pssName, ecName } = this.keys;
    const kind = (header.alg ?? 'RS256').slice(0, 2);
    return signWith(kind === 'ES' ? ec.privateKey : rsa.privateKey, claims, {
      alg: 'RS256',
      typ: 'JWT',
      kid: { ES: ecName, PS: pssName }[kind] ?? rsaName,
      ...header,
    });
  }
}

export const encode = (value) =>
  Buffer.from(Buffer.isBuffer(value) || typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  );

/** A token signed by any key, with the algorithm of its header. */
export function signWith(key, claims, header) {
  const text = `${encode(header)}.${encode(claims)}`;
  const digest = `sha${header.alg.slice(2)}`;
  const options = {
    ES: { key, dsaEncoding: 'ieee-p1363' },
    PS: {
      key,
      padding: crypto.constants.RSA_PKCS1_PSS_PADDING,
      saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST,
    },
  }[header.alg.slice(0, 2)] ?? { key };
  return `${text}.${encode(crypto.sign(digest, Buffer.from(text), options))}`;
}
