import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dayMs, minuteMs } from '../../src/config/durations.js';
import { aSite, startApp } from '../support/app.js';
import { addAuthenticator, addPasskey, logInWithCode, optionsIn } from '../support/factors.js';
import { messageOf } from '../support/html.js';
import { mailsIn, waitForMail } from '../support/mail.js';
import { Script, Visitor } from '../support/people.js';

const me = '/api/v1/users/me';

const site = aSite(() => startApp({ RATE_LIMITS: 'on' }));

/** As if the last proof of every session were so long ago. */
const age = (milliseconds: number) =>
  site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - milliseconds]);

const sensitive = '/account/email';

describe('a sensitive page', () => {
  it('opens without more ado for ten minutes after the login, and asks again afterwards', async () => {
    const browser = new Visitor(site.url);
    await browser.register();
    await age(9 * minuteMs);
    expect((await browser.ask(sensitive)).status).toBe(200);
    await age(10 * minuteMs + 1);
    const asked = await browser.ask(sensitive);
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/account/proof?next=%2Faccount%2Femail']);
  });

  it('leads back to itself once the member has given the password', async () => {
    const browser = new Visitor(site.url);
    const { password } = await browser.register();
    await age(11 * minuteMs);
    const { at, html } = await browser.visit(sensitive);
    expect(at).toBe('/account/proof?next=%2Faccount%2Femail');
    expect(html).toContain('name="next" value="/account/email"');
    const wrong = await browser.visit('/account/proof', { form: { password: 'a wrong one', next: sensitive } });
    expect(wrong.at).toBe('/account/proof?next=%2Faccount%2Femail');
    expect(messageOf(wrong.html, 'alert')).toContain('not right');
    expect((await browser.visit('/account/proof', { form: { password, next: sensitive } })).at).toBe(sensitive);
  });

  it('does not do what its form was sent for, and shows the form again after the proof', async () => {
    const browser = new Visitor(site.url);
    const { email } = await browser.register();
    await age(11 * minuteMs);
    const answer = await browser.ask(sensitive, { form: { email: `new-${email}` } });
    expect(answer.headers.get('location')).toBe('/account/proof?next=%2Faccount%2Femail&again=yes');
  });

  it('leads nowhere but to this site', async () => {
    const browser = new Visitor(site.url);
    const { password } = await browser.register();
    const answer = await browser.ask('/account/proof', { form: { password, next: 'https://evil.example/' } });
    expect(answer.headers.get('location')).toBe('/account');
  });
});

