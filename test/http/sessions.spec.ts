import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { DataSource } from 'typeorm';
import { hourMs, minuteMs } from '../../src/config/durations.js';
import { Session } from '../../src/sessions/session.entity.js';
import { User } from '../../src/users/user.entity.js';
import { aSite, startApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ SESSION_IDLE_MINUTES: '60', SESSION_MAX_HOURS: '24' }));

const users = () => site.app.get(DataSource).getRepository(User);
const sessions = () => site.app.get(DataSource).getRepository(Session);

const sessionsOf = async ({ email }: Person) =>
  sessions().findBy({ userId: (await users().findOneByOrFail({ email })).id });

/** Changes the rows of a member's sessions. */
const change = async (who: Person, change: Partial<Session>) => {
  for (const { id } of await sessionsOf(who)) await sessions().update({ id }, change);
};

const before = (milliseconds: number) => new Date(Date.now() - milliseconds);

/** A member with a browser and a script that are both logged in. */
const member = async () => {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  const who = await browser.register();
  await script.logIn(who);
  return { who, browser, script };
};

const isIn = async (browser: Visitor) => (await browser.ask('/secrets')).status === 200;
const opens = async (script: Script) => (await script.ask('/api/v1/users/me')).status === 200;

const copyOf = (browser: Visitor) => {
  const copy = new Visitor(site.url);
  for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
  return copy;
};

