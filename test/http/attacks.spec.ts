import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource, type ObjectLiteral } from 'typeorm';
import { Cookies } from '../../src/http/cookies.js';
import { Session } from '../../src/sessions/session.entity.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { User } from '../../src/users/user.entity.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { person, Script, Visitor } from '../support/people.js';
import { askRaw, type RawAnswer } from '../support/raw.js';

const site = aSite();
let script: Script;
let visitor: Visitor;
beforeAll(async () => {
  script = new Script(site.url);
  visitor = new Visitor(site.url);
  await script.register();
  await visitor.register();
});

describe('a registration that asks for more', () => {
  const more = {
    role: 'admin',
    id: randomUUID(),
    passwordHash: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA',
    disabledAt: 1,
    createdAt: '1999-01-01T00:00:00.000Z',
    constructor: 'User',
    user: { role: 'admin' },
    '__proto__.role': 'admin',
  };

  it('gets an account like anyone’s through the API', async () => {
    const who = person();
    const answer = await script.ask('/api/v1/auth/register', { json: { ...who, ...more } });
    expect(answer.status).toBe(201);
    await expectPlainMember(who.email);
  });

  it('gets an account like anyone’s through the page', async () => {
    const who = person();
    const fields = { ...who, ...more, disabledAt: '1', user: 'admin', 'user[role]': 'admin' };
    const answer = await visitorWithout().ask('/register', { form: fields });
    expect(answer.headers.get('location')).toBe('/secrets');
    await expectPlainMember(who.email);
  });

  it('with a poisoned prototype is not read, as JSON or as a form', async () => {
    const who = person();
    const json = `{"__proto__":{"role":"admin"},${JSON.stringify(who).slice(1)}`;
    for (const [type, body] of [
      ['application/json', json],
      ['application/x-www-form-urlencoded', `__proto__=admin&${new URLSearchParams({ ...who }).toString()}`],
    ] as const) {
      const answer = await fetch(`${site.url}/register`, { method: 'POST', headers: { 'content-type': type }, body });
      expect(answer.status).toBe(400);
    }
    expect(await users().existsBy({ email: who.email })).toBe(false);
  });

  async function expectPlainMember(email: string): Promise<void> {
    const user = await users().findOneByOrFail({ email });
    expect(user).toMatchObject({ role: 'member', disabledAt: null });
    expect(user.id).not.toBe(more.id);
    expect(user.passwordHash).not.toBe(more.passwordHash);
    expect(user.createdAt.getFullYear()).not.toBe(1999);
  }
});

describe('a lookup by nothing', () => {
  it.each([
    ['members', User],
    ['sessions', Session],
    ['files', StoredFile],
  ])('finds none of the %s: it is a fault', async (_, entity: new () => ObjectLiteral) => {
    const rows = site.app.get(DataSource).getRepository(entity);
    expect(await rows.count()).toBeGreaterThan(0);
    for (const nothing of [undefined, null]) {
      await expect(rows.findOneBy({ id: nothing })).rejects.toThrow();
      await expect(rows.delete({ id: nothing })).rejects.toThrow();
      await expect(rows.update({ id: nothing }, { id: 'x' })).rejects.toThrow();
    }
    await expect(rows.delete({})).rejects.toThrow();
  });

  it.each(['/api/v1/files//content', '/files//download', '/api/v1/files/undefined', '/api/v1/files/null'])(
    'finds nothing at %s',
    async (path) => {
      const { status, headers } = await asMember(path);
      // slashes that stand beside each other lead to the address with one
      expect(status === 308 ? (await asMember(headers.location ?? '')).status : status).toBe(404);
    },
  );
});