describe('the page that asks for a proof', () => {
  const proof = '/account/proof?next=%2Faccount%2Femail';

  /** Somebody with an app and a passkey, eleven minutes after the login. */
  const stale = async () => {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const who = await script.register();
    const { nextCode } = await addAuthenticator(site, script);
    await logInWithCode(browser, who, nextCode);
    const passkey = await addPasskey(site, browser);
    await age(11 * minuteMs);
    return { browser, who, nextCode, passkey };
  };
  type Member = Awaited<ReturnType<typeof stale>>;

  type Answer = (member: Member, html: string) => Record<string, string> | Promise<Record<string, string>>;

  /** Each way to prove who one is: where it is sent, and what is right. */
  const ways: [string, path: string, answer: Answer][] = [
    ['a passkey', '/account/proof/passkey', ({ passkey }, html) => ({ response: passkey.get(optionsIn(html)) })],
    ['a code of the app', '/account/proof', async ({ nextCode }) => ({ code: await nextCode() })],
    ['the password', '/account/proof', ({ who: { password } }) => ({ password })],
  ];

  it.each(ways)('takes %s, and leads on to what was asked for', async (_what, path, answer) => {
    const member = await stale();
    const { browser } = member;
    const { at, html } = await browser.visit(sensitive);
    expect([at, html]).toEqual([proof, expect.stringContaining(`action="${path}"`)]);
    const shown = await browser.visit(path, { form: { ...(await answer(member, html)), next: sensitive } });
    expect([shown.at, shown.status, messageOf(shown.html, 'status')]).toEqual([sensitive, 200, undefined]);
    expect((await browser.ask(sensitive)).status).toBe(200);
  });

  it.each(ways)('says after %s that a form which came too late was not sent', async (_what, path, answer) => {
    const member = await stale();
    const { browser, who } = member;
    const late = await browser.visit(sensitive, { form: { email: `late-${who.email}` } });
    expect(late.at).toBe(`${proof}&again=yes`);
    // in each of its three forms: it is one of them that is sent
    expect(late.html.match(/<input type="hidden" name="again" value="yes">/g)).toHaveLength(3);
    const form = { ...(await answer(member, late.html)), next: sensitive, again: 'yes' };
    const { at, html } = await browser.visit(path, { form });
    expect([at, messageOf(html, 'status')]).toEqual([sensitive, expect.stringContaining('Nothing was sent yet')]);
    // what was typed stands in the form again, once
    expect(html).toContain(`value="late-${who.email}"`);
    const next = await browser.visit(sensitive);
    expect([messageOf(next.html, 'status'), next.html.includes('late-')]).toEqual([undefined, false]);

    await browser.ask(sensitive, { form: { email: `again-${who.email}` } });
    await waitForMail(site, `again-${who.email}`, /./);
    const addressees = (await mailsIn(site)).map(({ to }) => to?.[0]?.address);
    expect(addressees).not.toContain(`late-${who.email}`);
  });

  it.each([
    ['passkey', '/account/proof/passkey', { response: '{}' }],
    ['code', '/account/proof', { code: '000000' }],
    ['password', '/account/proof', { password: 'a wrong one' }],
  ])('still knows of that form after a wrong %s', async (_what, path, wrong) => {
    const { browser } = await stale();
    const first = await browser.visit(path, { form: { ...wrong, next: sensitive, again: 'yes' } });
    expect([first.at, messageOf(first.html, 'alert')]).toEqual([
      `${proof}&again=yes`,
      expect.stringContaining('not right'),
    ]);
    expect(first.html.match(/name="again" value="yes"/g)).toHaveLength(3);
    expect((await browser.visit(path, { form: { ...wrong, next: sensitive } })).at).toBe(proof);
  });

  it('takes no passkey of somebody else', async () => {
    const [ada, grace] = [await stale(), await stale()];
    const { html } = await ada.browser.visit(sensitive);
    const form = { response: grace.passkey.get(optionsIn(html)), next: sensitive };
    expect((await ada.browser.visit('/account/proof/passkey', { form })).at).toBe(proof);
    expect((await ada.browser.ask(sensitive)).status).toBe(303);
  });
});

describe('a sensitive call', () => {
  it('is refused after ten minutes, until the script has proved itself', async () => {
    const script = new Script(site.url);
    const { password } = await script.register();
    const call = () => script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'read' } });
    expect((await call()).status).toBe(201);
    await age(10 * minuteMs + 1);
    const refused = await call();
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('/api/v1/users/me/proof');
    const prove = (json: object) => script.ask('/api/v1/users/me/proof', { method: 'PUT', json });
    expect((await prove({})).status).toBe(422);
    expect((await prove({ password: 'a wrong one' })).status).toBe(422);
    expect((await call()).status).toBe(403);
    const proven = await prove({ password });
    expect(proven.status).toBe(200);
    script.token = ((await proven.json()) as { access_token: string }).access_token;
    expect((await call()).status).toBe(201);
  });

  it('is closed to a personal token, whatever it may do', async () => {
    const script = new Script(site.url);
    await script.register();
    const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'write' } });
    script.token = ((await made.json()) as { token: string }).token;
    const answer = await script.ask('/api/v1/users/me/tokens', { json: { name: 'another', scope: 'write' } });
    expect(answer.status).toBe(403);
  });
});

