import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { minuteMs } from '../../src/config/durations.js';
import { aSite, startApp, type TestApp } from '../support/app.js';
import { addAuthenticator, logInWithCode } from '../support/factors.js';
import { Script, Visitor } from '../support/people.js';

async function memberOf(site: TestApp) {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  const who = await browser.register();
  await script.logIn(who);
  return { who, browser, script };
}

describe('eleven minutes after the login', () => {
  const site = aSite();

  const stale = async () => {
    const member = await memberOf(site);
    await site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - 11 * minuteMs]);
    return member;
  };

  it.each(['email', 'tokens', 'export', 'deletion'])(
    'the page /account/%s asks who it is, and opens after the proof',
    async (page) => {
      const { who, browser } = await stale();
      const path = `/account/${page}`;
      const proof = `/account/proof?next=${encodeURIComponent(path)}`;
      expect((await browser.ask(path)).headers.get('location')).toBe(proof);
      const form = { email: `new-${who.email}`, name: 'a script', scope: 'read', days: '9', password: who.password };
      const posted = await browser.ask(path, { form });
      expect([posted.status, posted.headers.get('location')]).toEqual([303, `${proof}&again=yes`]);
      expect((await browser.visit('/account/proof', { form: { password: who.password, next: path } })).at).toBe(path);
      expect((await browser.ask(path)).status).toBe(200);
      expect((await browser.ask(path, { form })).status).toBeLessThan(400);
    },
  );

  const calls = [
    ['POST', '/email-changes'],
    ['POST', '/tokens'],
    ['GET', '/export'],
    ['DELETE', ''],
  ] as const;

  it.each(calls)('the call %s /api/v1/users/me%s is refused, and works after the proof', async (method, path) => {
    const { who, script } = await stale();
    const json = { email: `new-${who.email}`, name: 'a script', scope: 'read', password: who.password };
    const call = () => script.ask(`/api/v1/users/me${path}`, method === 'GET' ? {} : { method, json });
    const refused = await call();
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('/api/v1/users/me/proof');
    const prove = { method: 'PUT', json: { password: who.password } };
    const proof = await script.ask('/api/v1/users/me/proof', prove);
    expect(proof.status).toBe(200);
    script.token = ((await proof.json()) as { access_token: string }).access_token;
    expect((await call()).ok).toBe(true);
  });

  it('the rest is open as before, and the password is changed by who gives the current one', async () => {
    const { who, browser, script } = await stale();
    for (const page of ['', '/name', '/password', '/sessions', '/activity'])
      expect([page, (await browser.ask(`/account${page}`)).status]).toEqual([page, 200]);
    for (const path of ['', '/sessions', '/activity'])
      expect([path, (await script.ask(`/api/v1/users/me${path}`)).status]).toEqual([path, 200]);
    const form = { currentPassword: who.password, password: 'another sentence of my own' };
    expect((await browser.ask('/account/password', { form })).status).toBe(303);
  });
});

describe('where each member must have a second factor', () => {
  const site = aSite(() => startApp({ REQUIRE_MFA: 'all' }));

  /** A member who has set up no second factor yet. */
  async function newcomer() {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const who = await script.register();
    await browser.ask('/login', { form: { email: who.email, password: who.password } });
    return { who, browser, script };
  }

  it('one who has none sees what the account is and where it is logged in, and ends sessions', async () => {
    const { browser, script } = await newcomer();
    for (const path of ['/account', '/account/sessions']) expect((await browser.ask(path)).status).toBe(200);
    expect((await script.ask('/api/v1/users/me')).status).toBe(200);
    const { items } = (await (await script.ask('/api/v1/users/me/sessions')).json()) as {
      items: { id: string; kind: string }[];
    };
    const id = items.find(({ kind }) => kind === 'browser')?.id;
    expect((await script.ask(`/api/v1/users/me/sessions/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await script.ask('/api/v1/users/me/sessions', { method: 'DELETE' })).status).toBe(204);
  });

  it('all else waits for it, and opens with it', async () => {
    const { who, browser, script } = await newcomer();
    const pages = ['name', 'email', 'password', 'tokens', 'activity', 'export', 'deletion'];
    for (const page of pages)
      expect([page, (await browser.ask(`/account/${page}`)).headers.get('location')]).toEqual([
        page,
        '/account/factors',
      ]);
    const form = {};
    for (const path of [...pages.filter((page) => page !== 'activity'), 'email/verification'])
      expect([path, (await browser.ask(`/account/${path}`, { form })).headers.get('location')]).toEqual([
        path,
        '/account/factors',
      ]);
    const rename = async () =>
      (await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: 'Grace Hopper' } })).status;
    expect(await rename()).toBe(403);
    const { nextCode } = await addAuthenticator(site, script);
    expect(await rename()).toBe(200);
    await logInWithCode(browser, who, nextCode);
    for (const page of pages) expect([page, (await browser.ask(`/account/${page}`)).status]).toEqual([page, 200]);
  });
});
