import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dayMs } from '../../src/config/durations.js';
import type { SessionView } from '../../src/sessions/session.view.js';
import { idOf } from '../support/admins.js';
import { aSite, startApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { cellsOf } from '../support/dump.js';
import { fieldOf } from '../support/html.js';
import { Script, Visitor } from '../support/people.js';

const admin = { name: '', email: 'keeper@example.com', password: 'the keeper of all the keys' };

const site = aSite(() => startApp({ LOG_LEVEL: 'trace', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }));

async function member() {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  const who = await browser.register();
  await script.logIn(who);
  return { who, browser, script };
}

async function keeper() {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  await browser.visit('/login', { form: { email: admin.email, password: admin.password } });
  await script.logIn(admin);
  return { browser, script };
}

const ask = (script: Script, json: object) => script.ask('/api/v1/users/me/tokens', { json });

/** A script that holds a new token of whoever asks. */
async function tokenOf(script: Script, json: object): Promise<Script & { session: SessionView }> {
  const answer = await ask(script, { name: 'a script', ...json });
  if (answer.status !== 201) throw new Error(`No token: ${answer.status} ${await answer.text()}`);
  const { token, session } = (await answer.json()) as { token: string; session: SessionView };
  return Object.assign(new Script(site.url), { token, session });
}

const tokenIn = (html: string) => /<textarea[^>]*>([^<]*)<\/textarea>/.exec(html)?.[1] ?? '';

const lifetimeOf = ({ createdAt, expiresAt }: SessionView) => (Date.parse(expiresAt) - Date.parse(createdAt)) / dayMs;

describe('a personal token', () => {
  it('is made on a page that shows it this once, with a prefix that people know', async () => {
    const { who, browser } = await member();
    const answer = await browser.ask('/account/tokens', {
      form: { name: 'nightly backup', scope: 'read', days: '30' },
    });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const html = await answer.text();
    const script = Object.assign(new Script(site.url), { token: tokenIn(html) });
    expect(script.token).toMatch(/^gatehouse_[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(html).toContain('nightly backup');
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ email: who.email });
    for (const page of ['/account', '/account/tokens', '/account/sessions', '/account/activity'])
      expect((await browser.visit(page)).html).not.toContain('gatehouse_');
  });

  it('is made by the API, with what stands in the list of sessions', async () => {
    const { script } = await member();
    const answer = await ask(script, { name: 'nightly backup', scope: 'read', days: 30 });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { token, session } = (await answer.json()) as { token: string; session: SessionView };
    expect(token).toMatch(/^gatehouse_/);
    expect(session).toMatchObject({ kind: 'token', name: 'nightly backup', scope: 'read', isCurrent: false });
    const { items } = (await (await script.ask('/api/v1/users/me/sessions')).json()) as { items: SessionView[] };
    expect(items).toContainEqual(session);
  });

  it('is kept nowhere: in no cell of the database and no line of the log', async () => {
    const { browser, script } = await member();
    const made = await tokenOf(script, { scope: 'write' });
    const form = { name: 'from the page', scope: 'read', days: '1' };
    const shown = tokenIn(await (await browser.ask('/account/tokens', { form })).text());
    await made.ask('/api/v1/users/me');
    const cells = await cellsOf(site);
    expect(cells).toContain(made.session.id);
    for (const token of [made.token ?? '', shown]) {
      const signature = token.split('.').at(-1) ?? '';
      expect(signature).toHaveLength(43);
      for (const text of [...cells, site.log()]) {
        expect(text).not.toContain(signature);
        expect(text).not.toContain(token);
      }
    }
  });

  it('lasts 90 days where nothing is said, and at most 365', async () => {
    const { browser, script } = await member();
    expect(lifetimeOf((await tokenOf(script, { scope: 'read' })).session)).toBe(90);
    expect(lifetimeOf((await tokenOf(script, { scope: 'read', days: 365 })).session)).toBe(365);
    expect(lifetimeOf((await tokenOf(script, { scope: 'read', days: 1 })).session)).toBe(1);
    for (const days of [366, 0, -1, 1.5, 'soon', null]) {
      const answer = await ask(script, { name: 'a script', scope: 'read', days });
      expect([days, answer.status]).toEqual([days, 422]);
      expect(await answer.json()).toMatchObject({ errors: [{ field: 'days' }] });
    }
    expect(fieldOf((await browser.visit('/account/tokens')).html, 'days').value).toBe('90');
    const form = { name: 'a script', scope: 'write', days: '366' };
    const { status, html } = await browser.visit('/account/tokens', { form });
    expect([status, fieldOf(html, 'days')]).toEqual([422, { value: '366', fault: 'A token lasts at most 365 days.' }]);
    expect(fieldOf(html, 'name').value).toBe('a script');
    expect(html).toContain('<option value="write" selected>');
  });

  it('was never used until it is, by the API, on the page and for an admin', async () => {
    const { who, browser, script } = await member();
    const token = await tokenOf(script, { name: 'nightly backup', scope: 'read' });
    const seen = async () => {
      const { items } = (await (await script.ask('/api/v1/users/me/sessions')).json()) as { items: SessionView[] };
      return items.find(({ id }) => id === token.session.id)?.lastSeenAt;
    };
    const pages = async () => {
      const own = (await browser.visit('/account/sessions')).html;
      const admins = (await (await keeper()).browser.visit(`/admin/members/${await idOf(site, who)}`)).html;
      return [own, admins].map((html) => html.match(/>never</g)?.length ?? 0);
    };
    expect([token.session.lastSeenAt, await seen(), await pages()]).toEqual([null, null, [1, 1]]);
    expect((await browser.visit('/account/sessions')).html).toContain('<dt>Last used</dt><dd>never</dd>');

    expect((await token.ask('/api/v1/users/me')).status).toBe(200);
    await eventually(async () => (await seen()) !== null);
    expect(Math.abs(Date.parse((await seen()) ?? '') - Date.now())).toBeLessThan(60_000);
    expect(await pages()).toEqual([0, 0]);
  });

  it('opens nothing once its days are over', async () => {
    const { script } = await member();
    const token = await tokenOf(script, { scope: 'read', days: 1 });
    expect((await token.ask('/api/v1/users/me')).status).toBe(200);
    await site.app
      .get(DataSource)
      .query('UPDATE "sessions" SET "expiresAt" = $1 WHERE "id" = $2', [Date.now() - 1, token.session.id]);
    expect((await token.ask('/api/v1/users/me')).status).toBe(401);
  });

  it('needs a name and a scope', async () => {
    const { script } = await member();
    const answer = await ask(script, { name: ' ', scope: 'everything' });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'name' }, { field: 'scope' }] });
    expect((await ask(script, {})).status).toBe(422);
  });

  it('is noted under its name', async () => {
    const { who, script } = await member();
    await tokenOf(script, { name: 'my little robot', scope: 'read' });
    expect(
      await site.app
        .get(DataSource)
        .query(`SELECT "target", "actor" FROM "events" WHERE "kind" = 'token.made' AND "actor" = $1`, [who.email]),
    ).toEqual([{ target: 'my little robot', actor: who.email }]);
  });
});

