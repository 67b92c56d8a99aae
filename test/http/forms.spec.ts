import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { Route } from '../../src/http/route-list.js';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { collect } from '../support/collections.js';
import { addPasskey } from '../support/factors.js';
import { faultsOf } from '../support/faults.js';
import { linksOf, messageOf } from '../support/html.js';
import { Script, Visitor, type Person } from '../support/people.js';
import { routesOf } from '../support/routes.js';
import { shelve } from '../support/stored.js';

/** What was answered that is no `same-origin` for a browser: a form beneath it would be sent with `Origin: null`. */
const withoutPolicy = new Set<string>();
/** How many answers were looked at, by their status. */
const looked = new Map<number, number>();
/** Pages that promise a mail; this site has no SMTP_URL, so none leaves. */
const promises = new Set<string>();
const promise =
  /on its way|we (?:have )?(?:sent|mail)|is mailed|mails? (?:you|tells)|goes? to <bdi>|letters? goe?s?|get a mail|told (?:so )?by mail|address is told|send me/i;

/** A browser of whose answers each page, redirect and error is looked at: its policy, and what it says of mail. */
class Looking extends Visitor {
  override async ask(...asked: Parameters<Visitor['ask']>): Promise<Response> {
    const answer = await super.ask(...asked);
    const what = `${asked[1]?.method ?? (asked[1]?.form === undefined ? 'GET' : 'POST')} ${asked[0]}: ${answer.status}`;
    looked.set(answer.status, (looked.get(answer.status) ?? 0) + 1);
    if (answer.headers.get('referrer-policy') !== 'same-origin') withoutPolicy.add(what);
    // the description of the API says what is so with a mail server and without
    if (answer.headers.get('content-type')?.startsWith('text/html') && asked[0] !== '/api/docs') {
      const words = promise.exec(await answer.clone().text())?.[0];
      if (words !== undefined) promises.add(`${what}: ${words}`);
    }
    return answer;
  }
}

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
/** Where each form that an admin sees stands: the paths of pages, by what the form posts to; ids are left out. */
const pagesOf = new Map<string, Set<string>>();
/** An address of each of those pages, and of what each of those forms posts to. */
const addresses = new Map<string, string>();
/** The fields that one types into or chooses from, by what their form posts to; those of secrets are left out. */
const fieldsOf = new Map<string, Set<string>>();

const withoutIds = (path: string) => path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ':id');

beforeAll(async () => {
  admin = await adminOf(site);
  const ada = await new Script(site.url).register();
  const file = await shelve(site, 10);
  await collect(site, [file], { isForEveryone: true });
  const group = (await (await admin.script.ask('/api/v1/groups', { json: { name: 'Board' } })).json()) as {
    id: string;
  };
  await admin.script.ask(`/api/v1/groups/${group.id}/members`, { json: { members: [ada.email] } });
  await admin.browser.ask('/admin/invites', { form: { days: '7' } });
  admin.browser = await loggedIn(keeper);
  await addPasskey(site, admin.browser);
  await crawl();
});

async function loggedIn({ email, password }: Pick<Person, 'email' | 'password'>): Promise<Looking> {
  const browser = new Looking(site.url);
  await browser.visit('/login', { form: { email, password } });
  return browser;
}

