import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { cellsOf } from '../support/dump.js';
import { setUpAuthenticator } from '../support/factors.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

/** What must be told nobody, and what kind of secret it is. */
const secrets = new Map<string, string>();
const keep = (kind: string, secret: string | null | undefined) => {
  if (!secret || secret.length < 6) throw new Error(`There is no ${kind}.`);
  secrets.set(secret, kind);
  return secret;
};

const site = aSite(() => startApp({ LOG_LEVEL: 'trace', EMAIL_VERIFICATION: 'required' }));
/** What the site answered to whoever did something wrong. */
const errors: string[] = [];

beforeAll(async () => {
  await liveAWholeLife();
});

/** Registers, guesses, resets, sets up a second factor, makes a token, errs: every secret there is gets used. */
async function liveAWholeLife(): Promise<void> {
  const { who, secret, recoveryCodes, nextCode } = await setUpAuthenticator(
    site,
    person({ password: keep('password', 'canary: my very own password') }),
  );
  keep('authenticator secret', secret);
  for (const code of recoveryCodes) keep('recovery code', code);

  const wrong = keep('wrong password', 'canary: a password that is wrong');
  const browser = new Visitor(site.url);
  await browser.visit('/login', { form: { email: who.email, password: wrong } });
  await browser.visit('/login', { form: { email: wrong, password: wrong } });
  const factor = await browser.ask('/login', { form: { email: who.email, password: who.password } });
  keep('half-done login', cookieIn(factor, 'second-step'));
  await browser.ask('/login/factor', { form: { code: recoveryCodes[0] ?? '' } });
  keep('session cookie', browser.cookies.get('gatehouse-session'));
  keep('device cookie', browser.cookies.get('gatehouse-device'));

  const script = new Script(site.url);
  const login = await script.ask('/api/v1/auth/login', { json: { ...who, code: keep('code', await nextCode()) } });
  script.token = keep('API token', ((await login.json()) as { access_token: string }).access_token);
  const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'read' } });
  keep('personal token', ((await made.json()) as { token: string }).token);

  await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
  const reset = linkIn(await waitForMail(site, who.email, /choose a new password/i));
  const token = keep('reset link', new URL(reset).searchParams.get('token'));
  await new Visitor(site.url).ask('/login/link', { form: { email: who.email } });
  const loginLink = linkIn(await waitForMail(site, who.email, /link to log in/i));
  keep('login link', new URL(loginLink).searchParams.get('token'));

  await browser.ask(`/password/reset?token=${token}`);
  await err(site.url, { token, password: who.password });
  const next = keep('new password', 'canary: a password that is new');
  await new Script(site.url).ask('/api/v1/password-resets', { method: 'PUT', json: { token, password: next } });
  await err(site.url, { token, password: next });
  await eventually(async () => (await mailsIn(site)).some(({ subject = '' }) => /changed/i.test(subject)));
}

/** Everything that can go wrong with a body that holds secrets. */
async function err(url: string, body: { token: string; password: string }): Promise<void> {
  const asks: [string, RequestInit][] = [
    ['/api/v1/password-resets', json('PUT', { ...body, token: `${body.token}x` })],
    ['/api/v1/password-resets', { ...json('PUT', {}), body: JSON.stringify(body).slice(0, -3) }],
    ['/api/v1/auth/login', json('POST', { email: body.password, password: body.password, code: [body.token] })],
    ['/api/v1/auth/register', json('POST', { email: 'nobody', name: '', password: body.password })],
    ['/api/v1/users/me', { headers: { authorization: `Bearer ${body.token}` } }],
    [`/email/confirmation?token=${body.token}x`, {}],
  ];
  for (const [path, init] of asks) {
    const answer = await fetch(new URL(path, url), init);
    expect([path, answer.status >= 400]).toEqual([path, true]);
    errors.push(await answer.text());
  }
}

const json = (method: string, body: object): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const cookieIn = (answer: Response, name: string) =>
  answer.headers
    .getSetCookie()
    .map((line) => new RegExp(`^gatehouse-${name}-[0-9a-f]{8}=([^;]+)`).exec(line)?.[1])
    .find(Boolean);

/** The kinds of secrets that stand in a text. */
const foundIn = (text: string) => [...secrets].filter(([secret]) => text.includes(secret)).map(([, kind]) => kind);

describe('after a whole life of an account, its secrets', () => {
  it('are many', () => {
    expect(new Set(secrets.values()).size).toBe(13);
    expect(secrets.size).toBe(22);
  });

  it('stand in no line of the log', () => {
    expect(site.log()).toContain('"activity"');
    expect(foundIn(site.log())).toEqual([]);
  });

  it('stand in no cell of the database', async () => {
    const cells = await cellsOf(site);
    expect(cells.length).toBeGreaterThan(100);
    // six digits stand by chance in many a number
    const long = cells.filter((cell) => !/^\d+$/.test(cell) && !/^[\w-]{20,}$/.test(cell)).join('\n');
    expect(foundIn(long)).toEqual([]);
    for (const [secret, kind] of secrets) expect([kind, cells.some((cell) => cell === secret)]).toEqual([kind, false]);
    const whole = cells.join('\n');
    for (const [secret, kind] of secrets)
      if (kind !== 'code') expect([kind, whole.includes(secret)]).toEqual([kind, false]);
  });

  it('stand in no answer to a mistake', () => {
    expect(errors).toHaveLength(12);
    for (const text of errors) expect(foundIn(text)).toEqual([]);
  });

  it('stand in no mail, but for its own link', async () => {
    const mails = await mailsIn(site);
    expect(mails.length).toBeGreaterThan(4);
    for (const { text = '', html = '', subject = '' } of mails) {
      const withoutLinks = `${subject} ${text} ${html}`.replace(/https?:\/\/[^\s"<]+/g, '');
      expect([subject, foundIn(withoutLinks)]).toEqual([subject, []]);
      const kinds = new Set(foundIn(`${text} ${html}`));
      expect([subject, kinds.size <= 1]).toEqual([subject, true]);
    }
  });
});
