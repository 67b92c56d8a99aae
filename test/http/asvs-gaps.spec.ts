import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { projectFolder } from '../../src/config/settings.js';
import { RouteList } from '../../src/http/route-list.js';
import { PasswordResets } from '../../src/confirmations/password-resets.js';
import { onThisMachine } from '../../src/http/caller.js';
import { LinksService } from '../../src/links/links.service.js';
import { User } from '../../src/users/user.entity.js';
import { startApp, type TestApp } from '../support/app.js';
import { cellsOf } from '../support/dump.js';
import { addAuthenticator, codeFor, optionsIn, setUpAuthenticator, SoftPasskey } from '../support/factors.js';
import { fieldOf, linksOf, messageOf } from '../support/html.js';
import { confirmAddress, linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

const leaked = 'a sentence that was leaked';
const next = 'another sentence of my own';

let folder: string;
let site: TestApp;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-breach-'));
  const list = join(folder, 'list.txt');
  writeFileSync(list, createHash('sha1').update(leaked).digest('hex').toUpperCase());
  site = await startApp({ BREACH_LIST: list });
});
afterAll(() => site.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const userOf = (email: string) => site.app.get(DataSource).getRepository(User).findOneBy({ email });

/** What opens a page that a link leads to. */
const setupSecret = async () =>
  (await site.app.get(LinksService).issue({ kind: 'setup', userId: null, lifetime: 60_000 })).secret;

const resetSecret = async (email?: string) => {
  const user = await userOf(email ?? (await new Script(site.url).register()).email);
  if (!user) throw new Error('There is no such member.');
  const link = await site.app.get(PasswordResets).makeFor(user, { isFirst: false }, onThisMachine('a test'));
  return new URL(link).searchParams.get('token') ?? '';
};

/** The address of a page, with what opens it where a link leads there. */
const linkTo = async (path: string) => `${path}?token=${await (path === '/setup' ? setupSecret() : resetSecret())}`;

const me = '/api/v1/users/me';
const overview = '/account/factors';
const isIn = async (browser: Visitor) => (await browser.ask('/secrets')).status === 200;
const opens = async (script: Script) => (await script.ask(me)).status === 200;

/** A member with a browser, an API login and a personal token. */
async function member() {
  const [browser, script, token] = [new Visitor(site.url), new Script(site.url), new Script(site.url)];
  const who = await browser.register();
  await script.logIn(who);
  const made = await script.ask(`${me}/tokens`, { json: { name: 'nightly backup', scope: 'write' } });
  token.token = ((await made.json()) as { token: string }).token;
  return { who, browser, script, token };
}

async function addPasskey(browser: Visitor) {
  const options = optionsIn((await browser.visit(`${overview}/passkeys`)).html);
  const response = new SoftPasskey(site.settings.publicUrl).create(options);
  return browser.visit(`${overview}/passkeys`, { form: { response, name: 'My phone' } });
}

it('who sets up the site leaves no session behind that the browser had before', async () => {
  const browser = new Visitor(site.url);
  await browser.register();
  const former = new Visitor(site.url);
  former.cookies.set('gatehouse-session', browser.cookies.get('gatehouse-session') ?? '');
  const who = person();
  expect((await browser.visit('/setup', { form: { ...who, token: await setupSecret() } })).at).toBe('/admin');
  expect([await isIn(browser), await isIn(former)]).toEqual([true, false]);
  // for the rest of this file nobody is
  await site.app.get(DataSource).getRepository(User).update({ email: who.email }, { role: 'member' });
});

describe('a field for a password', () => {
  /** Each page that has one, for a stranger or a member, and which password each of its fields takes. */
  const pages: [path: string, of: 'stranger' | 'member', takes: string[]][] = [
    ['/login', 'stranger', ['current']],
    ['/register', 'stranger', ['new']],
    ['/setup', 'stranger', ['new']],
    ['/password/reset', 'stranger', ['new']],
    ['/account/proof', 'member', ['current']],
    ['/account/password', 'member', ['current', 'new']],
    ['/account/deletion', 'member', ['current']],
  ];

  it.each(pages)('hides what is typed, and leaves it to password managers: %s', async (path, of, takes) => {
    const visitor = new Visitor(site.url);
    if (of === 'member') await visitor.register();
    const { status, html } = await visitor.visit(of === 'member' ? path : await linkTo(path));
    expect(status).toBe(200);
    const fields = (html.match(/<input[^>]*>/g) ?? []).filter((tag) => /\bname="\w*password"/i.test(tag));
    expect(fields.map((tag) => /autocomplete="(.*?)"/.exec(tag)?.[1])).toEqual(takes.map((one) => `${one}-password`));
    for (const tag of fields) {
      expect(tag).toContain('type="password"');
      expect(tag).not.toMatch(/\b(maxlength|readonly|pattern|on\w+)\b/);
    }
  });

  it('stands on no other page', async () => {
    const admin = new Visitor(site.url);
    const { email } = await admin.register();
    await site.app.get(DataSource).getRepository(User).update({ email }, { role: 'admin' });
    const found = new Set<string>();
    for (const { method, path, view } of site.app.get(RouteList).all()) {
      if (method !== 'GET' || !view) continue;
      for (const visitor of [admin, new Visitor(site.url)]) {
        const { at, html } = await visitor.visit(await linkTo(path));
        if (/<input[^>]*\bname="\w*password"/i.test(html)) found.add(at.split('?', 1)[0] ?? '');
      }
    }
    // nobody sets up a site that has an admin
    expect([...found].sort()).toEqual(
      pages
        .map(([path]) => path)
        .filter((path) => path !== '/setup')
        .sort(),
    );
  });

  it('takes what is pasted: no script of the site looks at that', () => {
    const folder = join(projectFolder, 'views/assets');
    const scripts = readdirSync(folder).filter((file) => file.endsWith('.js'));
    expect(scripts).toContain('site.js');
    for (const file of scripts)
      expect([file, readFileSync(join(folder, file), 'utf8')]).toEqual([
        file,
        expect.not.stringMatching(/paste|clipboard|beforeinput|keydown|keypress/i),
      ]);
  });
});

describe('a password that was found in a breach', () => {
  it('makes no account, on the page or through the API', async () => {
    const who = person({ password: leaked });
    const page = await new Visitor(site.url).visit('/register', { form: { ...who } });
    expect([page.status, fieldOf(page.html, 'password').fault]).toEqual([422, expect.stringContaining('breach')]);
    const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: who });
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field: 'password' })] }),
    ]);
    expect(await userOf(who.email)).toBeNull();
  });

  it('is set by no mailed link, which stays good', async () => {
    const who = await new Script(site.url).register();
    const token = await resetSecret(who.email);
    const reset = (password: string) => new Visitor(site.url).visit('/password/reset', { form: { token, password } });
    const refused = await reset(leaked);
    expect([refused.status, fieldOf(refused.html, 'password').fault]).toEqual([422, expect.stringContaining('breach')]);
    await new Script(site.url).logIn(who);
    expect((await reset(next)).at).toBe('/login');
    await new Script(site.url).logIn({ ...who, password: next });
  });

  it('is not changed to', async () => {
    const script = new Script(site.url);
    const { password } = await script.register();
    const change = (wanted: string) =>
      script.ask('/api/v1/users/me/password', { method: 'PUT', json: { currentPassword: password, password: wanted } });
    expect((await change(leaked)).status).toBe(422);
    expect((await change(next)).status).toBe(204);
  });
});

