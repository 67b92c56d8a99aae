import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.js';
import { person, Visitor } from '../support/people.js';

let site: TestApp;

const cookiesOf = (answer: Response) => answer.headers.getSetCookie();

/** What stands after the name and the value, in lower case. */
const attributesOf = (cookie = '') =>
  cookie
    .split('; ')
    .slice(1)
    .map((attribute) => attribute.toLowerCase())
    .sort();

const register = () => new Visitor(site.url).ask('/register', { form: { ...person() } });

describe('where people come over plain http, as on one’s own machine', () => {
  beforeAll(async () => void (site = await startApp()));
  afterAll(() => site.close());

  it('the cookie of a session is out of reach of scripts and of other sites', async () => {
    const [cookie, ...others] = cookiesOf(await register());
    expect(others).toEqual([expect.stringMatching(/^gatehouse-device-[0-9a-f]{8}=[^;]+; .*httponly/i)]);
    expect(cookie).toMatch(/^gatehouse-session-[0-9a-f]{8}=[^;]+; /);
    expect(attributesOf(cookie)).toEqual(['httponly', 'path=/', 'samesite=lax']);
  });

  it('a browser is not told to come over TLS', async () => {
    expect((await new Visitor(site.url).ask('/')).headers.get('strict-transport-security')).toBeNull();
  });
});

describe('where people come over https', () => {
  beforeAll(async () => void (site = await startApp({ PUBLIC_URL: 'https://files.example.org' })));
  afterAll(() => site.close());

  it('the cookie of a session is tied to this host and to TLS', async () => {
    const [cookie, ...others] = cookiesOf(await register());
    expect(others).toEqual([expect.stringMatching(/^__Host-gatehouse-device-[0-9a-f]{8}=[^;]+; .*httponly.*secure/i)]);
    expect(cookie).toMatch(/^__Host-gatehouse-session-[0-9a-f]{8}=[^;]+; /);
    expect(attributesOf(cookie)).toEqual(['httponly', 'path=/', 'samesite=lax', 'secure']);
  });

  it('the cookie is cleared with the same attributes', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    const cleared = cookiesOf(await ada.ask('/logout', { method: 'POST' })).filter((line) => line.includes('session'));
    expect(cleared).toHaveLength(1);
    expect(cleared[0]).toMatch(/^__Host-gatehouse-session-[0-9a-f]{8}=;/);
    expect(attributesOf(cleared[0])).toEqual(expect.arrayContaining(['httponly', 'path=/', 'samesite=lax', 'secure']));
    expect(ada.cookies.has('__Host-gatehouse-session')).toBe(false);
  });

  it('a cookie of the plain name, which a neighbouring host could plant, opens nothing', async () => {
    const ada = new Visitor(site.url);
    await ada.register();
    const planted = new Visitor(site.url);
    planted.cookies.set('gatehouse-session', ada.cookies.get('__Host-gatehouse-session') ?? '');
    expect((await planted.ask('/secrets')).status).toBe(303);
  });

  it('the message of a redirect travels no less safely, and not for long', async () => {
    const form = { email: 'nobody@example.com', password: 'a wrong password' };
    const [cookie] = cookiesOf(await new Visitor(site.url).ask('/login', { form }));
    expect(cookie).toMatch(/^__Host-gatehouse-flash-[0-9a-f]{8}=[^;]+; /);
    expect(attributesOf(cookie)).toEqual(['httponly', 'max-age=60', 'path=/', 'samesite=lax', 'secure']);
  });

  it.each(['/', '/health', '/api/v1/openapi.json', '/api/v1/users/me', '/nothing/here'])(
    'a browser is told to come over TLS only: %s',
    async (path) => {
      expect((await new Visitor(site.url).ask(path)).headers.get('strict-transport-security')).toMatch(
        /^max-age=(31536000|[4-9]\d{7}|\d{9,}); includeSubDomains$/,
      );
    },
  );
});
