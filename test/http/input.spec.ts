import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { User } from '../../src/users/user.entity.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { person, Script } from '../support/people.js';

const site = aSite();

const users = () => site.app.get(DataSource).getRepository(User);

interface Problem {
  errors: { field: string; message: string }[];
}

/** What is no text at all, or text that no field takes. */
const noText: [what: string, value: unknown][] = [
  ['an array', ['ada@example.com']],
  ['an array of arrays', [[['x']]]],
  ['an empty array', []],
  ['an object', { $ne: null }],
  ['an object that says it is text', { toString: 'x', length: 20, trim: 1 }],
  ['an empty object', {}],
  ['a number', 12_345_678],
  ['a number beyond all', 1e308],
  ['true', true],
  ['null', null],
  ['nothing', undefined],
  ['empty text', ''],
];

describe.each(['/api/v1/auth/register', '/register'])('what is sent to %s', (path) => {
  it.each(noText)('may be %s in no field, and makes no account', async (_, value) => {
    const before = await users().count();
    for (const field of ['name', 'email', 'password']) {
      const { status, text } = await post(path, { ...person(), [field]: value });
      expect(status).toBe(422);
      if (path.startsWith('/api/'))
        expect((JSON.parse(text) as Problem).errors.map((error) => error.field)).toEqual([field]);
    }
    expect(await users().count()).toBe(before);
  });

  it.each([
    ['a NUL', '\0'],
    ['a line break', '\r\nSet-Cookie: x=y'],
    ['a line separator', '\u2028'],
    ['a tab', '\t'],
    ['a delete', '\x7f'],
    ['a control character of Latin 1', '\x85'],
    ['half of a surrogate pair', '\ud800'],
  ])('has no %s in name or email', async (_, character) => {
    expect((await post(path, person({ name: `Ada${character}Lovelace` }))).status).toBe(422);
    expect((await post(path, person({ email: `ada${character}x@example.com` }))).status).toBe(422);
    expect((await post(path, person({ email: `"ada${character}x"@example.com` }))).status).toBe(422);
  });

  it.each([
    ['that is 101 characters long', 'a'.repeat(101)],
    ['that hides its length behind marks of presentation', 'a\uFE0F'.repeat(100)],
    ['of spaces', ' \u00a0\u3000 '],
    ['of what nobody can see', '\u200b\u202e\u2060'],
  ])('has no name %s', async (_, name) => {
    expect((await post(path, person({ name }))).status).toBe(422);
  });

  it('may be a name of 100 characters beyond the first plane, and an email of 254', async () => {
    const domain = `${'d'.repeat(63)}.${'e'.repeat(63)}.${'f'.repeat(57)}.org`;
    const email = `${Math.random().toString(36).slice(2).padEnd(64, 'x')}@${domain}`;
    expect(email).toHaveLength(254);
    expect((await post(path, person({ name: '🔑'.repeat(100), email }))).status).toBeLessThan(400);
    expect(await users().findOneByOrFail({ email })).toMatchObject({ name: '🔑'.repeat(100) });
  });

  it.each([
    'no-at-sign',
    'a@b',
    '@example.com',
    'a b@example.com',
    'a@example.com, b@example.com',
    'Ada <a@example.com>',
  ])('is no email like "%s"', async (email) => {
    expect((await post(path, person({ email }))).status).toBe(422);
  });
});