describe('a mailed link stands in for no second factor', () => {
  it('that resets the password', async () => {
    const { who, script } = await setUpAuthenticator(site);
    await confirmAddress(site, script, who.email);
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    const link = linkIn(await waitForMail(site, who.email, /choose a new password/i));
    const json = { token: new URL(link).searchParams.get('token'), password: next };
    expect((await new Script(site.url).ask('/api/v1/password-resets', { method: 'PUT', json })).status).toBe(204);

    const browser = new Visitor(site.url);
    expect((await browser.visit('/login', { form: { email: who.email, password: next } })).at).toBe('/login/factor');
    expect((await browser.visit('/secrets')).at).toMatch(/^\/login/);
    const login = await new Script(site.url).ask('/api/v1/auth/login', { json: { email: who.email, password: next } });
    expect([login.status, await login.text()]).toEqual([401, expect.stringContaining('second factor')]);
  });

  it('that logs in', async () => {
    const { who } = await setUpAuthenticator(site);
    const browser = new Visitor(site.url);
    await browser.visit('/login/link', { form: { email: who.email } });
    const link = new URL(linkIn(await waitForMail(site, who.email, /link to log in/i)));
    const form = { token: link.searchParams.get('token') ?? '' };
    expect((await browser.visit('/login/open', { form })).at).toBe('/login/factor');
    expect((await browser.visit('/secrets')).at).toMatch(/^\/login/);
  });
});

