import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InvalidInput } from '../../src/http/errors.js';
import { inputPipe, isReadableBody } from '../../src/http/input.js';
import { safePath } from '../../src/http/safe-path.js';
import { sized } from '../support/suite.js';
import { LoginInput } from '../../src/auth/login.input.js';
import { RegistrationInput } from '../../src/users/registration.input.js';

/** Text near an address: the characters that browsers, servers and people read differently. */
const nearPath = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '\\',
        '.',
        '..',
        '@',
        ':',
        '?',
        '#',
        '%',
        '%2f',
        '%5c',
        '%09',
        '%2e',
        '\t',
        '\n',
        '\r',
        ' ',
        '\0',
      ),
      fc.constantFrom(
        'evil.example',
        'login',
        'logout',
        '%6c',
        'secrets',
        'javascript:',
        'https:',
        '[::1]',
        'x',
        '\ud800',
        'é',
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

describe('an address to go on to', () => {
  it('is on this site whatever was typed, as a browser reads it', () => {
    const site = 'https://gatehouse.example';
    fc.assert(
      fc.property(
        fc.oneof(
          nearPath,
          nearPath.map((text) => `/${text}`),
        ),
        (next) => {
          const path = safePath(next, '/secrets');
          const target = new URL(path, `${site}/login`);
          expect(target.origin).toBe(site);
          expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
          expect(['/login', '/logout', '/register']).not.toContain(decodeURIComponent(target.pathname));
        },
      ),
      { numRuns: sized('20,000 addresses to go on to, 2,000 of them', 2_000, 20_000) },
    );
  });

  it('is the one that was typed where it is plain', () => {
    fc.assert(
      fc.property(fc.webPath({ size: 'small' }), fc.webQueryParameters(), (path, query) => {
        fc.pre(path.length > 1 && !path.startsWith('//') && !/\/\.{1,2}(\/|$)|%/.test(path));
        fc.pre(!['/login', '/logout', '/register'].includes(path) && !query.includes("'"));
        expect(safePath(`${path}?${query}`, '/secrets')).toBe(`${path}${query && `?${query}`}`);
      }),
    );
  });

  it('is nothing but text', () => {
    for (const next of [undefined, null, 1, true, ['/x'], { toString: () => '/x' }, Symbol('/x')])
      expect(safePath(next, '/secrets')).toBe('/secrets');
  });
});

describe('a body', () => {
  const deep = (depth: number, wrap: (inner: unknown) => unknown) => {
    let body: unknown = 1;
    for (let level = 0; level < depth; level++) body = wrap(body);
    return body;
  };

  it.each([1, 15, 16])('of objects %i deep is read', (depth) => {
    expect(isReadableBody(deep(depth, (inner) => ({ a: inner })))).toBe(true);
    expect(isReadableBody({ a: deep(depth - 1, (inner) => [inner]) })).toBe(true);
  });

  it.each([17, 5_000, 100_000])('of objects %i deep is not', (depth) => {
    expect(isReadableBody(deep(depth, (inner) => ({ a: inner })))).toBe(false);
    expect(isReadableBody({ a: deep(depth - 1, (inner) => [inner]) })).toBe(false);
  });

  it('that is no object is not read', () => {
    for (const body of [[], [{}], 'x', 1, true, null, undefined]) expect(isReadableBody(body)).toBe(false);
  });

  it('of any JSON never throws, and becomes an input or a list of what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom(RegistrationInput, LoginInput), async (value, metatype) => {
        for (const body of [value, { name: value, email: value, password: value }]) {
          if (!isReadableBody(body)) continue;
          const read: unknown = await inputPipe
            .transform(body, { type: 'body', metatype })
            .catch((error: unknown) => error);
          if (read instanceof InvalidInput) expect(read.errors.length).toBeGreaterThan(0);
          else expect(read).toBeInstanceOf(metatype);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leaves behind what nobody asked for', async () => {
    const body = JSON.parse(
      '{"name":"Ada","email":"Ada@Example.com ","password":"correct horse","role":"admin","id":"1","constructor":1}',
    ) as object;
    const input: unknown = await inputPipe.transform(body, { type: 'body', metatype: RegistrationInput });
    expect(Object.keys(input as object).toSorted()).toEqual(['email', 'invite', 'name', 'password']);
    expect(input).toEqual({ name: 'Ada', email: 'ada@example.com', password: 'correct horse' });
  });

  it('that is right has an email which fits its column, its header and one line, whatever was typed', async () => {
    const near = fc
      .tuple(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom('@example.com', '"@example.com', '@[::1]', '@ü.example'),
      )
      .map(([local, domain]) => (domain.startsWith('"') ? '"' : '') + local + domain);
    await fc.assert(
      fc.asyncProperty(near, async (email) => {
        const body = { name: 'Ada', email, password: 'correct horse' };
        const read: unknown = await inputPipe
          .transform(body, { type: 'body', metatype: RegistrationInput })
          .catch((error: unknown) => error);
        if (read instanceof InvalidInput) return;
        expect(read).toBeInstanceOf(RegistrationInput);
        const kept = (read as RegistrationInput).email;
        expect(Array.from(kept).length).toBeLessThanOrEqual(254);
        expect(kept).not.toMatch(/[\s\p{C}]/u);
        expect(kept).toBe(kept.toLowerCase().trim());
      }),
      { numRuns: 1_000 },
    );
  });
});
