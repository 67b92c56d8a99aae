import { describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { Script, Visitor } from '../support/people.js';
import { askRaw } from '../support/raw.js';

const site = aSite();

describe('an address that ends elsewhere', () => {
  const elsewhere = [
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%2e//evil.example',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'evil.example',
    '@evil.example',
    '/secrets\r\nSet-Cookie: x=y',
    '/secrets\0',
    '/login',
    '/login?next=/login',
    '/%6cogin',
    '/%6Cog%69n?next=%2F%6cogin',
    '/./login',
    '/logout',
    '/%6cogout',
    '/x/../logout',
    '/register',
    '/%zz',
    `/${'a'.repeat(3_000)}`,
  ];
  const shown = elsewhere.map((next): [string, string] => [JSON.stringify(next).slice(0, 50), next]);

  it.each(shown)('is not followed after the login: %s', async (_, next) => {
    const who = await new Script(site.url).register();
    const { headers } = await new Visitor(site.url).ask('/login', { form: { ...who, next } });
    expect(headers.get('location')).toBe('/secrets');
    expect(headers.getSetCookie().join()).not.toContain('x=y');
  });

  it.each(shown)('is not put into the form, nor carried on by a login that is wrong: %s', async (_, next) => {
    const { html } = await new Visitor(site.url).visit(`/login?next=${encodeURIComponent(next)}`);
    expect(html).not.toContain('name="next"');
    const wrong = await new Visitor(site.url).ask('/login', { form: { email: 'a@example.com', password: 'x', next } });
    expect(wrong.headers.get('location')).toBe('/login');
    const bad = await new Visitor(site.url).visit('/login', { form: { email: '', password: '', next } });
    expect(bad.html).not.toContain('name="next"');
  });

  it('is not where a stranger is sent from a page, however its address is written', async () => {
    for (const target of ['//evil.example/secrets', 'http://evil.example/secrets', '/secrets?next=//evil.example']) {
      const { headers } = await askRaw(site.url, target);
      expect(headers.location ?? '/').toMatch(/^\/(login(\?next=%2F(?!%2F|%5C)[^&]*)?)?$/);
    }
  });
});

it('an address of this site is followed, with its query and in its plain form', async () => {
  const who = await new Script(site.url).register();
  for (const [next, path] of [
    ['/secrets?q=a%20b', '/secrets?q=a%20b'],
    ['/x/../secrets', '/secrets'],
    ['/файл', '/%D1%84%D0%B0%D0%B9%D0%BB'],
    ['/secrets?next=//evil.example', '/secrets?next=//evil.example'],
    ['/half\ud800', '/half%EF%BF%BD'],
  ] as const) {
    const { headers } = await new Visitor(site.url).ask('/login', { form: { ...who, next } });
    expect(headers.get('location')).toBe(path);
  }
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
