import { beforeAll, describe, expect, it } from '@jest/globals';
import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID, sign, type KeyObject } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Keys } from '../../src/config/keys.js';
import { Cookies } from '../../src/http/cookies.js';
import { User } from '../../src/users/user.entity.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { Script, Visitor } from '../support/people.js';
import { askRaw, forge, read } from '../support/raw.js';

const wrongKey = createSecretKey(randomBytes(32));

const site = aSite();
let cookieName: string;
let key: KeyObject;
let apiToken: string;
let cookieToken: string;
beforeAll(async () => {
  cookieName = site.app.get(Cookies).fullName('session');
  key = site.app.get(Keys).signing;
  apiToken = await newApiToken();
  cookieToken = await newCookieToken();
});

type Claims = Record<string, unknown>;
type Forgery = (header: Claims, payload: Claims) => string;

const now = () => Math.floor(Date.now() / 1_000);

const forgeries: [what: string, forgery: Forgery][] = [
  ['is signed by nobody', (header, payload) => forge({ ...header, alg: 'none' }, payload)],
  ['is signed by nobody, spelt otherwise', (header, payload) => forge({ ...header, alg: 'nOnE' }, payload)],
  ['has an empty signature', (header, payload) => forge(header, payload)],
  ['names no algorithm', ({ typ }, payload) => forge({ typ }, payload, key)],
  ['never ends', (header, { exp: _exp, ...payload }) => forge(header, payload, key)],
  ['ends at a time that is no number', (header, payload) => forge(header, { ...payload, exp: null }, key)],
  ['is signed with another key', (header, payload) => forge(header, payload, wrongKey)],
  ['is signed with the text "undefined"', (h, p) => forge(h, p, createSecretKey(Buffer.from('undefined')))],
  ['brings its own key along', (h, p) => forge({ ...h, jwk: wrongKey.export({ format: 'jwk' }) }, p, wrongKey)],
  [
    'names the key file of another device',
    (h, p) => forge({ ...h, kid: '/dev/null', jku: 'http://[::1]/' }, p, wrongKey),
  ],
  ['claims RS256, with our key as the public one', (h, p) => forge({ ...h, alg: 'RS256' }, p, key)],
  ['claims HS384, with our key', (h, p) => forge({ ...h, alg: 'HS384' }, p, key, 'sha384')],
  ['claims HS512, with our key', (h, p) => forge({ ...h, alg: 'HS512' }, p, key, 'sha512')],
  ['has expired', (h, p) => forge(h, { ...p, exp: now() - 1 }, key)],
  ['has an expiry that is no number', (h, p) => forge(h, { ...p, exp: 'never' }, key)],
  ['is not valid yet', (h, p) => forge(h, { ...p, nbf: now() + 3_600 }, key)],
  ['comes from another issuer', (h, p) => forge(h, { ...p, iss: 'gatekeeper' }, key)],
  ['names no issuer', (h, { iss: _, ...p }) => forge(h, p, key)],
  ['is for another audience', (h, p) => forge(h, { ...p, aud: 'flash' }, key)],
  ['is for every audience at once', (h, p) => forge(h, { ...p, aud: ['browser', 'api'] }, key)],
  ['names no audience', (h, { aud: _, ...p }) => forge(h, p, key)],
  ['has no type', ({ alg }, p) => forge({ alg }, p, key)],
  ['has the type of any JWT', ({ alg }, p) => forge({ alg, typ: 'JWT' }, p, key)],
  ['has a type that is a list', ({ alg, typ }, p) => forge({ alg, typ: [typ] }, p, key)],
  ['names no session', (h, { jti: _, ...p }) => forge(h, p, key)],
  ['names a session that is not there', (h, p) => forge(h, { ...p, jti: randomUUID() }, key)],
  ['names a session by a number', (h, p) => forge(h, { ...p, jti: 1 }, key)],
  ['names a session by a list', (h, p) => forge(h, { ...p, jti: [p.jti] }, key)],
  ['names a session by an operator', (h, p) => forge(h, { ...p, jti: { $ne: null } }, key)],
  ['names a session by null', (h, p) => forge(h, { ...p, jti: null }, key)],
  ['names a session by SQL', (h, p) => forge(h, { ...p, jti: "' OR '1'='1" }, key)],
  ['names a session by a pattern', (h, p) => forge(h, { ...p, jti: '%' }, key)],
  ['names a session by 4,000 letters', (h, p) => forge(h, { ...p, jti: 'a'.repeat(4_000) }, key)],
  ['has a payload that is a list', (h) => forge(h, [], key)],
  ['has a payload that is text', (h) => forge(h, 'let me in', key)],
  ['has a payload that is null', (h) => forge(h, null, key)],
  ['is cut short', (h, p) => forge(h, p, key).slice(0, -2)],
  ['has a fourth part', (h, p) => `${forge(h, p, key)}.x`],
  ['is dots', () => '..'],
  ['is a word', () => 'undefined'],
  ['is 10,000 letters long', () => 'a'.repeat(10_000)],
  ['is three long parts', () => ['a', 'b', 'c'].map((letter) => letter.repeat(3_000)).join('.')],
];