describe('a link to log in with', () => {
  /** A link that a browser asked for by mail. */
  async function asked(browser: Visitor) {
    const { email } = await new Script(site.url).register();
    const { html } = await browser.visit('/login/link', { form: { email } });
    const mail = await waitForMail(site, email, /link to log in/i);
    return { email, html, text: mail.text ?? '', link: new URL(linkIn(mail)) };
  }

  const open = (browser: Visitor, { searchParams }: URL) =>
    browser.visit('/login/open', { form: { token: searchParams.get('token') ?? '' } });

  it('opens the gate in the browser that asked for it, and in no other, which spends nothing', async () => {
    const [browser, other] = [new Visitor(site.url), new Visitor(site.url)];
    const { link } = await asked(browser);
    // one that asked for a link of its own is another too
    for (const stranger of [new Visitor(site.url), other]) {
      if (stranger === other) await asked(other);
      for (const { status, html } of [await stranger.visit(link.pathname + link.search), await open(stranger, link)])
        expect([status, html]).toEqual([404, expect.stringContaining('works in the browser where it was asked for')]);
      expect(await isIn(stranger)).toBe(false);
    }
    expect((await browser.visit(link.pathname + link.search)).status).toBe(200);
    expect((await open(browser, link)).at).toBe('/secrets');
    expect(browser.cookies.has('gatehouse-login-link')).toBe(false);
    await browser.ask('/logout', { method: 'POST' });
    expect((await open(browser, link)).html).toContain('was used already');
  });

  it('is bound by a cookie that lasts as long, for unknown emails too, and whose value the database does not have', async () => {
    const cookies: string[] = [];
    for (const { email } of [await new Script(site.url).register(), person()]) {
      const browser = new Visitor(site.url);
      const answer = await browser.ask('/login/link', { form: { email } });
      const line = answer.headers.getSetCookie().find((one) => one.startsWith('gatehouse-login-link-')) ?? '';
      cookies.push(line.replace(/=[\w-]{43};/, '=…;'));
      const value = browser.cookies.get('gatehouse-login-link') ?? 'nothing';
      expect((await cellsOf(site)).filter((cell) => cell.includes(value))).toEqual([]);
    }
    const expected = /^gatehouse-login-link-[0-9a-f]{8}=…; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/;
    expect(cookies).toEqual([expect.stringMatching(expected), expect.stringMatching(expected)]);
  });

  it('is worth nothing after ten minutes, as the page and the mail say', async () => {
    const browser = new Visitor(site.url);
    const { link, html, text } = await asked(browser);
    expect(messageOf(html, 'status')).toContain('for 10 minutes');
    expect(text).toContain('for 10 minutes');
    const data = site.app.get(DataSource);
    const [row] = await data.query<{ lifetime: number | string }[]>(
      `SELECT "expiresAt" - "createdAt" AS "lifetime" FROM "links" WHERE "kind" = 'login' ORDER BY "id" DESC LIMIT 1`,
    );
    expect(Number(row?.lifetime)).toBe(10 * 60_000);
    await data.query(`UPDATE "links" SET "expiresAt" = $1 WHERE "kind" = 'login'`, [Date.now()]);
    expect((await open(browser, link)).status).toBe(404);
    expect(await isIn(browser)).toBe(false);
  });
});

describe('who sets up a first second factor', () => {
  it('is logged out everywhere else, tokens too, and is told so', async () => {
    const { who, browser, script, token } = await member();
    await addAuthenticator(site, script);
    expect([await opens(script), await opens(token), await isIn(browser)]).toEqual([true, false, false]);
    const { text } = await waitForMail(site, who.email, /was changed/i);
    expect(text).toContain('logged out everywhere else');
    const { items } = (await (await script.ask(`${me}/activity`)).json()) as { items: { kind: string }[] };
    expect(items.map(({ kind }) => kind)).toContain('session.others-ended');
  });

  it('in a browser stays in there', async () => {
    const { browser, script, token } = await member();
    expect((await addPasskey(browser)).html).toContain('Your recovery codes');
    expect([await opens(script), await opens(token), await isIn(browser)]).toEqual([false, false, true]);
  });
});

it('a later change of second factors says that other sessions go on, and where to end them', async () => {
  const browser = new Visitor(site.url);
  await browser.register();
  await addPasskey(browser);
  const removal = /\/account\/factors\/passkeys\/[\w-]+\/removal/.exec((await browser.visit(overview)).html)?.[0] ?? '';
  const { html: setup } = await browser.visit(`${overview}/authenticator`);
  const secret = (/<dd><code>([A-Z2-7 ]+)<\/code><\/dd>/.exec(setup)?.[1] ?? '').replaceAll(' ', '');
  const pages = [
    await addPasskey(browser),
    await browser.visit(removal, { form: {} }),
    await browser.visit(`${overview}/authenticator`, { form: { code: codeFor(secret) } }),
    await browser.visit(`${overview}/authenticator/removal`, { form: {} }),
  ];
  for (const { at, html } of pages) {
    expect([at, messageOf(html, 'status')]).toEqual([overview, expect.stringContaining('“Sessions and tokens”')]);
    expect(linksOf(html)).toContain('/account/sessions');
  }
});

