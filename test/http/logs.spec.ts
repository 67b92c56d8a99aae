import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { person, Script, Visitor } from '../support/people.js';

let site: TestApp;
beforeAll(async () => void (site = await startApp({ LOG_LEVEL: 'trace' })));
afterAll(() => site.close());

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly requestId?: string;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly member?: string;
}

const lines = () =>
  site
    .log()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

/** The lines of an answer; they are written when its last byte has left, which its reader may see first. */
const answered = async (answer: Response) => {
  const found = () =>
    lines().filter(({ msg, requestId }) => msg === 'answered' && requestId === answer.headers.get('x-request-id'));
  await eventually(() => found().length > 0);
  return found();
};

describe('the log', () => {
  it('has one line for each answer, by the number that the answer carries', async () => {
    const browser = new Visitor(site.url);
    const script = new Script(site.url);
    const answers = [
      await browser.ask('/'),
      await browser.ask('/secrets'),
      await browser.ask('/nothing'),
      await browser.ask('/login', { method: 'PUT' }),
      await script.ask('/api/v1/users/me'),
      await script.ask('/api/v1/auth/login', { json: {} }),
      await browser.ask('/login', { form: {}, headers: { 'sec-fetch-site': 'cross-site' } }),
    ];
    for (const answer of answers) {
      expect(await answered(answer)).toEqual([
        expect.objectContaining({ status: answer.status, path: new URL(answer.url).pathname }),
      ]);
    }
    expect(new Set(answers.map((answer) => answer.headers.get('x-request-id'))).size).toBe(answers.length);
  });

  it('does not take a request’s number from outside', async () => {
    const answer = await new Visitor(site.url).ask('/', { headers: { 'x-request-id': 'mine', 'request-id': 'mine' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(site.log()).not.toContain('mine');
  });

  it('names the member by number, and the path without its query', async () => {
    const script = new Script(site.url);
    await script.register();
    const { id } = (await (await script.ask('/api/v1/users/me')).json()) as { id: string };
    const answer = await script.ask('/api/v1/files?q=a-private-word');
    expect(await answered(answer)).toEqual([
      expect.objectContaining({ path: '/api/v1/files', method: 'GET', member: id }),
    ]);
    expect(site.log()).not.toContain('a-private-word');
  });

  it('keeps no password, cookie, token or name at its most talkative, and an email only where it tells who did what', async () => {
    const who = person({
      name: 'Canary Nightingale',
      email: 'canary@example.com',
      password: 'the canary sings at night',
    });
    const browser = new Visitor(site.url);
    const script = new Script(site.url);
    await browser.register(who);
    const cookies = [...browser.cookies.values()];
    await browser.ask('/logout', { method: 'POST' });
    await browser.visit('/login', { form: { email: who.email, password: who.password, next: '/download?canary=1' } });
    await browser.visit('/login', { form: { email: who.email, password: 'a wrong canary' } });
    cookies.push(...browser.cookies.values());
    await new Visitor(site.url).visit('/register', { form: { ...who } });
    await new Visitor(site.url).visit('/register', { form: { ...who, email: 'canary' } });
    await script.logIn(who);
    const { token = 'no token' } = script;
    await script.ask('/api/v1/auth/register', { json: who });
    await script.ask('/api/v1/auth/login', { json: { ...who, password: 'a wrong canary' } });
    await script.ask('/api/v1/users/me', { headers: { authorization: `Bearer x${token}` } });
    await script.ask(`/api/v1/users/me?access_token=${token}`);
    await script.ask('/api/v1/auth/logout', { method: 'POST' });

    const log = site.log();
    expect(cookies.length).toBeGreaterThan(0);
    for (const secret of [...cookies, token, token.split('.')[2] ?? '', '$argon2']) expect(log).not.toContain(secret);
    expect(log).not.toMatch(/nightingale|sings|wrong canary|canary=1|gatehouse-session=|bearer ey/i);
    const [activity, others] = [/"msg":"activity"/, /./].map((kind) =>
      log.split('\n').filter((line) => kind.test(line)),
    );
    expect(activity?.join()).toContain(who.email);
    expect(others?.filter((line) => !line.includes('"msg":"activity"')).join()).not.toMatch(/canary/i);
  });
});
