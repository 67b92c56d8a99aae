import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { Script, Visitor } from '../support/people.js';
import { askRaw, sayRaw, type RawAnswer } from '../support/raw.js';

const site = aSite();
let host: string;
beforeAll(() => {
  ({ host } = new URL(site.url));
});

const ask = (target: string, headers = `Host: ${host}\r\n`, version = '1.1') =>
  sayRaw(site.url, `GET ${target} HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`);

/** It is answered in the site's own way: with its headers, and with words for whoever asked. */
function expectOurs({ status, headers, body }: RawAnswer, isProblem: boolean): void {
  expect(headers).toMatchObject({
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
    'cache-control': expect.stringMatching(/no-store|no-cache/),
    'content-type': expect.stringContaining(isProblem ? 'application/problem+json' : 'text/html'),
  });
  if (isProblem) expect(JSON.parse(body)).toMatchObject({ status, detail: expect.stringMatching(/\.$/) });
  else expect(body).toContain('What you can do');
}

describe('a request that cannot be read is refused in the site’s own way', () => {
  const host = 'Host: gatehouse.example\r\n';
  const cookies = `${host}Cookie: a=${'b'.repeat(17_000)}\r\n`;
  const chunked = `${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;

  it.each([
    ['headers beyond 16 KiB', 431, (path: string) => `GET ${path} HTTP/1.1\r\n${cookies}\r\n`],
    ['an address beyond 16 KiB', 431, (path: string) => `GET ${path}?q=${'a'.repeat(17_000)} HTTP/1.1\r\n${host}\r\n`],
    ['bytes that no address has', 400, (path: string) => `GET ${path}?q=\xe9 HTTP/1.1\r\n${host}\r\n`],
    ['a method that there is not', 400, (path: string) => `FETCH ${path} HTTP/1.1\r\n${host}\r\n`],
    ['a version that there is not', 400, (path: string) => `GET ${path} HTTP/9.9\r\n${host}\r\n`],
    ['a header without a name', 400, (path: string) => `GET ${path} HTTP/1.1\r\n${host}: x\r\n\r\n`],
    ['a length that is none', 400, (path: string) => `POST ${path} HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`],
    [
      'two lengths',
      400,
      (path: string) => `POST ${path} HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    ],
    [
      'a length beside chunks',
      400,
      (path: string) => `POST ${path} HTTP/1.1\r\nContent-Length: 1\r\n${chunked}0\r\n\r\n`,
    ],
    ['no host', 400, (path: string) => `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ['an empty host', 400, (path: string) => `GET ${path} HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n`],
    [
      'two hosts',
      400,
      (path: string) => `GET ${path} HTTP/1.1\r\n${host}HOST: evil.example\r\nConnection: close\r\n\r\n`,
    ],
    ['the same host twice', 400, (path: string) => `GET ${path} HTTP/1.1\r\n${host}${host}Connection: close\r\n\r\n`],
    [
      'two hosts in one',
      400,
      (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.example, b.example\r\nConnection: close\r\n\r\n`,
    ],
    [
      'a host with a path',
      400,
      (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.example/b\r\nConnection: close\r\n\r\n`,
    ],
    [
      'a host with a user',
      400,
      (path: string) => `GET ${path} HTTP/1.1\r\nHost: ada@a.example\r\nConnection: close\r\n\r\n`,
    ],
    [
      'a target with a user',
      400,
      (path: string) => `GET http://ada@a.example${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    ],
  ])('%s', async (_what, status, text) => {
    for (const [path, isProblem] of [
      ['/api/v1/files', true],
      ['/secrets', false],
    ] as const) {
      const answer = await sayRaw(site.url, Buffer.from(text(path), 'latin1'));
      expect(answer.status).toBe(status);
      expectOurs(answer, isProblem);
    }
  });

  it('also headers that do not arrive in time', async () => {
    const server = site.app.getHttpServer();
    const { headersTimeout } = server;
    server.headersTimeout = 500;
    try {
      const slow = ['/api/v1/files', '/secrets'].map((path) => sayRaw(site.url, `GET ${path} HTTP/1.1\r\n${host}X-`));
      for (const answer of await Promise.all(slow)) {
        expect(answer.status).toBe(408);
        // how far a request has come is not known, so it is answered as to a browser
        expectOurs(answer, false);
      }
    } finally {
      server.headersTimeout = headersTimeout;
    }
  });

  it('also in the middle of a body, and from a form of another host', async () => {
    const broken = `POST /api/v1/auth/login HTTP/1.1\r\n${chunked}zz\r\n`;
    expectOurs(await sayRaw(site.url, broken), true);
    const form = `${host}Host: evil.example\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    expect((await sayRaw(site.url, `POST /login HTTP/1.1\r\n${form}`)).status).toBe(400);
  });

  it('and others are served', async () => {
    for (const one of [
      'gatehouse.example',
      'GATEHOUSE.example:80',
      '[::1]:3000',
      '127.0.0.1',
      'münchen.example',
      'my_host',
    ])
      expect((await ask('/', `Host: ${encodeURI(one).replaceAll(/%5B|%5D/g, decodeURI)}\r\n`)).status).toBe(200);
    expect((await ask('/', '', '1.0')).status).toBe(200);
  });
});

describe('a target with scheme and host is the same request', () => {
  it.each(['http://gatehouse.example', 'HTTP://gatehouse.example:8080', 'https://[::1]'])('%s', async (start) => {
    expect((await ask(start)).body).toContain('<title>Gatehouse</title>');
    expect((await ask(`${start}?x`)).status).toBe(200);
    expect((await ask(`${start}/secrets?a=b`)).headers.location).toBe('/login?next=%2Fsecrets%3Fa%3Db');
    const missing = await ask(`${start}/api/v1/nothing-here`);
    expect(missing.status).toBe(404);
    expectOurs(missing, true);
    const wrong = await ask(`${start}/api/v1/auth/login`);
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'POST']);
    expect((await ask(`${start}/ready`)).status).toBe(200);
  });

  it('whose host counts, and not the header', async () => {
    const post = (target: string, origin: string) =>
      askRaw(site.url, target, { method: 'POST', headers: { origin, host: 'other.example' } });
    expect((await post('http://gatehouse.example/logout', 'http://gatehouse.example')).status).toBe(303);
    expect((await post('http://gatehouse.example/logout', 'http://other.example')).status).toBe(403);
  });

  it('and no other scheme is', async () => {
    for (const target of ['ftp://gatehouse.example/', 'file:///etc/passwd', 'gatehouse.example:80'])
      expect([400, 404]).toContain((await ask(target)).status);
  });
});

describe('slashes too many', () => {
  it.each([
    ['/secrets/', '/secrets'],
    ['/login/?next=%2Fsecrets', '/login?next=%2Fsecrets'],
    ['//login', '/login'],
    ['/account//sessions/', '/account/sessions'],
    ['/files/0198c0de-0000-7000-8000-000000000000/', '/files/0198c0de-0000-7000-8000-000000000000'],
    ['/api/docs/', '/api/docs'],
    ['/api/v1/files/?limit=1', '/api/v1/files?limit=1'],
    ['//api/v1//users/me/', '/api/v1/users/me'],
    ['/health/', '/health'],
  ])('%s leads to %s', async (target, page) => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await askRaw(site.url, target, { method });
      expect([status, headers.location]).toEqual([308, page]);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it.each([
    '//evil.example/',
    '//evil.example//',
    '/\\evil.example/',
    '///',
    '//',
    '/%2F/evil.example/',
    '/nothing-here/',
  ])('%s leads nowhere else', async (target) => {
    const { headers } = await askRaw(site.url, target);
    expect(headers.location ?? '/').toMatch(/^\/(?![/\\])/);
  });

  it('keep the method and what is sent', async () => {
    const script = new Script(site.url);
    const who = await new Visitor(site.url).register();
    const answer = await script.ask('/api/v1/auth/login/', { json: who });
    expect([answer.status, answer.url]).toEqual([200, `${site.url}/api/v1/auth/login`]);
    const posted = await new Visitor(site.url).ask('/login/', { form: { email: who.email, password: who.password } });
    expect([posted.status, posted.headers.get('location')]).toEqual([308, '/login']);
  });
});

it('none of that is a fault of the site', () => {
  expect(faultsOf(site)).toEqual([]);
});