describe('logging out', () => {
  it('leaves a cookie that was captured before worth nothing', async () => {
    const { browser } = await member();
    const thief = copyOf(browser);
    expect(await isIn(thief)).toBe(true);
    expect((await browser.ask('/logout', { method: 'POST' })).headers.get('location')).toBe('/');
    expect((await thief.ask('/secrets')).headers.get('location')).toBe('/login?next=%2Fsecrets');
  });

  it('leaves a bearer token worth nothing', async () => {
    const { who, script } = await member();
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({
      name: who.name,
      email: who.email,
      role: 'member',
    });
    expect((await script.ask('/api/v1/auth/logout', { method: 'POST' })).status).toBe(204);
    const after = await script.ask('/api/v1/users/me');
    expect([after.status, after.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
  });

  it('takes the row away, and only that one', async () => {
    const { who, browser, script } = await member();
    await browser.ask('/logout', { method: 'POST' });
    expect((await sessionsOf(who)).map(({ kind }) => kind)).toEqual(['api']);
    expect(await opens(script)).toBe(true);
  });
});

describe('a session that nobody uses', () => {
  it('goes on until the idle limit', async () => {
    const { who, browser, script } = await member();
    await change(who, { lastSeenAt: before(59 * minuteMs) });
    expect(await opens(script)).toBe(true);
    expect(await isIn(browser)).toBe(true);
  });

  it('is over after it', async () => {
    const { who, browser, script } = await member();
    await change(who, { lastSeenAt: before(60 * minuteMs) });
    expect(await isIn(browser)).toBe(false);
    const answer = await script.ask('/api/v1/users/me');
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
  });

  it('is not brought back by being asked for', async () => {
    const { who, browser } = await member();
    await change(who, { lastSeenAt: before(61 * minuteMs) });
    expect([await isIn(browser), await isIn(browser), await isIn(browser)]).toEqual([false, false, false]);
  });
});

describe('a session that is used all the time', () => {
  it('is over at its absolute limit', async () => {
    const { who, browser, script } = await member();
    await change(who, { expiresAt: before(1) });
    expect([await isIn(browser), await opens(script)]).toEqual([false, false]);
  });

  it('has that limit from its login on, and does not move it', async () => {
    const { who, browser } = await member();
    const limits = async () =>
      (await sessionsOf(who)).map(({ createdAt, expiresAt }) => expiresAt.getTime() - createdAt.getTime());
    await change(who, { lastSeenAt: before(5 * minuteMs) });
    await isIn(browser);
    expect(await limits()).toEqual([24 * hourMs, 24 * hourMs]);
  });
});

describe('when a session was last seen', () => {
  it('is written down once a minute has passed', async () => {
    const { who, browser, script } = await member();
    const old = before(2 * minuteMs);
    await change(who, { lastSeenAt: old });
    await isIn(browser);
    await opens(script);
    await eventually(async () =>
      (await sessionsOf(who)).every(({ lastSeenAt }) => lastSeenAt.getTime() > old.getTime() + minuteMs),
    );
  });

  it('is not written at every request', async () => {
    const { who, browser, script } = await member();
    const lately = before(20_000);
    await change(who, { lastSeenAt: lately });
    for (let count = 0; count < 3; count++) expect([await isIn(browser), await opens(script)]).toEqual([true, true]);
    expect((await sessionsOf(who)).map(({ lastSeenAt }) => lastSeenAt)).toEqual([lately, lately]);
  });
});

describe('a member who is disabled', () => {
  it('is out at the next request, in the browser and in scripts', async () => {
    const { who, browser, script } = await member();
    expect([await isIn(browser), await opens(script)]).toEqual([true, true]);
    await users().update({ email: who.email }, { disabledAt: new Date() });
    expect([await isIn(browser), await opens(script)]).toEqual([false, false]);
    expect((await browser.ask('/download')).status).toBe(303);
  });

  it('is told at the login what a stranger is told', async () => {
    const { who } = await member();
    await users().update({ email: who.email }, { disabledAt: new Date() });
    const answer = await new Script(site.url).ask('/api/v1/auth/login', { json: who });
    expect([answer.status, await answer.json()]).toEqual([
      401,
      expect.objectContaining({ detail: expect.stringContaining('do not match') }),
    ]);
  });

  it('whose row is gone is out too', async () => {
    const { who, browser, script } = await member();
    await users().delete({ email: who.email });
    expect([await isIn(browser), await opens(script)]).toEqual([false, false]);
  });
});

describe('a new login', () => {
  const logIn = (browser: Visitor, { email, password }: Person) => browser.ask('/login', { form: { email, password } });

  it('gets a session of its own, and ends the one that the browser had', async () => {
    const { who, browser } = await member();
    const old = copyOf(browser);
    const [first] = (await sessionsOf(who)).filter(({ kind }) => kind === 'browser');
    expect((await logIn(browser, who)).headers.get('location')).toBe('/secrets');
    const [second, ...others] = (await sessionsOf(who)).filter(({ kind }) => kind === 'browser');
    expect(others).toEqual([]);
    expect(second?.id).not.toBe(first?.id);
    expect([await isIn(browser), await isIn(old)]).toEqual([true, false]);
  });

  it('never takes on a session that somebody else put into the browser', async () => {
    const { browser: attacker } = await member();
    const victim = copyOf(attacker);
    const who = await new Visitor(site.url).register();
    await logIn(victim, who);
    expect(victim.cookies.get('gatehouse-session')).not.toBe(attacker.cookies.get('gatehouse-session'));
    expect(await isIn(attacker)).toBe(false);
  });

  it('leaves the member’s other devices alone', async () => {
    const { who, browser, script } = await member();
    await logIn(new Visitor(site.url), who);
    expect([await isIn(browser), await opens(script)]).toEqual([true, true]);
  });

  it('that fails leaves the session that the browser had', async () => {
    const { browser } = await member();
    await logIn(browser, { name: '', email: 'nobody@example.com', password: 'a wrong password' });
    expect(await isIn(browser)).toBe(true);
  });

  it('makes a password’s hash anew where it took less work than today', async () => {
    const { who } = await member();
    const hashOf = async () => (await users().findOneByOrFail({ email: who.email })).passwordHash;
    const weak = await hash(who.password, { memoryCost: 8_192, timeCost: 2, parallelism: 1 });
    await users().update({ email: who.email }, { passwordHash: weak });
    expect((await logIn(new Visitor(site.url), who)).headers.get('location')).toBe('/secrets');
    const raised = await hashOf();
    expect(raised).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await logIn(new Visitor(site.url), who)).headers.get('location')).toBe('/secrets');
    expect(await hashOf()).toBe(raised);
  });
});
