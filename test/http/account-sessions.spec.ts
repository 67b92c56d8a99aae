import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { dayMs } from '../../src/config/durations.js';
import type { SessionView } from '../../src/sessions/session.view.js';
import { aSite, startApp } from '../support/app.js';
import { messageOf } from '../support/html.js';
import { Script, Visitor } from '../support/people.js';

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

const site = aSite(() => startApp({ TRUST_PROXY: '127.0.0.1' }));

/** A member with a browser, an API login and a token. */
async function member() {
  const [browser, script, token] = [new Visitor(site.url), new Script(site.url), new Script(site.url)];
  const who = await browser.register();
  await script.logIn(who);
  const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'nightly backup', scope: 'write' } });
  token.token = ((await made.json()) as { token: string }).token;
  return { who, browser, script, token };
}

const isIn = async (browser: Visitor) => (await browser.ask('/secrets')).status === 200;
const opens = async (script: Script) => (await script.ask('/api/v1/users/me')).status === 200;

const sessionsOf = async (script: Script, query = '') =>
  (await (await script.ask(`/api/v1/users/me/sessions${query}`)).json()) as {
    items: SessionView[];
    nextCursor: string | null;
  };

const idOf = async (script: Script, kind: string) =>
  (await sessionsOf(script)).items.find((session) => session.kind === kind)?.id ?? '';

const end = async (script: Script, id: string) =>
  (await script.ask(`/api/v1/users/me/sessions/${id}`, { method: 'DELETE' })).status;

/** The rows of the page, as words. */
const rowsOf = (html: string) =>
  [...html.matchAll(/<li class="session">([^]*?)<\/li>/g)].map(([, row = '']) =>
    row
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  );

const eventsOf = async ({ email }: { email: string }, kind: string) =>
  site.app
    .get(DataSource)
    .query<{ target: string }[]>('SELECT "target" FROM "events" WHERE "kind" = $1 AND "actor" = $2', [kind, email]);

