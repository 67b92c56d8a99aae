import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { addAuthenticator, addPasskey, optionsIn, setUpAuthenticator } from '../support/factors.js';
import { faultsOf } from '../support/faults.js';
import { linksOf } from '../support/html.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';

const site = aSite();
let shelved: Shelved;
beforeAll(async () => {
  shelved = await shelve(site, 100, 'wanted.bin');
});

const wanted = '/collections?q=a%20b';
const login = `/login?next=${encodeURIComponent(wanted)}`;

/** The fields of a form's page that nobody sees. */
const hiddenIn = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value.replaceAll('&#x3D;', '='),
    ]),
  );

/** Has the link to log in mailed, and presses its button. */
async function followsLink(visitor: Visitor, { email }: Person, next: string): Promise<Response> {
  const asked = await visitor.ask('/login/link', { form: { email, next } });
  expect(asked.headers.get('location')).toBe(`/login?next=${encodeURIComponent(next)}`);
  const { pathname, search } = new URL(linkIn(await waitForMail(site, email, /link to log in/i)));
  const { html } = await visitor.visit(pathname + search);
  return visitor.ask('/login/open', { form: hiddenIn(html) });
}

describe('where a stranger wanted to go', () => {
  it('is kept by every link of the login page that leads to another way in', async () => {
    const visitor = new Visitor(site.url);
    const links = linksOf((await visitor.visit(login)).html).filter((href) =>
      /^\/(register|login|password)/.test(href),
    );
    const kept = links.filter((href) => new URL(href, site.url).searchParams.get('next') === wanted);
    expect(kept.map((href) => href.split('?')[0]).sort()).toEqual([
      '/login',
      '/login/link',
      '/password/forgot',
      '/register',
      '/register',
    ]);
    expect(links.length).toBe(kept.length);
  });

  it('is kept by the page of each of them, and by its way back', async () => {
    for (const path of ['/register', '/login/link', '/password/forgot']) {
      const { html } = await new Visitor(site.url).visit(`${path}?next=${encodeURIComponent(wanted)}`);
      expect([path, hiddenIn(html).next]).toEqual([path, wanted]);
      expect(linksOf(html)).toContain(login);
    }
  });

  it('is where registering leads, also after a mistake in the form', async () => {
    const visitor = new Visitor(site.url);
    const who = person();
    const { html } = await visitor.visit('/register', { form: { ...who, password: 'short', next: wanted } });
    const answer = await visitor.ask('/register', { form: { ...who, ...hiddenIn(html) } });
    expect(answer.headers.get('location')).toBe(wanted);
  });

  it('is kept if the email is registered already', async () => {
    const who = await new Script(site.url).register();
    const answer = await new Visitor(site.url).ask('/register', { form: { ...who, next: wanted } });
    expect(answer.headers.get('location')).toBe(login);
  });

  it('is where a second step leads, however long its address is', async () => {
    const script = new Script(site.url);
    const who = await script.register();
    const { nextCode } = await addAuthenticator(site, script);
    const long = `/collections?q=${'a'.repeat(900)}`;
    const visitor = new Visitor(site.url);
    const { at, html } = await visitor.visit('/login', { form: { ...who, next: long } });
    expect([at, hiddenIn(html).next]).toEqual(['/login/factor', long]);
    expect((await visitor.visit('/login/factor', { form: { code: '000000' } })).at).toBe('/login/factor');
    const answer = await visitor.ask('/login/factor', { form: { code: await nextCode() } });
    expect(answer.headers.get('location')).toBe(long);
  });

  it('is where a mailed link leads', async () => {
    const who = await new Script(site.url).register();
    const answer = await followsLink(new Visitor(site.url), who, wanted);
    expect(answer.headers.get('location')).toBe(wanted);
  });

  it('is where a second tab goes on, once the first has logged in', async () => {
    const visitor = new Visitor(site.url);
    await visitor.register();
    for (const path of ['/login', '/register', '/login/link'])
      expect([path, (await visitor.ask(`${path}?next=${encodeURIComponent(wanted)}`)).headers.get('location')]).toEqual(
        [path, wanted],
      );
    const sent = await visitor.ask('/register', { form: { ...person(), next: wanted } });
    expect(sent.headers.get('location')).toBe(wanted);
    expect((await visitor.ask('/login?next=//evil.example')).headers.get('location')).toBe('/secrets');
  });
});

