import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite, type TestApp } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { from } from '../support/guessing.js';
import { linksOf, messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
});

const set = (json: object) => admin.script.ask('/api/v1/registration', { method: 'PUT', json });
const rules = async () => (await admin.script.ask('/api/v1/registration')).json();

/** Registers somebody through the API, with what else stands in the body. */
const registers = async (who: Person, more: object = {}) =>
  (await new Script(site.url).ask('/api/v1/auth/register', { json: { ...who, ...more } })).status;

const logIn = (who: Person) => new Script(site.url).ask('/api/v1/auth/login', { json: who });

/** The secret of a new invite. */
const invite = async () => {
  const { link } = (await (await admin.script.ask('/api/v1/invites', { json: {} })).json()) as { link: string };
  return new URL(link).searchParams.get('invite') ?? '';
};

describe('registration that is open', () => {
  it('is how a site begins, and lets everybody in at once', async () => {
    expect(await rules()).toEqual({ mode: 'open', domains: [] });
    expect((await admin.browser.visit('/admin/registration')).html).toMatch(/value="open"[^>]* checked/);
    expect(await registers(person())).toBe(201);
    await new Visitor(site.url).register();
  });
});

describe('registration by invitation', () => {
  beforeAll(() => set({ mode: 'invite' }));

  it('turns away who has no invite, on the page and in the API', async () => {
    expect(await registers(person())).toBe(422);
    expect(await registers(person(), { invite: 'no-such-invite' })).toBe(422);
    const { html } = await new Visitor(site.url).visit('/register');
    expect(html).toContain('Members come by invitation here');
    expect(html).not.toContain('name="password"');
    const who = person();
    expect((await new Visitor(site.url).ask('/register', { form: { ...who } })).status).toBe(422);
    expect((await logIn(who)).status).toBe(401);
  });

  it('lets in who has one', async () => {
    expect(await registers(person(), { invite: await invite() })).toBe(201);
    const browser = new Visitor(site.url);
    const secret = await invite();
    expect((await browser.visit(`/register?invite=${secret}`)).html).toContain(`name="invite" value="${secret}"`);
    expect((await browser.visit('/register', { form: { ...person(), invite: secret } })).at).toBe('/secrets');
  });
});

describe('registration by approval', () => {
  beforeAll(() => set({ mode: 'approval' }));

  it('keeps who registers waiting, tells the admins, and once one has let them in, tells them', async () => {
    const ada = person({ name: 'Ada, who waits' });
    const { at, html } = await new Visitor(site.url).visit('/register', { form: { ...ada } });
    expect([at, messageOf(html, 'status')]).toEqual(['/login', expect.stringContaining('An admin lets you in')]);
    const before = await logIn(ada);
    expect([before.status, await before.json()]).toEqual([
      401,
      expect.objectContaining({ detail: 'An admin has not let you in yet. You can log in once that is done.' }),
    ]);

    const page = new URL(linkIn(await waitForMail(site, keeper.email, /let in|wait/i))).pathname;
    expect(page).toBe(`/admin/members/${await idOf(site, ada)}`);
    expect((await admin.browser.visit('/admin')).html).toContain('1 person waits');
    const waiting = await admin.browser.visit('/admin/members?state=awaiting');
    expect(linksOf(waiting.html).filter((href) => /^\/admin\/members\/\w/.test(href))).toEqual([page]);
    expect((await admin.browser.visit(page)).html).toContain('Waits to be let in');

    const done = await admin.browser.visit(`${page}/approval`, { form: {} });
    expect([done.at, messageOf(done.html, 'status')]).toEqual([
      page,
      `${ada.name} may come in. This site sends no mail: tell them so.`,
    ]);
    expect(linkIn(await waitForMail(site, ada.email, /come in/i))).toBe('http://127.0.0.1/login');
    expect((await logIn(ada)).status).toBe(200);
    expect((await admin.browser.visit('/admin')).html).not.toContain('waits');
    expect((await admin.browser.visit(`${page}/approval`, { form: {} })).html).toContain('was let in before');
  });

  it('works through the API as well, and writes down who let whom in', async () => {
    const grace = person();
    expect(await registers(grace)).toBe(202);
    expect((await logIn(grace)).status).toBe(401);
    const call = `/api/v1/users/${await idOf(site, grace)}`;
    expect(await (await admin.script.ask(call)).json()).toMatchObject({ state: 'awaiting' });
    expect((await admin.script.ask(call, { method: 'PATCH', json: { approved: false } })).status).toBe(422);
    const approved = await admin.script.ask(call, { method: 'PATCH', json: { approved: true } });
    expect(await approved.json()).toMatchObject({ state: 'active' });
    expect((await logIn(grace)).status).toBe(200);
    expect(await (await admin.script.ask(`${call}/activity?limit=2`)).json()).toMatchObject({
      items: [{ kind: 'session.began' }, { kind: 'account.approved', actor: keeper.email, target: grace.email }],
    });
  });

  it('keeps out who is disabled while they wait, until an admin wants otherwise', async () => {
    const eve = person();
    expect(await registers(eve)).toBe(202);
    const call = `/api/v1/users/${await idOf(site, eve)}`;
    await admin.script.ask(call, { method: 'PATCH', json: { disabled: true } });
    expect(await (await admin.script.ask(call)).json()).toMatchObject({ state: 'disabled' });
    for (const json of [{ approved: true }, { approved: true, disabled: true, role: 'admin' }])
      expect((await admin.script.ask(call, { method: 'PATCH', json })).status).toBe(409);
    const refused = await admin.browser.visit(call.replace('/api/v1/users', '/admin/members') + '/approval', {
      form: {},
    });
    expect(messageOf(refused.html, 'alert')).toContain('enable them first');
    expect((await logIn(eve)).status).toBe(401);
    expect(await (await admin.script.ask(call)).json()).toMatchObject({ state: 'disabled', role: 'member' });
    const json = { disabled: false, approved: true };
    expect(await (await admin.script.ask(call, { method: 'PATCH', json })).json()).toMatchObject({ state: 'active' });
    expect((await logIn(eve)).status).toBe(200);
  });

  it('lets in at once who comes with an invite', async () => {
    expect(await registers(person(), { invite: await invite() })).toBe(201);
  });
});