describe('the list of a member’s sessions', () => {
  it('has browsers, API logins and tokens in one, the newest first, and which one asks', async () => {
    const { who, script } = await member();
    const { items, nextCursor } = await sessionsOf(script);
    expect(nextCursor).toBeNull();
    expect(items.map(({ kind, name, scope, isCurrent }) => ({ kind, name, scope, isCurrent }))).toEqual([
      { kind: 'token', name: 'nightly backup', scope: 'write', isCurrent: false },
      { kind: 'api', name: null, scope: null, isCurrent: true },
      { kind: 'browser', name: null, scope: null, isCurrent: false },
    ]);
    const [token] = items;
    expect(Date.parse(token?.expiresAt ?? '') - Date.parse(token?.createdAt ?? '')).toBe(90 * dayMs);
    expect(JSON.stringify(items)).not.toContain(who.email);
  });

  it('says in words what logged in, and where from', async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    const headers = { 'user-agent': firefox, 'x-forwarded-for': '203.0.113.7' };
    const phone = new Visitor(site.url);
    await phone.ask('/login', { form: { email: who.email, password: who.password }, headers });
    const { html } = await phone.visit('/account/sessions');
    const [first = '', second = ''] = rowsOf(html);
    expect(first).toMatch(
      /^Firefox on Linux this one Kind Browser From 203\.0\.113\.7 Began .+ UTC Last seen .+ UTC Log out/,
    );
    expect(second).toMatch(
      /^node Kind Browser From 127\.0\.0\.1 Began .+ UTC Last seen .+ UTC End : node, since .+ UTC$/,
    );
  });

  it('shows of a token its name, what it may do and when it ends', async () => {
    const { browser } = await member();
    const [token = ''] = rowsOf((await browser.visit('/account/sessions')).html);
    const year = new Date(Date.now() + 90 * dayMs).getUTCFullYear();
    expect(token).toMatch(/^nightly backup Kind Access token, scope write From 127\.0\.0\.1, node Began /);
    expect(token).toMatch(
      new RegExp(`Ends \\d+ \\w+ ${year}, \\d\\d:\\d\\d UTC End : the token nightly backup, since`),
    );
  });

  it('has its own members only', async () => {
    const [ada, grace] = [await member(), await member()];
    const ids = (await sessionsOf(ada.script)).items.map(({ id }) => id);
    expect(ids).toHaveLength(3);
    for (const { id } of (await sessionsOf(grace.script)).items) expect(ids).not.toContain(id);
  });

  it('comes in parts', async () => {
    const { browser, script } = await member();
    const all = (await sessionsOf(script)).items.map(({ id }) => id);
    const first = await sessionsOf(script, '?limit=2');
    const second = await sessionsOf(script, `?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(all);
    expect(second.nextCursor).toBeNull();
    const { html } = await browser.visit('/account/sessions?limit=2');
    expect(rowsOf(html)).toHaveLength(2);
    const next =
      /<a [^>]*href="([^"]*)" rel="next"/
        .exec(html)?.[1]
        ?.replace(/&amp;/g, '&')
        .replace(/&#x3D;/g, '=') ?? '';
    expect(rowsOf((await browser.visit(next)).html)).toHaveLength(1);
    expect((await script.ask('/api/v1/users/me/sessions?limit=0')).status).toBe(422);
  });

  it('has none that is over', async () => {
    const { script } = await member();
    const id = await idOf(script, 'browser');
    await site.app
      .get(DataSource)
      .query('UPDATE "sessions" SET "expiresAt" = $1 WHERE "id" = $2', [Date.now() - 1, id]);
    expect((await sessionsOf(script)).items.map(({ kind }) => kind)).toEqual(['token', 'api']);
    expect(await end(script, id)).toBe(404);
  });
});

describe('a session that its member ends', () => {
  it('is refused on the next request, and the others are not', async () => {
    const { who, browser, script, token } = await member();
    expect(await end(script, await idOf(script, 'token'))).toBe(204);
    expect([await opens(token), await opens(script), await isIn(browser)]).toEqual([false, true, true]);
    expect(await end(script, await idOf(script, 'browser'))).toBe(204);
    expect([await opens(script), await isIn(browser)]).toEqual([true, false]);
    expect(await eventsOf(who, 'session.ended')).toEqual([{ target: 'nightly backup' }, { target: 'node' }]);
  });

  it('is ended by a button of the page, too', async () => {
    const { browser, script, token } = await member();
    const id = await idOf(script, 'token');
    const { html } = await browser.visit('/account/sessions');
    expect(html).toContain(`<form method="post" action="/account/sessions/${id}/end">`);
    const after = await browser.visit(`/account/sessions/${id}/end`, { form: {} });
    expect(after.at).toBe('/account/sessions');
    expect(messageOf(after.html, 'status')).toContain('ended');
    expect(rowsOf(after.html)).toHaveLength(2);
    expect(await opens(token)).toBe(false);
    expect((await browser.ask(`/account/sessions/${id}/end`, { form: {} })).status).toBe(404);
  });

  it('is no session of this browser any more where it was its own', async () => {
    const { browser, script } = await member();
    const { at, html } = await browser.visit(`/account/sessions/${await idOf(script, 'browser')}/end`, { form: {} });
    expect([at, messageOf(html, 'status')]).toEqual(['/login', 'You are logged out.']);
    expect(await isIn(browser)).toBe(false);
    expect(await end(script, await idOf(script, 'api'))).toBe(204);
    expect(await opens(script)).toBe(false);
  });

  it('is none of somebody else’s', async () => {
    const [ada, grace] = [await member(), await member()];
    const id = await idOf(grace.script, 'browser');
    expect(await end(ada.script, id)).toBe(404);
    expect((await ada.browser.ask(`/account/sessions/${id}/end`, { form: {} })).status).toBe(404);
    for (const nothing of [randomUUID(), 'nothing', 'g']) expect(await end(ada.script, nothing)).toBe(404);
    expect(await isIn(grace.browser)).toBe(true);
    expect(await eventsOf(ada.who, 'session.ended')).toEqual([]);
  });

  it('is not ended by a link, nor from another site', async () => {
    const { browser, script } = await member();
    const path = `/account/sessions/${await idOf(script, 'token')}/end`;
    expect((await browser.ask(path)).status).toBe(405);
    expect((await browser.ask(path, { form: {}, headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await sessionsOf(script)).items).toHaveLength(3);
  });
});

describe('all other sessions', () => {
  it('end by one button', async () => {
    const { who, browser, script, token } = await member();
    expect((await browser.visit('/account/sessions')).html).toContain('End all others');
    const { at, html } = await browser.visit('/account/sessions/end-others', { form: {} });
    expect(at).toBe('/account/sessions');
    expect(rowsOf(html)).toHaveLength(1);
    expect(html).not.toContain('End all others');
    expect([await isIn(browser), await opens(script), await opens(token)]).toEqual([true, false, false]);
    expect(await eventsOf(who, 'session.others-ended')).toHaveLength(1);
  });

  it('end by one call, and those of others do not', async () => {
    const { browser, script, token } = await member();
    const grace = await member();
    const answer = await script.ask('/api/v1/users/me/sessions', { method: 'DELETE' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect([await isIn(browser), await opens(script), await opens(token)]).toEqual([false, true, false]);
    expect([await isIn(grace.browser), await opens(grace.script), await opens(grace.token)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('leave no token behind that one of them was just making', async () => {
    const { who, script } = await member();
    for (let round = 0; round < 5; round++) {
      const thief = new Script(site.url);
      await thief.logIn(who);
      const make = () => thief.ask('/api/v1/users/me/tokens', { json: { name: 'a back door', scope: 'write' } });
      const making = Array.from({ length: 10 }, make);
      const ending = script.ask('/api/v1/users/me/sessions', { method: 'DELETE' });
      making.push(...Array.from({ length: 10 }, make));
      expect((await ending).status).toBe(204);
      for (const { status } of await Promise.all(making)) expect([201, 401]).toContain(status);
      expect((await sessionsOf(script)).items.map(({ kind }) => kind)).toEqual(['api']);
    }
  });
});
