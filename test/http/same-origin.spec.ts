import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const publicUrl = 'http://files.example.org:8080';

const site = aSite(() => startApp({ PUBLIC_URL: publicUrl }));
let ada: Person;
beforeAll(async () => {
  ada = await new Visitor(site.url).register();
});

/** Logs in from a page with these headers; no Origin and no Sec-Fetch-Site but those given. */
const logInWith = async (headers: Record<string, string>) => {
  const body = new URLSearchParams({ email: ada.email, password: ada.password });
  return fetch(new URL('/login', site.url), { method: 'POST', redirect: 'manual', body, headers });
};

describe('a form that a member sends', () => {
  it.each([
    ['this site, as the browser says', { 'sec-fetch-site': 'same-origin' }],
    ['the member’s own hand', { 'sec-fetch-site': 'none' }],
    ['no browser at all', {}],
  ])('is taken from %s', async (_from, headers) => {
    const answer = await logInWith(headers);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/secrets']);
  });

  it('is taken from a page whose origin is this host', async () => {
    expect((await logInWith({ origin: new URL(site.url).origin })).status).toBe(303);
  });

  it('is taken from the public address, though a proxy changed the host', async () => {
    expect((await logInWith({ origin: publicUrl })).status).toBe(303);
    expect((await logInWith({ origin: publicUrl, 'sec-fetch-site': 'cross-site' })).status).toBe(303);
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbouring site', { 'sec-fetch-site': 'same-site' }],
    ['somewhere unheard of', { 'sec-fetch-site': 'moon' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin in particular', { origin: 'null' }],
    ['the same name on another port', { origin: 'http://files.example.org:8081' }],
    ['the same name over another scheme', { origin: 'https://files.example.org:8080' }],
    ['a longer name', { origin: `${publicUrl}.evil.example` }],
    [
      'another site that names our origin in the host forwarded',
      { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' },
    ],
  ])('is refused from %s, and nothing happens', async (_from, headers) => {
    const answer = await logInWith(headers);
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie().filter((cookie) => cookie.includes('session'))).toEqual([]);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await answer.text()).toContain('That is not allowed');
  });

  it.each(['/login', '/register', '/logout'])('is refused from another site on %s', async (path) => {
    const visitor = new Visitor(site.url);
    const answer = await visitor.ask(path, { form: { ...person() }, headers: { 'sec-fetch-site': 'cross-site' } });
    expect(answer.status).toBe(403);
  });
});

it('a link from another site still shows a page', async () => {
  const visitor = new Visitor(site.url);
  await visitor.register();
  expect((await visitor.ask('/secrets', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(200);
});

it('the API, which knows no cookie, is asked from anywhere', async () => {
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
    const script = new Script(site.url);
    const answer = await script.ask('/api/v1/auth/login', { json: ada, headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
});