describe('a login that leads to a download', () => {
  const ways: [string, (visitor: Visitor, next: string) => Promise<Response>][] = [
    [
      'by password',
      async (visitor, next) => visitor.ask('/login', { form: { ...(await new Script(site.url).register()), next } }),
    ],
    ['by registering', (visitor, next) => visitor.ask('/register', { form: { ...person(), next } })],
    [
      'in another tab',
      async (visitor, next) => {
        await visitor.register();
        return visitor.ask(`/login?next=${encodeURIComponent(next)}`);
      },
    ],
    [
      'by password and a code',
      async (visitor, next) => {
        const { who, nextCode } = await setUpAuthenticator(site);
        await visitor.visit('/login', { form: { ...who, next } });
        return visitor.ask('/login/factor', { form: { code: await nextCode() } });
      },
    ],
    [
      'by password and a recovery code',
      async (visitor, next) => {
        const { who, recoveryCodes } = await setUpAuthenticator(site);
        await visitor.visit('/login', { form: { ...who, next } });
        return visitor.ask('/login/factor', { form: { code: recoveryCodes[0] ?? '' } });
      },
    ],
    ['by a link by mail', async (visitor, next) => followsLink(visitor, await new Script(site.url).register(), next)],
    [
      'by a link by mail and a code',
      async (visitor, next) => {
        const { who, nextCode } = await setUpAuthenticator(site);
        const { headers } = await followsLink(visitor, who, next);
        expect(headers.get('location')).toBe('/login/factor');
        return visitor.ask('/login/factor', { form: { code: await nextCode() } });
      },
    ],
    [
      'by a passkey',
      async (visitor, next) => {
        const owner = new Visitor(site.url);
        await owner.register();
        const passkey = await addPasskey(site, owner);
        const { html } = await visitor.visit(`/login?next=${encodeURIComponent(next)}`);
        return visitor.ask('/login/passkey', { form: { ...hiddenIn(html), response: passkey.get(optionsIn(html)) } });
      },
    ],
    [
      'by password and a passkey',
      async (visitor, next) => {
        const owner = new Visitor(site.url);
        const who = await owner.register();
        const passkey = await addPasskey(site, owner);
        const { html } = await visitor.visit('/login', { form: { ...who, next } });
        return visitor.ask('/login/passkey', { form: { ...hiddenIn(html), response: passkey.get(optionsIn(html)) } });
      },
    ],
  ];

  it.each(ways)(
    '%s shows a browser that its person is in, starts the download, and then gives it',
    async (_, logIn) => {
      for (const next of [shelved.download, '/download', '/files/SHA256SUMS']) {
        const visitor = new Visitor(site.url);
        const answer = await logIn(visitor, next);
        expect([answer.status, answer.headers.get('location')]).toEqual([303, next]);
        const page = await visitor.visit(next);
        expect(page.response.headers.get('content-type')).toMatch(/^text\/html/);
        expect(page.html).toContain('You are logged in');
        expect(page.html).toContain(`<meta http-equiv="refresh" content="0;url=${next}">`);
        expect(linksOf(page.html)).toContain(next);
        const file = await visitor.ask(next);
        expect(file.headers.get('content-disposition')).toMatch(/^attachment/);
        await file.arrayBuffer();
      }
    },
  );

  it.each(ways)(
    '%s leads back to the page of a form that came without a session, and fills it with nothing',
    async (_, logIn) => {
      const page = '/account/name';
      const visitor = new Visitor(site.url);
      const sent = await visitor.ask(page, { form: { name: 'Typed by whom' } });
      expect([sent.status, sent.headers.get('location')]).toEqual([303, `/login?next=${encodeURIComponent(page)}`]);
      const answer = await logIn(visitor, page);
      expect([answer.status, answer.headers.get('location')]).toEqual([303, page]);
      const { status, html } = await visitor.visit(page);
      expect([status, html.includes('Typed by whom')]).toEqual([200, false]);
      expect(html).toContain('<form');
    },
  );

  it('gives a program its bytes, and a page that is no download is not held up', async () => {
    const who = await new Script(site.url).register();
    const visitor = new Visitor(site.url);
    await visitor.ask('/login', { form: { ...who, next: shelved.download } });
    const bytes = await (await visitor.ask(shelved.download, { headers: { accept: '*/*' } })).arrayBuffer();
    expect(Buffer.from(bytes)).toEqual(shelved.bytes);
    const other = new Visitor(site.url);
    const answer = await other.ask('/login', { form: { ...who, next: '/secrets' } });
    expect(answer.headers.getSetCookie().join()).not.toContain('arrival');
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
