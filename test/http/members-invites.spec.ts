import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { dayMs } from '../../src/config/durations.js';
import { Link } from '../../src/links/link.entity.js';
import { User } from '../../src/users/user.entity.js';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { cellsOf } from '../support/dump.js';
import { faultsOf } from '../support/faults.js';
import { fieldOf, messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

interface Invite {
  readonly id: string;
  readonly email: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly link: string;
}

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
  await rule('invite');
});

const rule = (mode: string, domains: string[] = []) =>
  admin.script.ask('/api/v1/registration', { method: 'PUT', json: { mode, domains } });

const make = async (json: object = {}) =>
  (await (await admin.script.ask('/api/v1/invites', { json })).json()) as Invite;

const list = async (query = '') =>
  (await (await admin.script.ask(`/api/v1/invites${query}`)).json()) as { items: Invite[]; nextCursor: string | null };

const secretOf = (link: string) => new URL(link).searchParams.get('invite') ?? '';

/** Registers somebody with an invite, through the API. */
const registers = async (invite: string, who: Person = person()) =>
  (await new Script(site.url).ask('/api/v1/auth/register', { json: { ...who, invite } })).status;

/** Whether the page behind a link has the form. */
const opens = async (link: string) => {
  const { status, html } = await new Visitor(site.url).visit(new URL(link).pathname + new URL(link).search);
  expect(status).toBe(200);
  return html.includes('name="password"');
};