describe('what a personal token may do', () => {
  const rename = async (script: Script, name = 'Grace Hopper') =>
    (await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name } })).status;

  it('is to look and no more, with the scope read', async () => {
    const { script } = await member();
    const token = await tokenOf(script, { scope: 'read' });
    for (const path of ['/api/v1/users/me', '/api/v1/users/me/sessions', '/api/v1/users/me/activity', '/api/v1/files'])
      expect([path, (await token.ask(path)).status]).toEqual([path, 200]);
    expect(await rename(token)).toBe(403);
    expect((await token.ask('/api/v1/users/me/sessions', { method: 'DELETE' })).status).toBe(403);
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ name: 'Ada Lovelace' });
  });

  it('is to change things too, with the scope write', async () => {
    const { script } = await member();
    const token = await tokenOf(script, { scope: 'write' });
    expect(await rename(token)).toBe(200);
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ name: 'Grace Hopper' });
    expect((await token.ask('/api/v1/users')).status).toBe(403);
  });

  it('is nothing that asks for a fresh proof, whatever its scope', async () => {
    const { script } = await keeper();
    const token = await tokenOf(script, { scope: 'admin' });
    const prove = { method: 'PUT', json: { password: admin.password } };
    expect((await token.ask('/api/v1/users/me/proof', prove)).status).toBeLessThan(500);
    expect((await ask(token, { name: 'another', scope: 'read' })).status).toBe(403);
    expect((await token.ask('/api/v1/users/me/export')).status).toBe(403);
    const json = { email: 'elsewhere@example.com' };
    expect((await token.ask('/api/v1/users/me/email-changes', { json })).status).toBe(403);
    const deletion = { method: 'DELETE', json: { password: admin.password } };
    expect((await token.ask('/api/v1/users/me', deletion)).status).toBe(403);
  });

  it('is never what only admins do, where a member asks for it', async () => {
    const { browser, script } = await member();
    const answer = await ask(script, { name: 'a script', scope: 'admin' });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'scope' }] });
    expect((await browser.visit('/account/tokens')).html).not.toContain('value="admin"');
    const form = { name: 'a script', scope: 'admin', days: '90' };
    const page = await browser.visit('/account/tokens', { form });
    expect(page.status).toBe(422);
    expect(page.html).toContain('id="scope-error"');
    expect(tokenIn(page.html)).toBe('');
  });

  it('is what admins do with the scope admin, until its owner is none any more', async () => {
    const { browser, script } = await keeper();
    expect((await browser.visit('/account/tokens')).html).toContain('value="admin"');
    const token = await tokenOf(script, { scope: 'admin' });
    const writer = await tokenOf(script, { scope: 'write' });
    const list = async (one: Script) => (await one.ask('/api/v1/users')).status;
    expect([await list(token), await list(writer)]).toEqual([200, 403]);
    const become = (role: string) =>
      site.app.get(DataSource).query('UPDATE "users" SET "role" = $1 WHERE "email" = $2', [role, admin.email]);
    await become('member');
    try {
      expect([await list(token), (await token.ask('/api/v1/users/me')).status]).toEqual([403, 200]);
    } finally {
      await become('admin');
    }
    expect(await list(token)).toBe(200);
  });

  it('is nothing on pages', async () => {
    const { script } = await member();
    const { token = '' } = await tokenOf(script, { scope: 'write' });
    const visitor = new Visitor(site.url);
    visitor.cookies.set('gatehouse-session', token);
    expect((await visitor.ask('/account')).status).toBe(303);
    visitor.cookies.set('gatehouse-session', token.slice('gatehouse_'.length));
    expect((await visitor.ask('/account')).status).toBe(303);
  });
});
