import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aSite, startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { addPasskey, logInWithCode, optionsIn, setUpAuthenticator } from '../support/factors.js';
import { from } from '../support/guessing.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ LOG_LEVEL: 'trace' }));

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
    expect(log).not.toMatch(/nightingale|sings|wrong canary|canary=1|gatehouse-session-|bearer ey/i);
    const [activity, others] = [/"msg":"activity"/, /./].map((kind) =>
      log.split('\n').filter((line) => kind.test(line)),
    );
    expect(activity?.join()).toContain(who.email);
    expect(others?.filter((line) => !line.includes('"msg":"activity"')).join()).not.toMatch(/canary/i);
  });
});

describe('the filter that docs/deploy.md gives fail2ban', () => {
  let limited: TestApp;
  let failregex: RegExp;
  let ada: Person;
  beforeAll(async () => {
    limited = await startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' });
    failregex = readFailregex();
    ada = await new Script(limited.url).register();
  });
  afterAll(() => limited.close());

  const wrong = 'a wrong password';

  /** Whom the filter finds in what is written while something is done. */
  const foundIn = async (work: () => Promise<unknown>) => {
    const before = limited.log().length;
    await work();
    const written = limited.log().slice(before).split('\n');
    return written.flatMap((line) => failregex.exec(line)?.groups?.address ?? []);
  };

  const logIn = (address: string, password: string, email = ada.email) =>
    new Script(limited.url).ask('/api/v1/auth/login', { json: { email, password }, headers: from(address) });

  const failures: [what: string, address: string, act: (headers: Record<string, string>) => Promise<Response>][] = [
    [
      'a login that is refused on the page',
      '203.0.113.1',
      (headers) => new Visitor(limited.url).ask('/login', { form: { email: ada.email, password: wrong }, headers }),
    ],
    [
      'a login to an account that nobody has',
      '203.0.113.2',
      (headers) =>
        new Visitor(limited.url).ask('/login', { form: { email: person().email, password: wrong }, headers }),
    ],
    [
      'a login that is refused by the API',
      '2001:db8:1::3',
      (headers) => logIn(headers['x-forwarded-for'] ?? '', wrong),
    ],
    [
      'a passkey that opens nothing',
      '203.0.113.4',
      (headers) => new Visitor(limited.url).ask('/login/passkey', { form: { response: '{}' }, headers }),
    ],
    [
      'a wrong code after the password',
      '203.0.113.5',
      async (headers) => {
        const { who } = await setUpAuthenticator(limited);
        const browser = new Visitor(limited.url);
        await browser.ask('/login', { form: { email: who.email, password: who.password } });
        return browser.ask('/login/factor', { form: { code: '000000' }, headers });
      },
    ],
    [
      'a wrong proof on the page',
      '2001:db8:2::6',
      async (headers) => {
        const browser = new Visitor(limited.url);
        await browser.register();
        return browser.ask('/account/proof', { form: { password: wrong }, headers });
      },
    ],
    [
      'a wrong proof by the API',
      '203.0.113.7',
      async (headers) => {
        const script = new Script(limited.url);
        await script.register();
        return script.ask('/api/v1/users/me/proof', { method: 'PUT', json: { password: wrong }, headers });
      },
    ],
  ];

  it.each(failures)('finds %s, and where it came from', async (_what, address, act) => {
    expect(await foundIn(() => act(from(address)))).toEqual([address]);
  });

  it('finds whoever goes on when told to wait', async () => {
    const [address, { email }] = ['203.0.113.8', person()];
    for (let guess = 0; guess < 10; guess++) await logIn(address, wrong, email);
    const found = await foundIn(async () => expect((await logIn(address, wrong, email)).status).toBe(429));
    expect(found).toEqual([address]);
  });

  it('finds nobody who comes in, whatever they show', async () => {
    const grace = await setUpAuthenticator(limited);
    const found = await foundIn(async () => {
      const [browser, script] = [new Visitor(limited.url), new Script(limited.url)];
      const { email, password } = await browser.register();
      await browser.ask('/logout', { method: 'POST' });
      expect((await browser.visit('/login', { form: { email, password } })).at).toBe('/secrets');
      await script.logIn({ ...ada });
      await script.ask('/api/v1/users/me/proof', { method: 'PUT', json: { password: ada.password } });
      const passkey = await addPasskey(limited, browser);
      const guest = new Visitor(limited.url);
      const response = passkey.get(optionsIn((await guest.visit('/login')).html));
      expect((await guest.visit('/login/passkey', { form: { response } })).at).toBe('/secrets');
      await logInWithCode(new Visitor(limited.url), grace.who, grace.nextCode);
      await guest.ask('/logout', { method: 'POST' });
    });
    expect(found).toEqual([]);
  });

  it('reads lines that all have the same fields, and no others', () => {
    const events = limited
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"activity"'));
    expect(events.length).toBeGreaterThan(10);
    const own = ['event', 'outcome', 'memberId', 'actorId', 'actor', 'target', 'address', 'requestId'];
    for (const line of events)
      expect(Object.keys(JSON.parse(line) as object)).toEqual([
        ...['level', 'time', 'pid', 'hostname'],
        ...own,
        ...['context', 'msg'],
      ]);
  });
});

/** The expression that docs/deploy.md has an operator put into the filter, as this language writes it. */
function readFailregex(): RegExp {
  const deploy = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
  const [, about = ''] = deploy.split('## fail2ban');
  const written = /```ini\n[^`]*^failregex = (.+)$/m.exec(about)?.[1];
  if (written === undefined) throw new Error('docs/deploy.md has no failregex.');
  return new RegExp(written.replace('<ADDR>', '(?<address>[\\d.]+|[\\da-f:]+)'));
}