/** Walks from link to link, as somebody else than an admin; how many pages with a form there are. */
async function stroll(browser: Looking): Promise<number> {
  const seen = new Set<string>();
  const waiting = ['/', '/register', '/login/link', '/password/forgot', '/account/proof', '/nothing/here'];
  let forms = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const page = withoutIds(path.replace(/[?#].*$/, ''));
    if (seen.has(page) || /\/download|zip|csv|SHA256|logout|^\/api\/v1|^\/assets|^[^/]/.test(path)) continue;
    seen.add(page);
    const { html } = await browser.visit(path);
    if (html.includes('method="post"')) forms++;
    waiting.push(...linksOf(html).map((href) => href.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=')));
  }
  return forms;
}

/** Walks from link to link, as an admin, and notes each form. */
async function crawl(): Promise<void> {
  const seen = new Set<string>();
  const waiting = ['/', '/account/proof', `/admin/members/${await idOf(site, keeper)}`];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const page = withoutIds(path.replace(/[?#].*$/, ''));
    if (seen.has(page) || /download|zip|csv|SHA256|logout|^\/api|^\/assets|^[^/]/.test(path)) continue;
    seen.add(page);
    const { status, html } = await admin.browser.visit(path);
    expect([path, status]).toEqual([path, 200]);
    addresses.set(page, path);
    for (const [, action = path] of html.matchAll(/<form[^>]*method="post"(?:[^>]*? action="([^"]*)")?/g)) {
      const to = withoutIds(action.replace(/[?#].*$/, ''));
      pagesOf.set(to, (pagesOf.get(to) ?? new Set()).add(page));
      addresses.set(`POST ${to}`, action);
    }
    for (const [, head = '', fields = ''] of html.matchAll(/<form([^>]*method="post"[^>]*)>([^]*?)<\/form>/g)) {
      const to = withoutIds(/ action="([^"?#]*)/.exec(head)?.[1] ?? page);
      fieldsOf.set(to, new Set([...(fieldsOf.get(to) ?? []), ...typedFields(fields)]));
    }
    waiting.push(...linksOf(html).map((href) => href.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=')));
  }
}

/** Neither what is hidden or of one use alone, nor a password. */
const typedFields = (html: string) =>
  [...html.matchAll(/<(?:input|select|textarea)\s[^>]*>/g)].flatMap(([tag]) =>
    / type="(?:hidden|password)"| autocomplete="(?:one-time-code|username)"/.test(tag)
      ? []
      : (/ name="([^"]*)"/.exec(tag)?.[1] ?? []),
  );

/** What somebody types into fields of these names: none is what its page shows by itself. */
const typed: Record<string, string> = {
  name: 'What took thought',
  email: 'typed@example.net',
  domains: 'typed.example\nalso.example',
  days: '23',
  mode: 'approval',
  scope: 'write',
};

/** Whether a page shows a value in a field: typed, chosen or ticked. */
const shows = (html: string, name: string, value: string) =>
  [
    `<input[^>]* name="${name}"[^>]* value="${value}"`,
    `<input[^>]* name="${name}"[^>]* value="${value}"[^>]* checked`,
    `<select[^>]* name="${name}"[^>]*>[^]*?<option value="${value}" selected`,
    `<textarea[^>]* name="${name}"[^>]*>${value}</textarea>`,
  ]
    .filter((_, index) => name !== 'mode' || index === 1)
    .some((pattern) => new RegExp(pattern).test(html));

/** The routes that forms of members and admins post to. */
const posts = (): Route[] =>
  routesOf(site).filter(
    ({ method, path, access }) => method === 'POST' && !path.startsWith('/api/') && access?.to !== 'everyone',
  );
const patternOf = ({ path }: Route) => path.replace(/:\w+/g, ':id');

/** Where a form is said to stand, by the address of a login or a proof that leads back there. */
async function wayBack(visitor: Visitor, path: string): Promise<{ page: string; to: string }> {
  const answer = await visitor.ask(path, { form: { name: 'What took thought', email: 'typed@example.net' } });
  const location = new URL(answer.headers.get('location') ?? '', site.url);
  return { page: location.searchParams.get('next') ?? '', to: location.pathname };
}

describe('a form that came too late', () => {
  it('is one of many that the walk has found', () => {
    expect(pagesOf.size).toBeGreaterThan(30);
  });

  it('leads back, once its session is over, to the page that it stands on, whichever form it is', async () => {
    const wrong: string[] = [];
    for (const route of posts()) {
      const path = addresses.get(`POST ${patternOf(route)}`) ?? route.path.replace(/:\w+/g, await aMember());
      const { page, to } = await wayBack(new Looking(site.url), path);
      // what only shows now and then, such as the button to have a deleted file back, stands on a page that was walked
      const pages = pagesOf.get(patternOf(route)) ?? addresses;
      if (to !== '/login' || !pages.has(withoutIds(page))) wrong.push(`${path}: ${page}`);
    }
    expect(wrong).toEqual([]);
  });

  it('leads to a proof, if only that is over, and back to the same page', async () => {
    await site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = 0');
    const wrong: string[] = [];
    const asking = posts().filter(({ access }) => access?.recentProof);
    expect(asking.length).toBeGreaterThan(15);
    for (const route of asking) {
      const path = addresses.get(`POST ${patternOf(route)}`) ?? route.path.replace(/:\w+/g, await aMember());
      const { page, to } = await wayBack(admin.browser, path);
      const pages = pagesOf.get(patternOf(route));
      if (to !== '/account/proof' || (pages && !pages.has(withoutIds(page)))) wrong.push(`${path}: ${to} ${page}`);
    }
    expect(wrong).toEqual([]);
  });

  it('has all that was typed into it on its page again after the proof, once, whichever form it is', async () => {
    const asking = posts().filter(({ access }) => access?.recentProof);
    const forms = asking.map(patternOf).filter((form) => fieldsOf.get(form)?.size);
    expect(forms.sort()).toEqual([
      '/account/email',
      '/account/factors/passkeys',
      '/account/factors/passkeys/:id/name',
      '/account/tokens',
      '/admin/invites',
      '/admin/registration',
    ]);
    for (const form of forms) {
      const fields = [...(fieldsOf.get(form) ?? [])];
      await site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = 0');
      const values = Object.fromEntries(fields.map((name) => [name, typed[name] ?? 'no value']));
      const secrets = { password: 'a secret that was typed', code: '271828' };
      const late = await admin.browser.visit(addresses.get(`POST ${form}`) ?? '', { form: { ...values, ...secrets } });
      const { pathname, searchParams } = new URL(late.at, site.url);
      expect([form, pathname, searchParams.get('again')]).toEqual([form, '/account/proof', 'yes']);
      const page = searchParams.get('next') ?? '';
      const proof = { password: keeper.password, next: page, again: 'yes' };
      // a page in between takes nothing away
      await admin.browser.ask('/account/proof', { form: proof });
      await admin.browser.ask('/secrets');
      const { html } = await admin.browser.visit(page);
      const lost = Object.entries(values).filter(([name, value]) => !shows(html, name, value));
      expect([form, lost]).toEqual([form, []]);
      for (const secret of Object.values(secrets)) expect(html).not.toContain(secret);
      const again = (await admin.browser.visit(page)).html;
      expect([form, Object.entries(values).filter(([name, value]) => shows(again, name, value))]).toEqual([form, []]);
    }
    const rows = await site.app.get(DataSource).query<object[]>(`SELECT 1 FROM "links" WHERE "kind" = 'form'`);
    expect(rows).toEqual([]);
  });

  it('is kept sealed, the latest of each session, and shown in no other session', async () => {
    const [browser, other] = [new Looking(site.url), new Looking(site.url)];
    const { email: own, password } = await browser.register();
    await other.ask('/login', { form: { email: own, password } });
    await site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = 0');
    for (const email of ['first@example.net', 'typed@example.net'])
      await browser.ask('/account/email', { form: { email } });
    const rows = await site.app
      .get(DataSource)
      .query<{ data: string }[]>(`SELECT "data" FROM "links" WHERE "kind" = 'form'`);
    expect(rows).toEqual([{ data: expect.stringMatching(/^[\w-]+$/) }]);
    const form = { password, next: '/account/email', again: 'yes' };
    const theirs = await other.visit('/account/proof', { form });
    expect([theirs.at, theirs.html.includes('typed@example.net')]).toEqual(['/account/email', false]);
    const { html } = await browser.visit('/account/proof', { form });
    expect(html).toContain('value="typed@example.net"');
    expect(messageOf(html, 'status')).toContain('What you typed is here again');
  });

  it('is shown only while the proof is fresh, and is no reason to judge a body before it', async () => {
    const stale = () => site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = 0');
    const page = '/admin/registration';
    const proof = { password: keeper.password, next: page, again: 'yes' };
    await stale();
    await admin.browser.ask(page, { form: { mode: 'approval', domains: 'typed.example' } });
    await admin.browser.ask('/account/proof', { form: proof });
    await stale();
    expect((await admin.browser.visit(page)).html).not.toContain('typed.example');
    expect((await admin.browser.visit('/account/proof', { form: proof })).html).toContain('typed.example');

    await stale();
    for (const headers of [{ 'content-type': 'image/png' }, { 'content-range': 'bytes 0-1/2' }]) {
      const late = await admin.browser.ask(page, { form: { mode: 'invite' }, headers });
      expect([late.status, late.headers.get('location')]).toEqual([303, expect.stringContaining('/account/proof')]);
    }
    await site.app.get(DataSource).query(`DELETE FROM "links" WHERE "kind" = 'form'`);
  });

  it('puts nothing that was typed into it on another page', async () => {
    for (const path of ['/account/email', '/admin/invites', '/account/name', '/account/proof']) {
      const visitor = new Looking(site.url);
      const { html } = await visitor.visit(path, { form: { email: 'typed@example.net', name: 'typed@example.net' } });
      expect([path, html.includes('typed@example.net')]).toEqual([path, false]);
      expect(html).toContain('What you sent was not taken.');
    }
    const visitor = new Looking(site.url);
    await visitor.ask('/login', { form: { email: 'typed@example.net', password: 'not it' } });
    expect((await visitor.visit('/login/link')).html).not.toContain('typed@example.net');
  });
});

describe('every page with a form, and every redirect and error on the way', () => {
  it('tells a browser to name its own origin, for a stranger, a member and an admin', async () => {
    const [stranger, member] = [new Looking(site.url), new Looking(site.url)];
    const who = await member.register();
    expect(await stroll(stranger)).toBeGreaterThanOrEqual(4);
    expect(await stroll(member)).toBeGreaterThan(8);
    // every form of a page, sent empty: what is refused is a page with that form again
    const outside = routesOf(site).filter(
      ({ method, path, access }) => method === 'POST' && !path.startsWith('/api/') && access?.to === 'everyone',
    );
    for (const { path } of outside) await stranger.ask(path, { form: {} });
    for (const browser of [member, await loggedIn(keeper)])
      for (const { path } of posts().filter((route) => !/logout|end$|recovery/.test(route.path)))
        await browser.ask(path.replace(/:\w+/g, randomUUID()), { form: {} });
    // what is refused before there is a page: a method, a size, another site
    await stranger.ask('/login', { method: 'DELETE' });
    await stranger.ask('/login', { form: { name: 'a'.repeat(20_000) } });
    await stranger.ask('/login', { form: {}, headers: { origin: 'http://elsewhere.example' } });
    await stranger.ask('/%zz');
    for (const path of ['/login/link', '/password/forgot']) await stranger.visit(path, { form: { email: who.email } });
    await member.visit('/account/email', { form: { email: 'other@example.net' } });
    await member.visit('/account/email/verification', { form: {} });
    expect([200, 303, 400, 403, 404, 405, 413, 422].filter((status) => !looked.has(status))).toEqual([]);
    expect([...withoutPolicy]).toEqual([]);
  });

  it('promises no mail, since none can leave', () => {
    expect([...promises]).toEqual([]);
  });
});

const aMember = () => idOf(site, keeper);

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
