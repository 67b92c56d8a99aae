import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { LoginsService } from '../../src/auth/logins.service.js';
import { UsersService } from '../../src/users/users.service.js';
import { aSite, startApp } from '../support/app.js';
import { setUpAuthenticator, type Authenticated } from '../support/factors.js';
import { messageOf } from '../support/html.js';
import { waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }));

/** A member with an authenticator app, who is logged in nowhere. */
const member = async (): Promise<Authenticated> => setUpAuthenticator(site);

const passwordRight = async ({ who }: Authenticated, over: Record<string, string> = {}) => {
  const visitor = new Visitor(site.url);
  const { email, password } = who;
  const { at } = await visitor.visit('/login', { form: { email, password, ...over } });
  return { visitor, at };
};
const give = (visitor: Visitor, code: string) => visitor.visit('/login/factor', { form: { code } });
const isIn = async (visitor: Visitor) => (await visitor.ask('/secrets')).status === 200;

describe('a member with an authenticator app', () => {
  it('is asked for its code after the password, and is not in before', async () => {
    const ada = await member();
    const { visitor, at } = await passwordRight(ada);
    expect(at).toBe('/login/factor');
    expect(await isIn(visitor)).toBe(false);
    expect((await give(visitor, await ada.nextCode())).at).toBe('/secrets');
    expect(await isIn(visitor)).toBe(true);
  });

  it('lands where they wanted to go, and is remembered where they asked for it', async () => {
    const ada = await member();
    const { visitor } = await passwordRight(ada, { next: '/secrets?q=a', remember: 'yes' });
    const answer = await visitor.ask('/login/factor', { form: { code: await ada.nextCode() } });
    expect(answer.headers.get('location')).toBe('/secrets?q=a');
    expect(answer.headers.getSetCookie().find((line) => line.startsWith('gatehouse-session-'))).toMatch(/max-age=/i);
  });

  it('is not in with a wrong code, with none, or with one that was used', async () => {
    const ada = await member();
    const { visitor } = await passwordRight(ada);
    const wrong = await give(visitor, '000000');
    expect(wrong.at).toBe('/login/factor');
    expect(messageOf(wrong.html, 'alert')).toContain('not right');
    expect((await visitor.ask('/login/factor', { form: {} })).status).toBe(422);
    const code = await ada.nextCode();
    expect((await give(visitor, code)).at).toBe('/secrets');
    const { visitor: second } = await passwordRight(ada);
    expect((await give(second, code)).at).toBe('/login/factor');
    expect(await isIn(second)).toBe(false);
  });

  it('is in by a recovery code, once, and is told so by mail', async () => {
    const ada = await member();
    const [code = ''] = ada.recoveryCodes;
    const { visitor } = await passwordRight(ada);
    expect((await give(visitor, code)).at).toBe('/secrets');
    await waitForMail(site, ada.who.email, /recovery/i);
    const { visitor: second } = await passwordRight(ada);
    expect((await give(second, code)).at).toBe('/login/factor');
  });

  it('gets in once with one code, of ten who give it at the same time', async () => {
    const ada = await member();
    const visitors = [];
    for (let n = 0; n < 5; n++) visitors.push((await passwordRight(ada)).visitor);
    const code = await ada.nextCode();
    const answers = await Promise.all(visitors.map((visitor) => give(visitor, code)));
    expect(answers.filter(({ at }) => at === '/secrets')).toHaveLength(1);
  });

  it('logs in through the API with the code, and not without', async () => {
    const ada = await member();
    const logIn = (json: object) => new Script(site.url).ask('/api/v1/auth/login', { json: { ...ada.who, ...json } });
    const without = await logIn({});
    expect(without.status).toBe(401);
    expect(await without.text()).toContain('second factor');
    expect((await logIn({ code: '000000' })).status).toBe(401);
    expect((await logIn({ code: await ada.nextCode() })).status).toBe(200);
  });

  it('has to wait after ten wrong codes, wherever they come from', async () => {
    const ada = await member();
    const { visitor } = await passwordRight(ada);
    for (let n = 0; n < 10; n++) {
      const headers = { 'x-forwarded-for': `203.0.113.${n}` };
      const answer = await visitor.ask('/login/factor', { form: { code: '000000' }, headers });
      expect(answer.status).toBe(303);
    }
    expect((await visitor.ask('/login/factor', { form: { code: await ada.nextCode() } })).status).toBe(429);
  });
});

describe('a login that is half done', () => {
  it('is over after ten minutes, and where the password was changed meanwhile', async () => {
    const [ada, grace] = [await member(), await member()];
    const { visitor } = await passwordRight(ada);
    await site.app.get(DataSource).query(`UPDATE "links" SET "expiresAt" = $1 WHERE "kind" = 'factor'`, [Date.now()]);
    expect((await give(visitor, await ada.nextCode())).at).toBe('/login');

    const { visitor: other } = await passwordRight(grace);
    await site.app
      .get(DataSource)
      .query(`UPDATE "users" SET "passwordHash" = 'another' WHERE "email" = $1`, [grace.who.email]);
    expect((await give(other, await grace.nextCode())).at).toBe('/login');
    expect(await isIn(other)).toBe(false);
  });

  it('begins no session, nor a token of the API, where a second factor was set up after it had looked for one', async () => {
    const [ada, who] = [await member(), person()];
    await new Visitor(site.url).register(who);
    const grace = await setUpAuthenticator(site);
    const user = async ({ email }: Person) => {
      const found = await site.app.get(UsersService).findByEmail(email);
      if (!found) throw new Error('There is no such member.');
      return found;
    };
    const caller = { address: '127.0.0.1', userAgent: 'a test', requestId: randomUUID() };
    const begin = async (one: Person, kind: 'browser' | 'api', hasShownFactor = false) =>
      site.app.get(LoginsService).begin(await user(one), { kind, caller, hasShownFactor });
    for (const kind of ['browser', 'api'] as const) {
      await expect(begin(ada.who, kind)).rejects.toThrow('changed while you logged in');
      await expect(begin(grace.who, kind, true)).resolves.toHaveProperty('token');
      await expect(begin(who, kind)).resolves.toHaveProperty('token');
    }
  });

  it('is nothing without a right password before it', async () => {
    const { at, status } = await new Visitor(site.url).visit('/login/factor');
    expect([at, status]).toEqual(['/login', 200]);
    expect((await new Visitor(site.url).visit('/login/factor', { form: { code: '123456' } })).at).toBe('/login');
  });
});

it('an account under siege lets its owner in with the second factor', async () => {
  const ada = await member();
  await site.app.get(DataSource).query(`DELETE FROM "rate_limits" WHERE "key" LIKE 'streak:%'`);
  await new Script(site.url).ask('/api/v1/auth/login', { json: { email: ada.who.email, password: 'a guess' } });
  await site.app.get(DataSource).query(`UPDATE "rate_limits" SET "points" = 100 WHERE "key" LIKE 'streak:%'`);
  const { visitor, at } = await passwordRight(ada);
  expect(at).toBe('/login/factor');
  expect((await give(visitor, await ada.nextCode())).at).toBe('/secrets');
});
