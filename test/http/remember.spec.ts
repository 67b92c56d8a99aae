import { beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource, MoreThan } from 'typeorm';
import { Session } from '../../src/sessions/session.entity.js';
import { aSite, startApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { addPasskey, optionsIn, type SoftPasskey } from '../support/factors.js';
import { Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ SESSION_IDLE_MINUTES: '60', SESSION_MAX_HOURS: '24' }));
let ada: Person;
beforeAll(async () => {
  ada = await new Visitor(site.url).register();
});

const sessionIn = (answer: Response) =>
  answer.headers.getSetCookie().find((line) => line.startsWith('gatehouse-session-')) ?? '';

const logIn = async (over: Record<string, string> = {}) => {
  const visitor = new Visitor(site.url);
  const { email, password } = ada;
  const answer = await visitor.ask('/login', { form: { email, password, ...over } });
  return { visitor, cookie: sessionIn(answer) };
};

const idleFor = (minutes: number) =>
  site.app.get(DataSource).query('UPDATE "sessions" SET "lastSeenAt" = $1', [Date.now() - minutes * 60_000]);
const lastFor = (minutes: number) =>
  site.app.get(DataSource).query('UPDATE "sessions" SET "expiresAt" = $1', [Date.now() - minutes * 60_000]);
const isIn = async (visitor: Visitor) => (await visitor.ask('/secrets')).status === 200;

/** A use is written down after its answer: what is said of the session before would be overwritten. */
const isSeen = () =>
  eventually(async () => {
    const since = Date.now() - 60_000;
    return site.app
      .get(DataSource)
      .getRepository(Session)
      .existsBy({ lastSeenAt: MoreThan(new Date(since)) });
  });

describe('a login that is not to be remembered', () => {
  it('ends with the browser', async () => {
    const { cookie } = await logIn();
    expect(cookie).not.toMatch(/max-age|expires/i);
  });

  it('ends when nobody uses it', async () => {
    const { visitor } = await logIn();
    await idleFor(59);
    expect(await isIn(visitor)).toBe(true);
    await isSeen();
    await idleFor(61);
    expect(await isIn(visitor)).toBe(false);
  });
});

describe('a login that is to be remembered', () => {
  it('outlasts the browser, until the session ends', async () => {
    const { cookie } = await logIn({ remember: 'yes' });
    expect(cookie).toMatch(/max-age=86400/i);
  });

  it('outlasts a time when nobody uses it, and no longer than the absolute limit', async () => {
    const { visitor } = await logIn({ remember: 'yes' });
    await idleFor(23 * 60);
    expect(await isIn(visitor)).toBe(true);
    await lastFor(0);
    expect(await isIn(visitor)).toBe(false);
  });

  it('keeps its tick where the form is shown again', async () => {
    const answer = await new Visitor(site.url).ask('/login', { form: { email: '', password: '', remember: 'yes' } });
    expect(answer.status).toBe(422);
    expect(await answer.text()).toMatch(/name="remember"[^>]* checked/);
  });
});

describe('a login with a passkey', () => {
  let grace: Person;
  let passkey: SoftPasskey;
  beforeAll(async () => {
    const browser = new Visitor(site.url);
    grace = await browser.register();
    passkey = await addPasskey(site, browser);
  });

  const show = async (form: Record<string, string>, visitor = new Visitor(site.url), page = '/login') => {
    const response = passkey.get(optionsIn((await visitor.visit(page)).html));
    const answer = await visitor.ask('/login/passkey', { form: { response, ...form } });
    expect(answer.headers.get('location')).toBe('/secrets');
    return { visitor, cookie: sessionIn(answer) };
  };

  it('ends with the browser, or when nobody uses it, where it is not to be remembered', async () => {
    const { visitor, cookie } = await show({});
    expect(cookie).toMatch(/^gatehouse-session-[0-9a-f]{8}=\S+;/);
    expect(cookie).not.toMatch(/max-age|expires/i);
    await idleFor(61);
    expect(await isIn(visitor)).toBe(false);
  });

  it('outlasts both where it is', async () => {
    const { visitor, cookie } = await show({ remember: 'yes' });
    expect(cookie).toMatch(/max-age=86400/i);
    await idleFor(61);
    expect(await isIn(visitor)).toBe(true);
  });

  it.each([
    ['is remembered where the password came with the tick', { remember: 'yes' }, true],
    ['is not where it came without', {}, false],
  ])('as a second step %s', async (_what, tick, isRemembered) => {
    const visitor = new Visitor(site.url);
    const { email, password } = grace;
    await visitor.ask('/login', { form: { email, password, ...tick } });
    const { cookie } = await show({}, visitor, '/login/factor');
    expect(/max-age=86400/i.test(cookie)).toBe(isRemembered);
  });
});