describe('ending sessions', () => {
  const age = () =>
    site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - 10 * 60_000 - 1]);
  const idOf = async (script: Script, kind: string) => {
    const { items } = (await (await script.ask(`${me}/sessions`)).json()) as { items: { id: string; kind: string }[] };
    return items.find((session) => session.kind === kind)?.id ?? '';
  };

  it('on the page asks for a proof that is fresh, and leads back to the list', async () => {
    const { who, browser, script, token } = await member();
    const acts = [`/account/sessions/${await idOf(script, 'token')}/end`, '/account/sessions/end-others'];
    await age();
    const proof = '/account/proof?next=%2Faccount%2Fsessions&again=yes';
    for (const act of acts) expect((await browser.ask(act, { form: {} })).headers.get('location')).toBe(proof);
    expect([await opens(script), await opens(token)]).toEqual([true, true]);
    const form = { password: who.password, next: '/account/sessions' };
    expect((await browser.visit('/account/proof', { form })).at).toBe('/account/sessions');
    for (const act of acts) expect((await browser.visit(act, { form: {} })).at).toBe('/account/sessions');
    expect([await opens(script), await opens(token), await isIn(browser)]).toEqual([false, false, true]);
  });

  it('through the API asks for one too, and a personal token has none to give', async () => {
    const { who, browser, script, token } = await member();
    const calls = [`${me}/sessions/${await idOf(script, 'browser')}`, `${me}/sessions`];
    const end = (by: Script) =>
      Promise.all(calls.map(async (call) => (await by.ask(call, { method: 'DELETE' })).status));
    expect(await end(token)).toEqual([403, 403]);
    await age();
    expect(await end(script)).toEqual([403, 403]);
    expect([await opens(token), await isIn(browser)]).toEqual([true, true]);
    const proof = await script.ask(`${me}/proof`, { method: 'PUT', json: { password: who.password } });
    script.token = ((await proof.json()) as { access_token: string }).access_token;
    for (const call of calls) expect((await script.ask(call, { method: 'DELETE' })).status).toBe(204);
    expect([await opens(token), await isIn(browser)]).toEqual([false, false]);
  });
});

it('every page for members and admins shows the way out', async () => {
  const admin = new Visitor(site.url);
  const { email } = await admin.register();
  await site.app.get(DataSource).getRepository(User).update({ email }, { role: 'admin' });
  const id = (await userOf(email))?.id ?? '';
  const pages = site.app
    .get(RouteList)
    .all()
    .filter(({ method, view, access }) => method === 'GET' && view && access?.to !== 'everyone');
  expect(pages.length).toBeGreaterThan(10);
  const answers: number[] = [];
  for (const page of pages) {
    const path = page.path.replace(':id', id);
    const { status, html } = await admin.visit(path);
    answers.push(status);
    expect([path, html.includes('<form method="post" action="/logout">')]).toEqual([path, true]);
  }
  expect(answers.filter((status) => status === 200).length).toBeGreaterThan(10);
});

it('what tells a known browser is no session, and a session tells no known browser', async () => {
  const browser = new Visitor(site.url);
  const { email, password } = await browser.register();
  const cookie = (name: string) => browser.cookies.get(`gatehouse-${name}`) ?? '';
  const [session, device] = [cookie('session'), cookie('device')];
  expect([session, device]).not.toContain('');

  const stranger = new Visitor(site.url);
  stranger.cookies.set('gatehouse-session', device);
  expect((await stranger.visit('/secrets')).at).toMatch(/^\/login/);
  const script = new Script(site.url);
  script.token = device;
  expect((await script.ask('/api/v1/users/me')).status).toBe(401);

  const other = new Visitor(site.url);
  other.cookies.set('gatehouse-device', session);
  expect((await other.visit('/login', { form: { email, password } })).at).toBe('/secrets');
  await waitForMail(site, email, /new device/i);
});

describe('where everybody must have a second factor', () => {
  let strict: TestApp;
  beforeAll(async () => void (strict = await startApp({ REQUIRE_MFA: 'all' })));
  afterAll(() => strict.close());

  it('a member opens nothing before it is set up, and everything after', async () => {
    const [browser, script] = [new Visitor(strict.url), new Script(strict.url)];
    const who = await script.register();
    await browser.visit('/login', { form: { email: who.email, password: who.password } });
    const answers = async () => [
      (await browser.visit('/secrets')).at,
      (await browser.visit('/account/name')).at,
      (await browser.ask('/download')).status,
      (await script.ask('/api/v1/files')).status,
      (await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'read' } })).status,
    ];
    expect(await answers()).toEqual(['/account/factors', '/account/factors', 303, 403, 403]);
    const { nextCode } = await addAuthenticator(strict, script);
    // with one login that showed both: another may have begun by a password that was stolen
    const fresh = new Visitor(strict.url);
    await fresh.visit('/login', { form: { email: who.email, password: who.password } });
    expect((await fresh.visit('/login/factor', { form: { code: await nextCode() } })).at).toBe('/secrets');
    expect((await script.ask('/api/v1/files')).status).toBe(200);
  });
});