describe('an invite', () => {
  it('is made on a page that shows its link this once', async () => {
    const answer = await admin.browser.ask('/admin/invites', { form: { email: '', days: '3' } });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const html = await answer.text();
    const secret = /\/register\?invite&#x3D;([\w-]{43})</.exec(html)?.[1] ?? '';
    expect(secret).toHaveLength(43);
    const [newest] = (await list()).items;
    expect(newest).toEqual({ id: newest?.id, email: null, createdAt: newest?.createdAt, expiresAt: newest?.expiresAt });
    expect(Date.parse(newest?.expiresAt ?? '') - Date.parse(newest?.createdAt ?? '')).toBe(3 * dayMs);

    const page = await admin.browser.visit('/admin/invites');
    expect(page.html).toContain('Whoever has the link');
    expect(page.html).not.toContain(secret);
    expect(site.log()).not.toContain(secret);
    expect((await cellsOf(site)).filter((cell) => cell.includes(secret))).toEqual([]);
    expect(await registers(secret)).toBe(201);
  });

  it('is made through the API, for a week where nothing is said', async () => {
    const answer = await admin.script.ask('/api/v1/invites', { json: {} });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { id, link, createdAt, expiresAt } = (await answer.json()) as Invite;
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1\/register\?invite=[\w-]{43}$/);
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(7 * dayMs);
    expect((await list()).items[0]?.id).toBe(id);
  });

  it.each([
    ['null', { email: null }],
    ['empty', { email: '' }],
  ])('is for nobody in particular where the email is %s', async (_what, json) => {
    const answer = await admin.script.ask('/api/v1/invites', { json });
    expect([answer.status, await answer.json()]).toEqual([201, expect.objectContaining({ email: null })]);
  });

  it('is not burnt by being looked at, and is by being used', async () => {
    const { id, link } = await make();
    for (let count = 0; count < 3; count++) expect(await opens(link)).toBe(true);
    await new Visitor(site.url).ask(`/register?invite=${secretOf(link)}`, { method: 'HEAD' });
    expect((await list()).items.map((invite) => invite.id)).toContain(id);

    const browser = new Visitor(site.url);
    expect((await browser.visit('/register', { form: { ...person(), invite: secretOf(link) } })).at).toBe('/secrets');
    expect((await list()).items.map((invite) => invite.id)).not.toContain(id);
    expect(await opens(link)).toBe(false);
    expect(await registers(secretOf(link))).toBe(422);
  });

  it('is good still where the registration came to nothing', async () => {
    const { link } = await make();
    const taken = await new Script(site.url).ask('/api/v1/auth/register', {
      json: { ...keeper, invite: secretOf(link) },
    });
    expect(taken.status).toBe(409);
    expect(await registers(secretOf(link), person({ password: 'short' }))).toBe(422);
    expect(await registers(secretOf(link))).toBe(201);
  });

  it('makes one account, however many come with it at once', async () => {
    const { link } = await make();
    const people = Array.from({ length: 20 }, () => person());
    const answers = await Promise.all(
      people.map(async (who, index) => {
        if (index % 2 === 0) return registers(secretOf(link), who);
        const form = { ...who, invite: secretOf(link) };
        return (await new Visitor(site.url).ask('/register', { form })).status;
      }),
    );
    expect(answers.filter((status) => status === 201 || status === 303)).toHaveLength(1);
    expect(answers.filter((status) => status === 422)).toHaveLength(19);
    const users = site.app.get(DataSource).getRepository(User);
    expect(await users.countBy(people.map(({ email }) => ({ email })))).toBe(1);
  });

  it('opens nothing once it has expired, and is not shown any more', async () => {
    const { id, link } = await make({ days: 1 });
    const links = site.app.get(DataSource).getRepository(Link);
    await links.update({ id }, { expiresAt: new Date(Date.now() + 60_000) });
    expect(await opens(link)).toBe(true);
    await links.update({ id }, { expiresAt: new Date() });
    expect(await opens(link)).toBe(false);
    expect(await registers(secretOf(link))).toBe(422);
    expect((await list()).items.map((invite) => invite.id)).not.toContain(id);
  });

  it('opens nothing once an admin has withdrawn it', async () => {
    const [byPage, byCall] = [await make(), await make()];
    const done = await admin.browser.visit(`/admin/invites/${byPage.id}/withdrawal`, { form: {} });
    expect([done.at, messageOf(done.html, 'status')]).toEqual([
      '/admin/invites',
      'The invite is withdrawn: its link opens nothing.',
    ]);
    const path = `/api/v1/invites/${byCall.id}`;
    expect((await admin.script.ask(path, { method: 'DELETE' })).status).toBe(204);
    expect((await admin.script.ask(path, { method: 'DELETE' })).status).toBe(404);
    const late = await admin.browser.visit(`/admin/invites/${byPage.id}/withdrawal`, { form: {} });
    expect(messageOf(late.html, 'alert')).toBe('There is no such invite any more.');
    for (const { link } of [byPage, byCall]) {
      expect(await opens(link)).toBe(false);
      expect(await registers(secretOf(link))).toBe(422);
    }
  });

  it.each(['not-a-uuid', '%00', randomUUID()])('that never was cannot be withdrawn: %s', async (id) => {
    expect((await admin.script.ask(`/api/v1/invites/${id}`, { method: 'DELETE' })).status).toBe(404);
    const { html } = await admin.browser.visit(`/admin/invites/${id}/withdrawal`, { form: {} });
    expect(messageOf(html, 'alert')).toBe('There is no such invite any more.');
  });

  it('is no other link: one for a new password cannot be withdrawn as an invite', async () => {
    const who = await new Script(site.url).ask('/api/v1/password-resets', { json: { email: keeper.email } });
    expect(who.ok).toBe(true);
    const links = site.app.get(DataSource).getRepository(Link);
    const { id } = await links.findOneByOrFail({ kind: 'reset', userId: await idOf(site, keeper) });
    expect((await admin.script.ask(`/api/v1/invites/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect((await list('?limit=100')).items.map((invite) => invite.id)).not.toContain(id);
  });

  it('stays good when the admin who made it is disabled', async () => {
    const [script, who] = [new Script(site.url), person()];
    await registers(secretOf((await make()).link), who);
    await script.logIn(who);
    const call = `/api/v1/users/${await idOf(site, who)}`;
    await admin.script.ask(call, { method: 'PATCH', json: { role: 'admin' } });
    const { link } = (await (await script.ask('/api/v1/invites', { json: {} })).json()) as Invite;
    await admin.script.ask(call, { method: 'PATCH', json: { disabled: true } });
    expect(await registers(secretOf(link))).toBe(201);
  });
});

describe('an invite by mail', () => {
  it('arrives, and whoever registers with that address has shown that it is theirs', async () => {
    const who = person();
    const { html } = await admin.browser.visit('/admin/invites', {
      form: { email: ` ${who.email.toUpperCase()} `, days: '10' },
    });
    expect(html).toContain(`This site sends no mail: pass the link on to <bdi>${who.email}</bdi> yourself.`);
    const mail = await waitForMail(site, who.email, /You are invited/);
    expect(mail.text).toContain('Days until it expires: 10.');
    const link = linkIn(mail);
    const form = await new Visitor(site.url).visit(new URL(link).pathname + new URL(link).search);
    expect(fieldOf(form.html, 'email').value).toBe(who.email);
    expect(await registers(secretOf(link), who)).toBe(201);
    const about = await admin.script.ask(`/api/v1/users/${await idOf(site, who)}`);
    expect(await about.json()).toMatchObject({ emailVerified: true });
  });

  it('may be used with another address, which counts as not yet confirmed', async () => {
    const [invited, other] = [person(), person()];
    const { link } = await make({ email: invited.email });
    expect((await list()).items[0]).toMatchObject({ email: invited.email });
    expect(await registers(secretOf(link), other)).toBe(201);
    const about = await admin.script.ask(`/api/v1/users/${await idOf(site, other)}`);
    expect(await about.json()).toMatchObject({ emailVerified: false });
  });

  it('is not made for a member, nor for whom the rules leave out', async () => {
    const member = await admin.browser.visit('/admin/invites', { form: { email: keeper.email, days: '9' } });
    expect([member.status, fieldOf(member.html, 'email'), fieldOf(member.html, 'days').value]).toEqual([
      422,
      { value: keeper.email, fault: 'Somebody with that address is a member already.' },
      '9',
    ]);
    await rule('invite', ['example.org']);
    const outside = await admin.script.ask('/api/v1/invites', { json: { email: 'ada@example.com' } });
    expect([outside.status, await outside.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field: 'email' })] }),
    ]);
    expect((await admin.script.ask('/api/v1/invites', { json: { email: 'ada@example.org' } })).status).toBe(201);
    await rule('invite');
    expect((await mailsIn(site)).flatMap(({ to }) => to?.[0]?.address)).not.toContain('ada@example.com');
  });

  it.each([
    ['no address', { email: 'ada' }, 'email'],
    ['no day', { days: '0' }, 'days'],
    ['31 days', { days: '31' }, 'days'],
    ['half a day', { days: '0.5' }, 'days'],
    ['days in words', { days: 'a week' }, 'days'],
    ['no days at all', { days: '' }, 'days'],
  ])('is not made with %s', async (_, wrong, field) => {
    const before = (await list('?limit=100')).items.length;
    const { status, html } = await admin.browser.visit('/admin/invites', { form: { email: '', days: '7', ...wrong } });
    expect([status, typeof fieldOf(html, field).fault]).toEqual([422, 'string']);
    const answer = await admin.script.ask('/api/v1/invites', { json: wrong });
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field })] }),
    ]);
    expect((await list('?limit=100')).items).toHaveLength(before);
  });
});

describe('the open invites', () => {
  let ids: string[];
  beforeEach(async () => {
    for (const { id } of (await list('?limit=100')).items)
      await admin.script.ask(`/api/v1/invites/${id}`, { method: 'DELETE' });
    ids = [];
    for (let count = 0; count < 5; count++) ids.unshift((await make({ email: `guest-${count}@example.com` })).id);
  });

  it('come the newest first, in parts', async () => {
    const first = await list('?limit=3');
    const second = await list(`?limit=3&cursor=${first.nextCursor ?? ''}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    const { html } = await admin.browser.visit('/admin/invites?limit=3');
    expect(html.match(/guest-\d@example\.com<\/bdi>/g)).toEqual(
      [4, 3, 2].map((count) => `guest-${count}@example.com</bdi>`),
    );
    expect(html).toContain('rel="next"');
  });

  it('are written down: who made and who withdrew them, and never for whom', async () => {
    const [id] = ids;
    await admin.script.ask(`/api/v1/invites/${id ?? ''}`, { method: 'DELETE' });
    const { items } = (await (await admin.script.ask(`/api/v1/activity?q=${id ?? ''}`)).json()) as { items: object[] };
    expect(items).toMatchObject([
      { kind: 'invite.withdrawn', actor: keeper.email, target: id },
      { kind: 'invite.made', actor: keeper.email, target: id },
    ]);
    expect(await (await admin.script.ask('/api/v1/activity?q=guest-')).json()).toMatchObject({ items: [] });
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