describe('a proof', () => {
  const session = 'gatehouse-session';
  const isIn = async (browser: Visitor) => (await browser.ask('/secrets')).status === 200;
  const cookieIn = (answer: Response) => answer.headers.getSetCookie().find((line) => line.startsWith(session)) ?? '';
  const as = (token: string) => Object.assign(new Script(site.url), { token });
  const prove = (script: Script, password: string) =>
    script.ask('/api/v1/users/me/proof', { method: 'PUT', json: { password } });

  /** Another browser that carries the cookie which this one has now. */
  const thiefOf = (browser: Visitor) => {
    const thief = new Visitor(site.url);
    thief.cookies.set(session, browser.cookies.get(session) ?? '');
    return thief;
  };

  it('leaves the cookie worthless that the browser had before, and the browser in', async () => {
    const browser = new Visitor(site.url);
    const { password } = await browser.register();
    const thief = thiefOf(browser);
    expect(await isIn(thief)).toBe(true);
    const answer = await browser.ask('/account/proof', { form: { password } });
    expect(cookieIn(answer)).toMatch(/^gatehouse-session-[0-9a-f]{8}=\S+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect([await isIn(browser), await isIn(thief)]).toEqual([true, false]);
  });

  it('goes on to the end that the session had, and is forgotten with the browser only where that was so', async () => {
    const browser = new Visitor(site.url);
    const { email, password } = await browser.register();
    await browser.ask('/logout', { method: 'POST' });
    await browser.ask('/login', { form: { email, password, remember: 'yes' } });
    // as if two days had gone by since the login
    const ends = Date.now() + 28 * dayMs;
    await site.app.get(DataSource).query('UPDATE "sessions" SET "expiresAt" = $1', [ends]);
    const cookie = cookieIn(await browser.ask('/account/proof', { form: { password } }));
    const seconds = Number(/max-age=(\d+)/i.exec(cookie)?.[1]);
    expect(seconds * 1_000).toBeLessThanOrEqual(28 * dayMs);
    expect(seconds * 1_000).toBeGreaterThan(28 * dayMs - minuteMs);
    const [, claims = ''] = cookie.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ exp: Math.floor(ends / 1_000) });
    const rows = await site.app
      .get(DataSource)
      .query<object[]>('SELECT 1 FROM "sessions" WHERE "expiresAt" = $1', [ends]);
    expect(rows.length).toBeGreaterThan(0);
  });

  it('gives a script another token, and the one before opens nothing', async () => {
    const script = new Script(site.url);
    const { password } = await script.register();
    const before = script.token ?? '';
    const answer = await prove(script, password);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const { access_token: after, ...rest } = (await answer.json()) as { access_token: string; expires_in: number };
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: expect.any(Number) });
    expect(rest.expires_in / 3_600).toBeCloseTo(site.settings.sessionMaxHours, 0);
    const statuses = await Promise.all([before, after].map(async (token) => (await as(token).ask(me)).status));
    expect(statuses).toEqual([401, 200]);
    const { items } = (await (await as(after).ask(`${me}/sessions`)).json()) as { items: { isCurrent: boolean }[] };
    expect(items.map(({ isCurrent }) => isCurrent)).toEqual([true]);
  });

  it('that is wrong changes nothing', async () => {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const who = await browser.register();
    await script.logIn(who);
    const answer = await browser.ask('/account/proof', { form: { password: 'a wrong one' } });
    expect([cookieIn(answer), await isIn(browser)]).toEqual(['', true]);
    expect((await prove(script, 'a wrong one')).status).toBe(422);
    expect((await script.ask(me)).status).toBe(200);
  });

  it('that is sent twice at once, as by two clicks, leaves the browser in with either answer', async () => {
    const browser = new Visitor(site.url);
    const { password } = await browser.register();
    const twins = [thiefOf(browser), thiefOf(browser)];
    await Promise.all(twins.map((twin) => twin.ask('/account/proof', { form: { password } })));
    expect(await Promise.all(twins.map(isIn))).toEqual([true, true]);
    expect(await isIn(browser)).toBe(false);
  });

  it('is none where the session ended while it was given', async () => {
    const script = new Script(site.url);
    const { password } = await script.register();
    const proving = prove(script, password);
    await script.ask('/api/v1/auth/logout', { method: 'POST' });
    const answer = await proving;
    const { access_token: token } = (await answer.json()) as { access_token?: string };
    expect([401, 200]).toContain(answer.status);
    expect((await as(token ?? script.token ?? '').ask(me)).status).toBe(answer.status);
  });

  it('is nothing that a personal token can give', async () => {
    const script = new Script(site.url);
    const { password } = await script.register();
    const made = await script.ask(`${me}/tokens`, { json: { name: 'a script', scope: 'write' } });
    const { token } = (await made.json()) as { token: string };
    expect((await prove(as(token), password)).status).toBe(403);
    expect((await as(token).ask(me)).status).toBe(200);
  });
});

it('ten wrong proofs are answered, the next has to wait', async () => {
  const script = new Script(site.url);
  const { password } = await script.register();
  const prove = async (json: object) => (await script.ask('/api/v1/users/me/proof', { method: 'PUT', json })).status;
  for (let round = 0; round < 10; round++) expect(await prove({ password: `guess ${round}` })).toBe(422);
  expect(await prove({ password })).toBe(429);
});