describe('a token', () => {
  it('can be forged by this test where nothing is changed, so that the refusals below mean something', async () => {
    for (const real of [apiToken, cookieToken]) {
      const { header, payload } = read(real);
      expect(forge(header, payload, key)).toBe(real);
    }
    expect((await api(apiToken)).status).toBe(200);
    expect((await page(cookieToken)).status).toBe(200);
  });

  it.each(forgeries)('that %s opens neither the API nor a page', async (_, forgery) => {
    const bearer = read(apiToken);
    await expectRefused(forgery(bearer.header, bearer.payload), 'api');
    const cookie = read(cookieToken);
    await expectRefused(forgery(cookie.header, cookie.payload), 'page');
  });

  it('signed with a private key opens nothing, whatever algorithm it claims', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const { header, payload } = read(apiToken);
    const text = forge({ ...header, alg: 'RS256' }, payload).slice(0, -1);
    await expectRefused(`${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`, 'api');
  });

  it('of a browser is none of the API, and the reverse, not even with the audience changed and signed anew', async () => {
    await expectRefused(cookieToken, 'api');
    await expectRefused(apiToken, 'page');
    const [bearer, cookie] = [read(apiToken), read(cookieToken)];
    await expectRefused(forge(cookie.header, { ...cookie.payload, aud: 'api' }, key), 'api');
    await expectRefused(forge(bearer.header, { ...bearer.payload, aud: 'browser' }, key), 'page');
  });

  it('that carries a message between two pages is no session', async () => {
    const visitor = new Visitor(site.url);
    await visitor.ask('/login', { form: { email: 'nobody@example.com', password: 'wrong password' } });
    const message = visitor.cookies.get('gatehouse-flash') ?? '';
    expect(read(message).payload).toHaveProperty('flash');
    await expectRefused(message, 'api');
    await expectRefused(message, 'page');
  });

  it('of a session that was ended opens nothing, signed anew or not', async () => {
    const script = new Script(site.url);
    await script.register();
    const token = script.token ?? '';
    expect((await script.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
    await expectRefused(token, 'api');
    const { header, payload } = read(token);
    await expectRefused(forge(header, { ...payload, iat: now(), exp: now() + 60 }, key), 'api');
  });

  it('of a member who was disabled opens nothing from that moment on', async () => {
    const script = new Script(site.url);
    const { email } = await script.register();
    await site.app.get(DataSource).getRepository(User).update({ email }, { disabledAt: new Date() });
    await expectRefused(script.token ?? '', 'api');
    const login = await script.ask('/api/v1/auth/login', { json: { email, password: 'correct horse battery staple' } });
    expect(login.status).toBe(401);
  });
});

describe('a credential in the wrong place', () => {
  it.each([
    ['an address with an encoded letter', '/%61pi/v1/users/me'],
    ['an address with every letter encoded', '/%61%70%69/v1/users/me'],
    ['an address with its host', 'http://gatehouse.example/api/v1/users/me'],
  ])('a cookie opens nothing of the API by %s', async (_, target) => {
    const { status } = await askRaw(site.url, target, { headers: { cookie: `${cookieName}=${cookieToken}` } });
    expect(status).toBe(401);
  });

  it('a bearer opens no page by an address that begins like one of the API', async () => {
    for (const target of ['/api/../secrets', '/api/%2e%2e/secrets', '/api/..%2fsecrets', '/api/;/../secrets']) {
      const { status } = await askRaw(site.url, target, { headers: { authorization: `Bearer ${apiToken}` } });
      expect([400, 404]).toContain(status);
    }
  });

  it('a token in the query opens neither', async () => {
    for (const name of ['token', 'access_token', 'jwt', 'auth_token', cookieName]) {
      expect((await fetch(`${site.url}/api/v1/users/me?${name}=${apiToken}`)).status).toBe(401);
      const answer = await askRaw(site.url, `/secrets?${name}=${cookieToken}`);
      expect(answer.headers.location).toMatch(/^\/login\?next=/);
    }
  });

  it('of two cookies of the name, the first counts', async () => {
    const both = (...values: string[]) => values.map((value) => `${cookieName}=${value}`).join('; ');
    const status = async (cookie: string) => (await askRaw(site.url, '/secrets', { headers: { cookie } })).status;
    expect(await status(both(cookieToken, 'garbage'))).toBe(200);
    expect(await status(both('garbage', cookieToken))).toBe(303);
    expect(await status(both('', cookieToken))).toBe(303);
  });

  it.each(['Bearer', 'Bearer ', 'Basic TOKEN', 'TOKEN', 'Bearer TOKEN TOKEN', 'Bearer TOKEN,TOKEN', 'BearerTOKEN'])(
    'the header "%s" opens nothing',
    async (header) => {
      const authorization = header.replaceAll('TOKEN', apiToken);
      expect((await askRaw(site.url, '/api/v1/users/me', { headers: { authorization } })).status).toBe(401);
    },
  );
});

describe('what comes from a page of another site', () => {
  it.each([
    ['/logout', 403],
    ['/%6cogout', 403],
    ['http://gatehouse.example/logout', 403],
    ['/%61pi/v1/auth/logout', 401],
    ['/api/v1/auth/logout', 401],
  ])('ends no session of a browser by %s', async (target, expected) => {
    for (const foreign of [
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]) {
      const headers = { cookie: `${cookieName}=${cookieToken}`, ...foreign };
      expect((await askRaw(site.url, target, { method: 'POST', headers })).status).toBe(expected);
    }
    expect((await page(cookieToken)).status).toBe(200);
  });

  it('may use the API with a token, which no browser sends on its own', async () => {
    const headers = { authorization: `Bearer ${await newApiToken()}`, origin: 'https://other.example' };
    expect((await askRaw(site.url, '/api/v1/auth/logout', { method: 'POST', headers })).status).toBe(204);
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

const api = (token: string) => askRaw(site.url, '/api/v1/users/me', { headers: { authorization: `Bearer ${token}` } });
const page = (token: string) => askRaw(site.url, '/secrets', { headers: { cookie: `${cookieName}=${token}` } });

async function expectRefused(token: string, side: 'api' | 'page'): Promise<void> {
  const { status, headers } = side === 'api' ? await api(token) : await page(token);
  if (side === 'api') expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_token"']);
  else expect([status, headers.location]).toEqual([303, '/login?next=%2Fsecrets']);
}

async function newApiToken(): Promise<string> {
  const script = new Script(site.url);
  await script.register();
  return script.token ?? '';
}

async function newCookieToken(): Promise<string> {
  const visitor = new Visitor(site.url);
  await visitor.register();
  return visitor.cookies.get(cookieName) ?? '';
}