describe('registration that is closed', () => {
  it('lets nobody in, and leaves an invite good for later', async () => {
    const secret = await invite();
    await set({ mode: 'closed' });
    expect([await registers(person()), await registers(person(), { invite: secret })]).toEqual([403, 403]);
    expect((await new Visitor(site.url).visit('/register')).html).toContain('takes no new members');
    expect((await new Visitor(site.url).ask('/register', { form: { ...person() } })).status).toBe(403);
    expect((await admin.browser.visit('/admin/invites')).html).toContain('Registration is closed');
    await set({ mode: 'invite' });
    expect(await registers(person(), { invite: secret })).toBe(201);
  });
});

describe('an admin who sets the rules', () => {
  it('does so on a page that says what each means', async () => {
    const form = { mode: 'approval', domains: ' Example.ORG,@example.net\r\n\r\nexample.org ; BÜCHER.example' };
    const { at, html } = await admin.browser.visit('/admin/registration', { form });
    expect([at, messageOf(html, 'status')]).toEqual([
      '/admin/registration',
      'Saved. Anyone may register, and an admin lets them in.',
    ]);
    expect(html).toMatch(/value="approval"[^>]* checked/);
    expect(html).toContain('>example.org\nexample.net\nbücher.example</textarea>');
    expect(await rules()).toEqual({ mode: 'approval', domains: ['example.org', 'example.net', 'bücher.example'] });
    const { items } = (await (await admin.script.ask('/api/v1/activity?kind=registration.changed')).json()) as {
      items: object[];
    };
    expect(items[0]).toMatchObject({ actor: keeper.email, target: 'approval', outcome: 'success' });
  });

  it('lets in those of some domains only, in any case', async () => {
    const answer = await set({ mode: 'open', domains: ['Example.Org', ' bücher.example '] });
    expect(await answer.json()).toEqual({ mode: 'open', domains: ['example.org', 'bücher.example'] });
    for (const [email, status] of [
      ['Ada@EXAMPLE.org', 201],
      ['ada@Bücher.example', 201],
      ['ada@example.com', 422],
      ['ada@sub.example.org', 422],
      ['ada@notexample.org', 422],
      ['"ada@example.org"@example.com', 422],
    ] as const)
      expect([email, await registers(person({ email }))]).toEqual([email, status]);
    const { html } = await new Visitor(site.url).visit('/register', { form: { ...person() } });
    expect(html).toContain('This site takes email addresses of some domains only.');
    await set({ mode: 'open', domains: [] });
    expect(await registers(person())).toBe(201);
  });

  it('keeps what was typed, all of it, where something is wrong', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `department-${index}.example.org`).join('\n');
    const form = { mode: 'closed', domains: `${many}\nhttps://example.org/` };
    const { status, html } = await admin.browser.visit('/admin/registration', { form });
    expect(status).toBe(422);
    expect(messageOf(html, 'alert')).toContain('“https://example.org/” is no domain.');
    expect(html).toContain(`>${form.domains}</textarea>`);
    expect(html).toMatch(/value="closed"[^>]* checked/);
    expect(await rules()).toEqual({ mode: 'open', domains: [] });
  });

  it.each([
    ['no mode', {}, 'mode'],
    ['a mode that there is none of', { mode: 'ajar' }, 'mode'],
    ['an address', { mode: 'open', domains: ['ada@example.org'] }, 'domains'],
    ['no domain', { mode: 'open', domains: ['example'] }, 'domains'],
    ['a number', { mode: 'open', domains: [7] }, 'domains'],
    ['an object', { mode: 'open', domains: { 0: 'example.org' } }, 'domains'],
    ['a wildcard', { mode: 'open', domains: ['*.example.org'] }, 'domains'],
    ['101 domains', { mode: 'open', domains: Array.from({ length: 101 }, (_, n) => `d${n}.example.org`) }, 'domains'],
  ])('is told of %s', async (_, json, field) => {
    const answer = await set(json);
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field })] }),
    ]);
    expect(await rules()).toEqual({ mode: 'open', domains: [] });
  });

  it('may name a hundred domains', async () => {
    const domains = Array.from({ length: 100 }, (_, n) => `d${n}.example.org`);
    expect(await (await set({ mode: 'open', domains })).json()).toEqual({ mode: 'open', domains });
    await set({ mode: 'open' });
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

describe('the admins of a site where many ask to be let in', () => {
  let crowded: TestApp;
  const other = person();
  beforeAll(async () => {
    crowded = await startWithAdmin({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' });
    await new Script(crowded.url).register(other);
    const { script } = await adminOf(crowded);
    const call = `/api/v1/users/${await idOf(crowded, other)}`;
    await script.ask(call, { method: 'PATCH', json: { role: 'admin' } });
    await script.ask('/api/v1/registration', { method: 'PUT', json: { mode: 'approval', domains: [] } });
  });
  afterAll(() => crowded.close());

  const ask = async (address: string) =>
    (await new Script(crowded.url).ask('/api/v1/auth/register', { json: person(), headers: from(address) })).status;

  /** How many mails each admin has by now that somebody waits; a mail that was taken on later has left. */
  async function noticed(): Promise<number[]> {
    await new Script(crowded.url).ask('/api/v1/password-resets', { json: { email: other.email } });
    await waitForMail(crowded, other.email, /choose a new password/i);
    const notices = (await mailsIn(crowded)).filter(({ subject }) => /let in|wait/i.test(subject ?? ''));
    return [keeper, other].map(
      ({ email }) => notices.filter(({ to }) => to?.some(({ address }) => address === email)).length,
    );
  }

  it('are told once in ten minutes, however many ask, and wherever', async () => {
    const statuses: number[] = [];
    for (let round = 0; round < 8; round++) statuses.push(await ask(`203.0.113.${60 + (round % 4)}`));
    expect(statuses).toEqual(Array<number>(8).fill(202));
    expect(await noticed()).toEqual([1, 1]);

    // as if ten minutes had gone by
    const sql = `SELECT "expire" FROM "rate_limits" WHERE "key" LIKE 'notice:%'`;
    const [row] = await crowded.app.get(DataSource).query<{ expire: string | number }[]>(sql);
    const left = Number(row?.expire) - Date.now();
    expect(left).toBeGreaterThan(9 * 60_000);
    expect(left).toBeLessThanOrEqual(10 * 60_000);
    await crowded.app
      .get(DataSource)
      .query(`UPDATE "rate_limits" SET "expire" = $1 WHERE "key" LIKE 'notice:%'`, [Date.now() - 1]);
    for (let round = 0; round < 3; round++) expect(await ask('203.0.113.70')).toBe(202);
    expect(await noticed()).toEqual([2, 2]);
  });

  it('find all who wait in the list, told of or not', async () => {
    const { script } = await adminOf(crowded);
    const { items } = (await (await script.ask('/api/v1/users?state=awaiting')).json()) as { items: unknown[] };
    expect(items).toHaveLength(11);
  });
});
