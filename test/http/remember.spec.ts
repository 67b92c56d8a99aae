import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { startApp, type TestApp } from '../support/app.js';
import { Visitor, type Person } from '../support/people.js';

let site: TestApp;
let ada: Person;
beforeAll(async () => {
  site = await startApp({ SESSION_IDLE_MINUTES: '60', SESSION_MAX_HOURS: '24' });
  ada = await new Visitor(site.url).register();
});
afterAll(() => site.close());

const logIn = async (over: Record<string, string> = {}) => {
  const visitor = new Visitor(site.url);
  const { email, password } = ada;
  const answer = await visitor.ask('/login', { form: { email, password, ...over } });
  const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('gatehouse-session=')) ?? '';
  return { visitor, cookie };
};

const idleFor = (minutes: number) =>
  site.app.get(DataSource).query('UPDATE "sessions" SET "lastSeenAt" = $1', [Date.now() - minutes * 60_000]);
const lastFor = (minutes: number) =>
  site.app.get(DataSource).query('UPDATE "sessions" SET "expiresAt" = $1', [Date.now() - minutes * 60_000]);
const isIn = async (visitor: Visitor) => (await visitor.ask('/secrets')).status === 200;

describe('a login that is not to be remembered', () => {
  it('ends with the browser', async () => {
    const { cookie } = await logIn();
    expect(cookie).not.toMatch(/max-age|expires/i);
  });

  it('ends when nobody uses it', async () => {
    const { visitor } = await logIn();
    await idleFor(59);
    expect(await isIn(visitor)).toBe(true);
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