describe.each(['/api/v1/auth/login', '/login'])('what is sent to %s', (path) => {
  it.each(noText)('may be %s neither as email nor as password', async (_, value) => {
    for (const field of ['email', 'password']) {
      const { status } = await post(path, { ...person(), [field]: value });
      expect(status).toBe(422);
    }
  });

  it.each([
    ['a NUL', 'ada\0@example.com', 'password\0'],
    ['half of a surrogate pair', 'ada\udfff@example.com', 'pass\ud800word'],
    ['line breaks', 'ada\r\n@example.com', 'pass\r\nword'],
    ['SQL', "' OR 1=1; --", "' OR 1=1; --"],
    ['a pattern', '%@%', '%'],
    ['the name of a built-in', '__proto__', 'constructor'],
  ])('lets nobody in with %s', async (_, email, password) => {
    for (const credentials of [
      { email, password: 'correct horse battery staple' },
      { email: 'ada@example.com', password },
    ]) {
      const { status, location } = await post(path, credentials);
      expect([401, 422, 303]).toContain(status);
      if (status === 303) expect(location).toBe('/login');
    }
  });

  it.each(noText)('goes nowhere strange where `next` is %s', async (_, next) => {
    const who = await new Script(site.url).register();
    const { status, location } = await post(path, { ...who, next });
    if (path === '/login') expect([status, location]).toEqual([303, '/secrets']);
    else expect(status).toBe(200);
  });
});

describe.each(['/register', '/login', '/api/v1/auth/register', '/api/v1/auth/login'])('a body of %s', (path) => {
  it.each([
    ['an array', '[{"email":"ada@example.com"}]'],
    ['null', 'null'],
    ['text', '"ada@example.com"'],
    ['a number', '1'],
    ['cut short', '{"email":"ada@example.com"'],
    ['not JSON', 'email=ada@example.com'],
    ['JSON with a comment', '{/* hello */}'],
    ['JSON that is poisoned', '{"__proto__":{"role":"admin"},"email":"ada@example.com"}'],
    ['JSON that is poisoned otherwise', '{"constructor":{"prototype":{"role":"admin"}}}'],
    ['arrays in arrays, 5,000 deep', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['a field of arrays, 5,000 deep', `{"email":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
    ['objects in objects, 2,000 deep', `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`],
    ['a field of objects, 17 deep', `{"name":${'{"a":'.repeat(17)}1${'}'.repeat(17)}}`],
  ])('that is %s is not read', async (_, body) => {
    expect((await send(path, body, 'application/json')).status).toBe(400);
    expect(({} as { role?: string }).role).toBeUndefined();
  });

  it.each([
    ['objects 5,000 deep', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['arrays 50,000 deep', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['an email of 1 MiB', JSON.stringify({ ...person(), email: 'a'.repeat(1_048_576) })],
    ['a password of 1 MiB', JSON.stringify({ ...person(), password: 'a'.repeat(1_048_576) })],
    ['a field nobody knows, of 1 MiB', JSON.stringify({ ...person(), x: 'a'.repeat(1_048_576) })],
  ])('with %s is too large, as JSON and as a form', async (_, body) => {
    expect((await send(path, body, 'application/json')).status).toBe(413);
    expect((await send(path, `email=${body}`, 'application/x-www-form-urlencoded')).status).toBe(413);
  });

  it.each(['text/html', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-ndjson', 'x', '/'])(
    'of the type "%s" is refused',
    async (type) => {
      expect([400, 415]).toContain((await send(path, 'email=ada@example.com&password=whatever', type)).status);
    },
  );

  it.each(['name', 'email', 'password'])('with %s twice is not right', async (field) => {
    const form = new URLSearchParams([...Object.entries(person()), [field, 'second value']]);
    if (field === 'name' && path.endsWith('login')) form.delete('email');
    expect((await send(path, form.toString(), 'application/x-www-form-urlencoded')).status).toBe(422);
  });

  it.each(['email[]=ada@example.com', 'email[a]=b', '%', '%zz=1', '&&==&', 'a&'.repeat(4_000), '%00=%00'])(
    'of the form %s is not right',
    async (form) => {
      expect((await send(path, form, 'application/x-www-form-urlencoded')).status).toBe(422);
    },
  );
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

const post = (path: string, fields: object) => send(path, JSON.stringify(fields), 'application/json');

async function send(path: string, body: string, type: string) {
  const headers = { 'content-type': type, accept: path.startsWith('/api/') ? 'application/json' : 'text/html' };
  const response = await fetch(new URL(path, site.url), { method: 'POST', redirect: 'manual', headers, body });
  return { status: response.status, location: response.headers.get('location'), text: await response.text() };
}