describe('an id that is none', () => {
  const ids = [
    '..',
    '../../etc/passwd',
    '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '..%5c..%5cwindows',
    '%2fetc%2fpasswd',
    '%00',
    'x%00.pdf',
    '%0d%0aset-cookie:x=y',
    '%ff',
    '%ED%A0%80',
    '%',
    '%zz',
    "'%20OR%20'1'='1",
    "1'%3b%20DROP%20TABLE%20files;--",
    '*',
    '[object%20Object]',
    '__proto__',
    'a'.repeat(200),
    'a'.repeat(201),
    'a'.repeat(8_000),
    '%F0%9F%94%91',
  ];

  it.each(ids.map((id) => [id.slice(0, 50), id]))('finds no file: %s', async (_, id) => {
    for (const path of [`/files/${id}/download`, `/api/v1/files/${id}`, `/api/v1/files/${id}/content`]) {
      const { status, body } = await asMember(path);
      expect([400, 404, 414]).toContain(status);
      expect(body).not.toMatch(/root:|SQLITE|syntax|invalid byte/i);
    }
  });

  it.each([
    '../package.json',
    '..%2fpackage.json',
    '%2e%2e%2f%2e%2e%2fpackage.json',
    '..%5cpackage.json',
    '%00',
    'site.css',
    '.',
    '',
    '__proto__',
    'constructor',
    'icon.svg%00.png',
  ])('finds no asset: %s', async (name) => {
    expect((await asMember(`/assets/${name}`)).status).toBe(404);
  });
});

describe('a question to the list of files', () => {
  it.each([
    ['q', '%00'],
    ['q', 'a%01b'],
    ['q', 'a'.repeat(201)],
    ['limit', '0'],
    ['limit', '-1'],
    ['limit', '101'],
    ['limit', '1e9'],
    ['limit', '50;DROP TABLE files'],
    ['limit', 'NaN'],
    ['limit', ''],
    ['limit', '1&limit=2'],
    ['cursor', "' OR 1=1 --"],
    ['cursor', '%00'],
    ['cursor', '../'],
    ['cursor', 'a&cursor=b'],
    ['q', 'a&q=b'],
    ['q[]', 'a&q=1&q=2'],
  ])('is told that it is not right: %s=%s', async (name, value) => {
    for (const path of ['/api/v1/files', '/secrets'])
      expect((await asMember(`${path}?${name}=${value.replaceAll(' ', '%20')}`)).status).toBe(422);
  });

  it.each(["' OR '1'='1", '%', '_', '!', '!%', '\\', '"; DROP TABLE files; --', '%ED%A0%80', '[object Object]'])(
    'finds no name that does not hold the text: %s',
    async (text) => {
      const answer = await script.ask(`/api/v1/files?q=${text.startsWith('%E') ? text : encodeURIComponent(text)}`);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ items: [], nextCursor: null });
    },
  );

  it('is not confused by names of built-ins', async () => {
    const { status } = await asMember('/api/v1/files?__proto__[limit]=1&constructor=x&toString=1&hasOwnProperty=1');
    expect(status).toBe(200);
  });
});

describe('credentials in an address', () => {
  it.each(['/login', '/api/v1/auth/login'])('let nobody in at %s, whatever the body', async (path) => {
    const { email, password } = await new Script(site.url).register();
    const target = `${path}?${new URLSearchParams({ email, password }).toString()}`;
    const bodies = [undefined, '', '{}', '{"email":null}', JSON.stringify({ email }), JSON.stringify({ password })];
    for (const method of ['GET', 'POST', 'PUT']) {
      for (const body of method === 'GET' ? [undefined] : bodies) {
        for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
          const answer = await fetch(new URL(target, site.url), {
            method,
            redirect: 'manual',
            headers: { 'content-type': type },
            ...(body !== undefined && { body }),
          });
          expect([200, 400, 404, 405, 415, 422]).toContain(answer.status);
          expect(answer.headers.getSetCookie().join()).not.toContain('gatehouse-session');
          expect(await answer.text()).not.toContain('access_token');
        }
      }
    }
  });

  it('are not written to the log', () => {
    expect(site.log()).not.toContain('battery');
    expect(site.log()).not.toContain('%40example.com');
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

const users = () => site.app.get(DataSource).getRepository(User);
const visitorWithout = () => new Visitor(site.url);

/** Asks as a member, with the right credential for either side, and the path exactly as it is written. */
function asMember(path: string): Promise<RawAnswer> {
  const cookie = `${site.app.get(Cookies).fullName('session')}=${visitor.cookies.get('gatehouse-session') ?? ''}`;
  const authorization = `Bearer ${script.token ?? ''}`;
  return askRaw(site.url, path, { headers: path.startsWith('/api/') ? { authorization } : { cookie } });
}
