import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { ActivityService } from '../../src/activity/activity.service.js';
import { hourMs } from '../../src/config/durations.js';
import { FactorsService } from '../../src/factors/factors.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { makeLasting } from '../support/database.js';
import { cellsOf } from '../support/dump.js';
import {
  addAuthenticator,
  codeFor,
  logInWithCode,
  optionsIn,
  setUpAuthenticator,
  SoftPasskey,
  type Authenticated,
} from '../support/factors.js';
import { faultsOf } from '../support/faults.js';
import { linksOf, messageOf } from '../support/html.js';
import { waitForMail } from '../support/mail.js';
import { Script, Visitor, type Person } from '../support/people.js';

const api = '/api/v1/users/me/factors';
const overview = '/account/factors';

let site: TestApp;
afterAll(() => site.close());

const query = <Row>(sql: string, values: unknown[] = []): Promise<Row[]> => site.app.get(DataSource).query(sql, values);
const factors = () => site.app.get(FactorsService);
const visitor = async () => {
  const browser = new Visitor(site.url);
  return { browser, who: await browser.register() };
};
const idOf = async ({ email }: Person) =>
  (await query<{ id: string }>('SELECT "id" FROM "users" WHERE "email" = $1', [email]))[0]?.id ?? '';
const summaryOf = async (who: Person) => factors().summaryOf(await idOf(who));
const logIn = (browser: Visitor, { email, password }: Person) => browser.visit('/login', { form: { email, password } });
const times = <Result>(count: number, ask: () => Promise<Result>) => Promise.all(Array.from({ length: count }, ask));
const statusOf = async (asked: Promise<Response>) => (await asked).status;

/** The key that the page of a new app shows to be typed. */
const secretIn = (html: string) => (/<dd><code>([A-Z2-7 ]+)<\/code><\/dd>/.exec(html)?.[1] ?? '').replaceAll(' ', '');
const codesIn = (html: string) => [...html.matchAll(/<li><code>([^<]+)<\/code><\/li>/g)].map(([, code = '']) => code);
const setUp = async (browser: Visitor) => {
  const secret = secretIn((await browser.visit(`${overview}/authenticator`)).html);
  const answer = await browser.visit(`${overview}/authenticator`, { form: { code: codeFor(secret) } });
  return { secret, ...answer, codes: codesIn(answer.html) };
};

/** Makes a passkey with a soft authenticator on the page for it. */
const addPasskey = async (browser: Visitor, name = 'My phone') => {
  const passkey = new SoftPasskey(site.settings.publicUrl);
  const made = passkey.create(optionsIn((await browser.visit(`${overview}/passkeys`)).html));
  const answer = await browser.visit(`${overview}/passkeys`, { form: { response: made, name } });
  return { passkey, made, ...answer };
};
const optionsToLogIn = async () => optionsIn((await new Visitor(site.url).visit('/login')).html);
const logInWith = (response: string) => new Visitor(site.url).visit('/login/passkey', { form: { response } });

describe('an authenticator app', () => {
  beforeAll(async () => void (site = await startApp()));

  it('is set up with a picture or a key, and counts from its first code on', async () => {
    const { browser, who } = await visitor();
    expect(linksOf((await browser.visit(overview)).html)).toContain(`${overview}/authenticator`);
    const { html } = await browser.visit(`${overview}/authenticator`);
    const secret = secretIn(html);
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(html).toMatch(/<svg class="qr"[^>]* role="img" aria-label="[^"]+"[^>]*><path d="M4 4h7v1H4z/);
    const link = linksOf(html).find((href) => href.startsWith('otpauth:')) ?? '';
    expect(link.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=')).toContain(`secret=${secret}&`);

    const { at, status, response, codes } = await setUp(browser);
    expect([at, status, codes.length]).toEqual([`${overview}/authenticator`, 200, 10]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await summaryOf(who)).toEqual({ authenticator: true, passkeys: [], recoveryCodesLeft: 10 });
    expect((await logIn(new Visitor(site.url), who)).at).toBe('/login/factor');
  });

  it('has the same key when the page is loaded again, and another for somebody else', async () => {
    const { browser } = await visitor();
    const { browser: other } = await visitor();
    const show = async (who: Visitor) => secretIn((await who.visit(`${overview}/authenticator`)).html);
    const [first, second, theirs] = [await show(browser), await show(browser), await show(other)];
    expect(second).toBe(first);
    expect(theirs).not.toBe(first);
  });

  it('has another key after an hour, for which the old one’s codes are wrong', async () => {
    const { browser, who } = await visitor();
    const old = secretIn((await browser.visit(`${overview}/authenticator`)).html);
    const age = (by: number) =>
      query('UPDATE "authenticators" SET "createdAt" = $1 WHERE "userId" = $2', [Date.now() - by, id]);
    const id = await idOf(who);
    await age(hourMs - 60_000);
    expect(secretIn((await browser.visit(`${overview}/authenticator`)).html)).toBe(old);
    await age(hourMs + 60_000);
    expect(secretIn((await browser.visit(`${overview}/authenticator`)).html)).not.toBe(old);
    await browser.visit(`${overview}/authenticator`, { form: { code: codeFor(old) } });
    expect((await summaryOf(who)).authenticator).toBe(false);
  });

  it('that waits for its first code is no factor: it is not asked for, and its codes are worth nothing', async () => {
    const { browser, who } = await visitor();
    const secret = secretIn((await browser.visit(`${overview}/authenticator`)).html);
    const id = await idOf(who);
    expect(await factors().verifyCode(id, codeFor(secret))).toBeUndefined();
    expect(await factors().isSetUpFor(id)).toBe(false);
    expect((await logIn(new Visitor(site.url), who)).at).toBe('/secrets');
    expect(await statusOf(browser.ask(`${overview}/authenticator/removal`, { form: {} }))).toBe(404);
  });

  it.each(['000000', '', 'abcdef', '１２３４５６', '\u0000'])('is not set up by %j', async (code) => {
    const { browser, who } = await visitor();
    await browser.visit(`${overview}/authenticator`);
    const { at, html } = await browser.visit(`${overview}/authenticator`, { form: { code } });
    expect([at, messageOf(html, 'alert')]).toEqual([
      `${overview}/authenticator`,
      expect.stringContaining('not the code'),
    ]);
    expect((await summaryOf(who)).authenticator).toBe(false);
  });

  it('is set up by one of many who give its first code at once, and makes one set of recovery codes', async () => {
    const { browser, who } = await visitor();
    const secret = secretIn((await browser.visit(`${overview}/authenticator`)).html);
    const code = codeFor(secret);
    const answers = await times(20, () => browser.ask(`${overview}/authenticator`, { form: { code } }));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array<number>(19).fill(303)]);
    expect((await summaryOf(who)).recoveryCodesLeft).toBe(10);
  });

  it('cannot be begun again while there is one', async () => {
    const { browser, who } = await visitor();
    const { secret } = await setUp(browser);
    expect((await browser.visit(`${overview}/authenticator`)).at).toBe(overview);
    const { at, html } = await browser.visit(`${overview}/authenticator`, { form: { code: codeFor(secret) } });
    expect([at, messageOf(html, 'alert')]).toEqual([overview, expect.stringContaining('not the code')]);
    expect((await summaryOf(who)).authenticator).toBe(true);
  });

  it('is shown to nobody whose last proof is old', async () => {
    const { browser, who } = await visitor();
    const id = await idOf(who);
    await query('UPDATE "sessions" SET "provenAt" = $1 WHERE "userId" = $2', [Date.now() - 11 * 60_000, id]);
    expect((await browser.visit(`${overview}/authenticator`)).at).toMatch(/^\/account\/proof\?next=/);
    expect(await query('SELECT * FROM "authenticators" WHERE "userId" = $1', [id])).toEqual([]);
    expect((await browser.visit(overview)).at).toBe(overview);
  });
});

describe('the code of an app', () => {
  const verify = async ({ who }: Authenticated, code: string) => factors().verifyCode(await idOf(who), code);

  it('is right once', async () => {
    const ada = await setUpAuthenticator(site);
    const code = await ada.nextCode();
    expect([await verify(ada, code), await verify(ada, code)]).toEqual(['authenticator', undefined]);
  });

  it('that set the app up is not right again', async () => {
    const ada = await setUpAuthenticator(site);
    expect(await verify(ada, codeFor(ada.secret))).toBeUndefined();
  });

  it('is right for one of twenty who give it at once', async () => {
    const ada = await setUpAuthenticator(site);
    const code = await ada.nextCode();
    const answers = await times(20, () => verify(ada, code));
    expect(answers.filter(Boolean)).toEqual(['authenticator']);
  });

  it('may have a space in the middle, as apps show it', async () => {
    const ada = await setUpAuthenticator(site);
    const code = await ada.nextCode();
    expect(await verify(ada, ` ${code.slice(0, 3)} ${code.slice(3)}`)).toBe('authenticator');
  });

  it('of an earlier step is not right after one of a later step', async () => {
    const ada = await setUpAuthenticator(site);
    await query('UPDATE "authenticators" SET "lastStep" = $1 WHERE "userId" = $2', [
      Math.floor(Date.now() / 30_000) + 1,
      await idOf(ada.who),
    ]);
    expect(await verify(ada, codeFor(ada.secret))).toBeUndefined();
  });

  it('is not right for somebody else, nor long before or after its time', async () => {
    const [ada, grace] = [await setUpAuthenticator(site), await setUpAuthenticator(site)];
    expect(await verify(grace, await ada.nextCode())).toBeUndefined();
    for (const minutes of [-60, -1, 1, 60]) {
      await ada.nextCode();
      expect(await verify(ada, codeFor(ada.secret, Date.now() + minutes * 60_000))).toBeUndefined();
    }
  });

  it('is worthless once the app is removed', async () => {
    const ada = await setUpAuthenticator(site);
    const code = await ada.nextCode();
    expect(await statusOf(ada.script.ask(`${api}/authenticator`, { method: 'DELETE' }))).toBe(204);
    expect(await verify(ada, code)).toBeUndefined();
  });
});

describe('recovery codes', () => {
  const verify = async ({ who }: Authenticated, code: string) => factors().verifyCode(await idOf(who), code);

  it('work once each, however they are typed', async () => {
    const ada = await setUpAuthenticator(site);
    const [first = '', second = ''] = ada.recoveryCodes;
    expect(await verify(ada, first)).toBe('recovery-code');
    expect(await verify(ada, first)).toBeUndefined();
    expect(await verify(ada, ` ${second.toUpperCase().replace('-', ' ')}`)).toBe('recovery-code');
    expect(await verify(ada, second)).toBeUndefined();
    expect((await summaryOf(ada.who)).recoveryCodesLeft).toBe(8);
  });

  it('work for one of twenty who give the same at once', async () => {
    const ada = await setUpAuthenticator(site);
    const [code = ''] = ada.recoveryCodes;
    const answers = await times(20, () => verify(ada, code));
    expect(answers.filter(Boolean)).toEqual(['recovery-code']);
    expect((await summaryOf(ada.who)).recoveryCodesLeft).toBe(9);
  });

  it('work for nobody else', async () => {
    const [ada, grace] = [await setUpAuthenticator(site), await setUpAuthenticator(site)];
    expect(await verify(grace, ada.recoveryCodes[0] ?? '')).toBeUndefined();
    expect(await verify(ada, ada.recoveryCodes[0] ?? '')).toBe('recovery-code');
  });

  it('are worthless once new ones are made', async () => {
    const { browser, who } = await visitor();
    const { codes: old } = await setUp(browser);
    const { status, html, response } = await browser.visit(`${overview}/recovery-codes`, { form: {} });
    const codes = codesIn(html);
    expect([status, codes.length, response.headers.get('cache-control')]).toEqual([200, 10, 'no-store']);
    expect(codes.filter((code) => old.includes(code))).toEqual([]);
    const id = await idOf(who);
    for (const code of old) expect(await factors().verifyCode(id, code)).toBeUndefined();
    for (const code of codes) expect(await factors().verifyCode(id, code)).toBe('recovery-code');
    expect((await browser.visit(overview)).html).toContain('You have none left.');
  });

  it('are one set, of many that are made at once', async () => {
    const ada = await setUpAuthenticator(site);
    const answers = await times(20, () => ada.script.ask(`${api}/recovery-codes`, { method: 'POST' }));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect(statuses).toContain(201);
    expect((await summaryOf(ada.who)).recoveryCodesLeft).toBe(10);
    const sets = await Promise.all(
      answers.filter(({ status }) => status === 201).map(async (answer) => await answer.json()),
    );
    const works = (sets as { recoveryCodes: string[] }[]).map(async ({ recoveryCodes: [code = ''] }) =>
      verify(ada, code),
    );
    expect((await Promise.all(works)).filter(Boolean)).toEqual(['recovery-code']);
  });

  it('are no page that can be loaded again', async () => {
    const { browser } = await visitor();
    await setUp(browser);
    expect(await statusOf(browser.ask(`${overview}/recovery-codes`))).toBe(405);
    expect(codesIn((await browser.visit(`${overview}/authenticator`)).html)).toEqual([]);
    expect(codesIn((await browser.visit(overview)).html)).toEqual([]);
  });

  it('come as a text file too, from the page that shows them, and nothing else does', async () => {
    const { browser, who } = await visitor();
    const { html, codes } = await setUp(browser);
    const set = /name="codes" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const download = (form: Record<string, string>) => browser.ask(`${overview}/recovery-codes/download`, { form });
    const { status, headers, ...rest } = await download({ codes: set }).then(async (answer) => ({
      status: answer.status,
      headers: answer.headers,
      text: await answer.text(),
    }));
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'no-store',
    ]);
    expect(headers.get('content-disposition')).toBe('attachment; filename="gatehouse-recovery-codes.txt"');
    for (const part of [...codes, who.email, site.settings.publicUrl]) expect(rest.text).toContain(part);
    for (const codes of ['', '<script>alert(1)</script>', `${set} more`, set.replaceAll(' ', '\n')])
      expect([codes, await statusOf(download({ codes }))]).toEqual([codes, 422]);
    expect(await statusOf(download({}))).toBe(422);
  });

  it('are made with the first factor alone, and go with the last one', async () => {
    const { browser, who } = await visitor();
    const { codes } = await setUp(browser);
    const { at, html } = await addPasskey(browser);
    expect([at, messageOf(html, 'status')]).toEqual([overview, expect.stringContaining('My phone')]);
    expect((await summaryOf(who)).recoveryCodesLeft).toBe(10);

    await browser.visit(`${overview}/authenticator/removal`, { form: {} });
    expect((await summaryOf(who)).recoveryCodesLeft).toBe(10);
    const [passkey] = (await summaryOf(who)).passkeys;
    await browser.visit(`${overview}/passkeys/${passkey?.id}/removal`, { form: {} });
    expect(await summaryOf(who)).toEqual({ authenticator: false, passkeys: [], recoveryCodesLeft: 0 });
    expect(await factors().verifyCode(await idOf(who), codes[0] ?? '')).toBeUndefined();
    expect((await logIn(new Visitor(site.url), who)).at).toBe('/secrets');
  });

  it('are not made for somebody without a second factor', async () => {
    const { browser } = await visitor();
    expect(await statusOf(browser.ask(`${overview}/recovery-codes`, { form: {} }))).toBe(409);
  });
});

describe('a passkey', () => {
  it('is added, named, used and removed', async () => {
    const { browser, who } = await visitor();
    const { status, html, passkey } = await addPasskey(browser, '  Ada’s\nphone ');
    expect([status, codesIn(html).length]).toEqual([200, 10]);
    const { passkeys } = await summaryOf(who);
    expect(passkeys).toEqual([expect.objectContaining({ name: 'Ada’s phone', lastUsedAt: null })]);
    expect((await browser.visit(overview)).html).toContain('not used yet');

    expect((await logInWith(passkey.get(await optionsToLogIn()))).at).toBe('/secrets');
    const [used] = (await summaryOf(who)).passkeys;
    expect(Date.now() - (used?.lastUsedAt?.getTime() ?? 0)).toBeLessThan(60_000);
    expect((await browser.visit(overview)).html).toContain('last used');

    const path = `${overview}/passkeys/${used?.id}`;
    expect((await browser.visit(`${path}/name`)).html).toContain('value="Ada’s phone"');
    const { at, html: renamed } = await browser.visit(`${path}/name`, { form: { name: 'Her old phone' } });
    expect([at, messageOf(renamed, 'status')]).toEqual([overview, 'Your passkey is now called “Her old phone”.']);

    expect((await browser.visit(`${path}/removal`, { form: {} })).at).toBe(overview);
    expect((await summaryOf(who)).passkeys).toEqual([]);
    expect((await logInWith(passkey.get(await optionsToLogIn()))).at).toBe('/login');
  });

  it('keeps the name that was typed where a new one will not do', async () => {
    const { browser, who } = await visitor();
    await addPasskey(browser);
    const path = `${overview}/passkeys/${(await summaryOf(who)).passkeys[0]?.id}/name`;
    const { status, html, at } = await browser.visit(path, { form: { name: 'x'.repeat(101) } });
    expect([status, at]).toEqual([422, path]);
    expect(html).toContain(`<form method="post" action="${path}">`);
    expect(html).toContain('at most 100 characters');
    expect((await summaryOf(who)).passkeys[0]?.name).toBe('My phone');
  });

  it('gets a name that fits where the one that was typed does not: the device keeps it by then', async () => {
    const { browser, who } = await visitor();
    for (const name of ['', '\u0000\u2028', '😀'.repeat(150)]) await addPasskey(browser, name);
    expect((await summaryOf(who)).passkeys.map(({ name }) => name)).toEqual(['Passkey', 'Passkey', '😀'.repeat(100)]);
  });

  it('is one of several, which a browser is told not to make again', async () => {
    const { browser, who } = await visitor();
    const made = [await addPasskey(browser, 'One'), await addPasskey(browser, 'Two')];
    expect((await summaryOf(who)).passkeys.map(({ name }) => name)).toEqual(['One', 'Two']);
    const { excludeCredentials = [], ...options } = optionsIn((await browser.visit(`${overview}/passkeys`)).html);
    expect(excludeCredentials.map(({ id }) => id)).toEqual(made.map(({ passkey }) => passkey.id));
    expect(options).toMatchObject({
      rp: { id: '127.0.0.1', name: 'Gatehouse' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    for (const { passkey } of made) expect((await logInWith(passkey.get(await optionsToLogIn()))).at).toBe('/secrets');
  });

  it('is the second step after a password: only the member’s own', async () => {
    const [ada, grace] = [await visitor(), await visitor()];
    const { passkey } = await addPasskey(ada.browser);
    const { passkey: hers } = await addPasskey(grace.browser);
    const step = new Visitor(site.url);
    const { at, html } = await logIn(step, ada.who);
    expect(at).toBe('/login/factor');
    const options = optionsIn(html);
    expect(options.allowCredentials?.map(({ id }) => id)).toEqual([passkey.id]);
    expect((await step.visit('/login/passkey', { form: { response: passkey.get(options) } })).at).toBe('/secrets');
    expect((await step.visit('/account')).html).toContain(ada.who.email);

    // another member's opens that member's account, as it would without the half-done login, and never this one
    const other = new Visitor(site.url);
    const { html: asked } = await logIn(other, ada.who);
    await other.visit('/login/passkey', { form: { response: hers.get(optionsIn(asked)) } });
    const { html: account } = await other.visit('/account');
    expect([account.includes(grace.who.email), account.includes(ada.who.email)]).toEqual([true, false]);
  });

  it('answers a challenge once, also of twenty who give the same answer at once', async () => {
    const { browser } = await visitor();
    const { passkey } = await addPasskey(browser);
    const response = passkey.get(await optionsToLogIn());
    const answers = await times(20, () => logInWith(response));
    expect(answers.filter(({ at }) => at === '/secrets')).toHaveLength(1);
    expect((await logInWith(response)).at).toBe('/login');
  });

  it('is not taken in twice by one answer, by a new answer, or by somebody else', async () => {
    const { browser, who } = await visitor();
    const { passkey, made } = await addPasskey(browser);
    const again = await browser.visit(`${overview}/passkeys`, { form: { response: made, name: 'Again' } });
    expect([again.at, messageOf(again.html, 'alert')]).toEqual([
      `${overview}/passkeys`,
      expect.stringContaining('could not be taken in'),
    ]);
    const { browser: other, who: grace } = await visitor();
    for (const person of [browser, other]) {
      const anew = passkey.create(optionsIn((await person.visit(`${overview}/passkeys`)).html));
      await person.visit(`${overview}/passkeys`, { form: { response: anew, name: 'Anew' } });
    }
    expect((await summaryOf(who)).passkeys.map(({ name }) => name)).toEqual(['My phone']);
    expect((await summaryOf(grace)).passkeys).toEqual([]);
  });

  it('is not taken in for another member than its challenge was made for, nor by a challenge to log in', async () => {
    const [ada, grace] = [await visitor(), await visitor()];
    const options = optionsIn((await ada.browser.visit(`${overview}/passkeys`)).html);
    const { challenge } = await optionsToLogIn();
    for (const [browser, response] of [
      [grace.browser, new SoftPasskey(site.settings.publicUrl).create(options)],
      [ada.browser, new SoftPasskey(site.settings.publicUrl).create(options, { challenge })],
    ] as const)
      await browser.visit(`${overview}/passkeys`, { form: { response, name: 'Not mine' } });
    expect((await summaryOf(grace.who)).passkeys).toEqual([]);
    expect((await summaryOf(ada.who)).passkeys).toEqual([]);
  });

  const foreign = Buffer.from(`${Date.now() + hourMs}.${'A'.repeat(22)}.${'A'.repeat(43)}`).toString('base64url');
  it.each([
    ['made for another site', { origin: 'https://evil.example' }],
    ['of another site’s key', { rpId: 'evil.example' }],
    ['of an authenticator that did not look who is there', { isUserVerified: false }],
    ['to a challenge of somebody else’s', { challenge: foreign }],
    ['to no challenge', { challenge: '' }],
  ])('is not taken in, and opens nothing, by an answer %s', async (_, odd) => {
    const { browser, who } = await visitor();
    const { passkey } = await addPasskey(browser);
    const options = optionsIn((await browser.visit(`${overview}/passkeys`)).html);
    const response = new SoftPasskey(site.settings.publicUrl).create(options, odd);
    expect((await browser.visit(`${overview}/passkeys`, { form: { response, name: 'Odd' } })).at).toBe(
      `${overview}/passkeys`,
    );
    expect((await summaryOf(who)).passkeys).toHaveLength(1);
    const login = await optionsToLogIn();
    expect((await logInWith(passkey.get(login, odd))).at).toBe('/login');
    // the same challenge, answered as it should be: nothing else was wrong with it
    expect((await logInWith(passkey.get(login))).at).toBe('/secrets');
  });

  it('opens nothing where it says that it is somebody else’s', async () => {
    const [ada, grace] = [await visitor(), await visitor()];
    const { passkey } = await addPasskey(ada.browser);
    const userHandle = Buffer.from((await idOf(grace.who)).replaceAll('-', ''), 'hex').toString('base64url');
    expect((await logInWith(passkey.get(await optionsToLogIn(), { userHandle }))).at).toBe('/login');
  });

  it('opens nothing with a challenge that is five minutes old', async () => {
    const { browser } = await visitor();
    const { passkey } = await addPasskey(browser);
    const options = await optionsToLogIn();
    const now = Date.now;
    Date.now = () => now() + 5 * 60_000 + 1_000;
    try {
      expect((await logInWith(passkey.get(options))).at).toBe('/login');
    } finally {
      Date.now = now;
    }
    expect((await logInWith(passkey.get(options))).at).toBe('/secrets');
  });

  it('opens nothing with a count that does not grow, once it counts: that would be a copy', async () => {
    const { browser } = await visitor();
    const { passkey } = await addPasskey(browser);
    const at = async (counter: number) => (await logInWith(passkey.get(await optionsToLogIn(), { counter }))).at;
    expect([await at(0), await at(0), await at(7)]).toEqual(['/secrets', '/secrets', '/secrets']);
    expect([await at(7), await at(6), await at(0)]).toEqual(['/login', '/login', '/login']);
    expect(await at(8)).toBe('/secrets');
  });

  it('of another member does not exist', async () => {
    const [ada, grace] = [await visitor(), await visitor()];
    await addPasskey(ada.browser);
    const script = new Script(site.url);
    await script.register();
    const mine = (await summaryOf(ada.who)).passkeys[0]?.id ?? '';
    for (const id of [mine, randomUUID(), 'nothing', '%00']) {
      const page = `${overview}/passkeys/${id}`;
      expect([id, await statusOf(grace.browser.ask(`${page}/name`))]).toEqual([id, 404]);
      expect([id, await statusOf(grace.browser.ask(`${page}/name`, { form: { name: 'Mine' } }))]).toEqual([id, 404]);
      expect([id, await statusOf(grace.browser.ask(`${page}/removal`, { form: {} }))]).toEqual([id, 404]);
      const resource = `${api}/passkeys/${id}`;
      expect(await statusOf(script.ask(resource, { method: 'PATCH', json: { name: 'Mine' } }))).toBe(404);
      expect(await statusOf(script.ask(resource, { method: 'DELETE' }))).toBe(404);
    }
    expect((await summaryOf(ada.who)).passkeys).toEqual([expect.objectContaining({ id: mine, name: 'My phone' })]);
  });

  it('is asked for by a page that writes nothing', async () => {
    const { browser } = await visitor();
    await addPasskey(browser);
    const written = () =>
      Promise.all(['spent_challenges', 'passkeys', 'links'].map((table) => query(`SELECT * FROM "${table}"`)));
    const before = await written();
    await browser.visit(`${overview}/passkeys`);
    await optionsToLogIn();
    expect(await written()).toEqual(before);
  });

  it.each([
    '',
    'null',
    '1',
    '"text"',
    '[]',
    '{}',
    '{',
    '{"id":"\\u0000","rawId":"\\u0000"}',
    '{"id":1,"rawId":1,"response":null}',
    '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":null}',
    '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":1,"attestationObject":"AA"}}',
    '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"//8="}}',
    `{"id":"${'A'.repeat(2_000)}"}`,
    '['.repeat(4_000),
    '{"id":"known","rawId":"known","type":"public-key","response":null}',
    '{"id":"known","rawId":"known","type":"public-key","response":{"clientDataJSON":"e30","userHandle":{}}}',
  ])('that answers with nonsense is refused like a wrong one (%#)', async (text) => {
    const { browser, who } = await visitor();
    const { passkey } = await addPasskey(browser);
    const response = text.replaceAll('known', passkey.id);
    const { at } = await browser.visit(`${overview}/passkeys`, { form: { response, name: 'Nonsense' } });
    expect([at, (await logInWith(response)).at]).toEqual([`${overview}/passkeys`, '/login']);
    expect((await summaryOf(who)).passkeys).toHaveLength(1);
    expect(faultsOf(site)).toEqual([]);
  });
});

describe('an answer of a passkey in another spelling of the same bytes', () => {
  /** As the library reads them too, which takes what is no base64url for an `A`. */
  const respelt = (json: string, part: string, spell: (text: string) => string) => {
    const answer = JSON.parse(json) as { response: Record<string, string> };
    const text = answer.response[part] ?? '';
    const changed = spell(text);
    expect(changed).not.toBe(text);
    return JSON.stringify({ ...answer, response: { ...answer.response, [part]: changed } });
  };

  it.each(['clientDataJSON', 'authenticatorData', 'signature'])(
    'is refused, and used twice for none: %s',
    async (part) => {
      const { browser } = await visitor();
      const { passkey } = await addPasskey(browser);
      // an answer with an A in it comes soon
      let answer = passkey.get(await optionsToLogIn());
      const has = () => (JSON.parse(answer) as { response: Record<string, string> }).response[part]?.includes('A');
      while (!has()) answer = passkey.get(await optionsToLogIn());
      for (const spell of [
        (text: string) => text.replace('A', '+'),
        (text: string) => `${text}=`,
        (text: string) => `${text} `,
      ])
        expect((await logInWith(respelt(answer, part, spell))).at).toBe('/login');
      expect((await logInWith(answer)).at).toBe('/secrets');
      expect((await logInWith(respelt(answer, part, (text) => text.replace('A', '/')))).at).toBe('/login');
    },
  );

  it('makes none, whatever the authenticator says of who made it', async () => {
    const { browser, who } = await visitor();
    const passkey = new SoftPasskey(site.settings.publicUrl);
    const answer = passkey.create(optionsIn((await browser.visit(`${overview}/passkeys`)).html));
    for (const part of ['clientDataJSON', 'attestationObject'])
      await browser.visit(`${overview}/passkeys`, {
        form: { response: respelt(answer, part, (text) => `${text}=`), name: 'A key' },
      });
    expect((await summaryOf(who)).passkeys).toHaveLength(0);
  });
});

describe('by the API', () => {
  it('a script sees what there is, sets up an app, makes new codes and removes it', async () => {
    const script = new Script(site.url);
    await script.register();
    const show = async () => (await script.ask(api)).json();
    expect(await show()).toEqual({ authenticator: false, passkeys: [], recoveryCodesLeft: 0, isRequired: false });

    const begun = await script.ask(`${api}/authenticator`, { method: 'POST' });
    expect(begun.status).toBe(201);
    const { secret, otpauthUrl } = (await begun.json()) as { secret: string; otpauthUrl: string };
    expect(new URL(otpauthUrl).searchParams.get('secret')).toBe(secret);
    const wrong = await script.ask(`${api}/authenticator`, { method: 'PUT', json: { code: '000000' } });
    expect([wrong.status, await wrong.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [expect.objectContaining({ field: 'code' })] }),
    ]);
    expect(await statusOf(script.ask(`${api}/authenticator`, { method: 'PUT', json: { code: 123456 } }))).toBe(422);
    expect(await statusOf(script.ask(`${api}/recovery-codes`, { method: 'POST' }))).toBe(409);

    const { recoveryCodes } = await addAuthenticator(site, script);
    expect(recoveryCodes).toHaveLength(10);
    expect(await show()).toMatchObject({ authenticator: true, recoveryCodesLeft: 10 });
    expect(await statusOf(script.ask(`${api}/authenticator`, { method: 'POST' }))).toBe(409);
    const renewed = await script.ask(`${api}/recovery-codes`, { method: 'POST' });
    expect([renewed.status, ((await renewed.json()) as { recoveryCodes: string[] }).recoveryCodes.length]).toEqual([
      201, 10,
    ]);
    expect(await statusOf(script.ask(`${api}/authenticator`, { method: 'DELETE' }))).toBe(204);
    expect(await statusOf(script.ask(`${api}/authenticator`, { method: 'DELETE' }))).toBe(404);
    expect(await show()).toMatchObject({ authenticator: false, recoveryCodesLeft: 0 });
  });

  it('a script lists, renames and removes the passkeys that a browser made', async () => {
    const { who, script, nextCode } = await setUpAuthenticator(site);
    const browser = new Visitor(site.url);
    await logInWithCode(browser, who, nextCode);
    await addPasskey(browser);
    const list = (await (await script.ask(`${api}/passkeys`)).json()) as { id: string }[];
    expect(list).toEqual([
      { id: expect.any(String), name: 'My phone', createdAt: expect.any(String), lastUsedAt: null },
    ]);
    const path = `${api}/passkeys/${list[0]?.id}`;
    const renamed = await script.ask(path, { method: 'PATCH', json: { name: ' Her phone ' } });
    expect([renamed.status, await renamed.json()]).toEqual([200, { ...list[0], name: 'Her phone' }]);
    for (const json of [{}, { name: '' }, { name: 'a\nb' }, { name: 1 }, { name: 'x'.repeat(101) }])
      expect([json, await statusOf(script.ask(path, { method: 'PATCH', json }))]).toEqual([json, 422]);
    expect(await statusOf(script.ask(path, { method: 'DELETE' }))).toBe(204);
    expect(await (await script.ask(`${api}/passkeys`)).json()).toEqual([]);
  });
});

describe('whoever adds or removes a factor', () => {
  it('is told by mail, and finds it in the activity', async () => {
    const { browser, who } = await visitor();
    await setUp(browser);
    await addPasskey(browser);
    await browser.visit(`${overview}/authenticator/removal`, { form: {} });
    await browser.visit(`${overview}/recovery-codes`, { form: {} });
    await browser.visit(`${overview}/passkeys/${(await summaryOf(who)).passkeys[0]?.id}/removal`, { form: {} });
    for (const words of ['an authenticator app was added', 'a passkey was added', 'an authenticator app was removed'])
      expect((await waitForMail(site, who.email, /way you log in/)).text).toContain(words);
    expect((await waitForMail(site, who.email, /way you log in/)).text).toContain('new recovery codes were made');
    expect((await waitForMail(site, who.email, /way you log in/)).text).toContain('a passkey was removed');

    const { items } = await site.app.get(ActivityService).listFor({ id: await idOf(who) }, { limit: 50 });
    const happened = items.filter(({ kind }) => kind.startsWith('factor.')).map(({ kind, target }) => [kind, target]);
    expect(happened.toReversed()).toEqual([
      ['factor.added', 'authenticator app'],
      ['factor.recovery-codes-made', who.email],
      ['factor.added', 'My phone'],
      ['factor.removed', 'authenticator app'],
      ['factor.recovery-codes-made', who.email],
      ['factor.removed', 'My phone'],
    ]);
  });
});

it('an admin’s reset takes everything away', async () => {
  const { browser, who } = await visitor();
  const { codes } = await setUp(browser);
  await addPasskey(browser);
  const id = await idOf(who);
  await factors().removeAllOf(id);
  expect(await summaryOf(who)).toEqual({ authenticator: false, passkeys: [], recoveryCodesLeft: 0 });
  expect(await factors().verifyCode(id, codes[0] ?? '')).toBeUndefined();
});

it('no key and no code stands in the database or in the log, and nothing went wrong', async () => {
  const ada = await setUpAuthenticator(site);
  await factors().verifyCode(await idOf(ada.who), ada.recoveryCodes[0] ?? '');
  const { script } = ada;
  await script.ask(`${api}/authenticator`, { method: 'PUT', json: { code: ada.recoveryCodes[1] } });
  const everything = `${(await cellsOf(site)).join('\n')}\n${site.log()}`;
  expect(everything).toContain(ada.who.email);
  for (const secret of [ada.secret, ...ada.recoveryCodes, ...ada.recoveryCodes.map((code) => code.replace('-', ''))])
    expect(everything).not.toContain(secret);
  expect(faultsOf(site)).toEqual([]);
});

describe('where REQUIRE_MFA asks for a second factor', () => {
  const admin = { name: 'Grace Hopper', email: 'grace@example.com', password: 'a nanosecond is a foot of wire' };
  beforeAll(async () => {
    await site.close();
    site = await startApp({ REQUIRE_MFA: 'admins', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password });
  });

  const asAdmin = async () => {
    await factors().removeAllOf(await idOf(admin));
    const browser = new Visitor(site.url);
    await logIn(browser, admin);
    return browser;
  };

  it('of admins, one sets it up before anything else', async () => {
    const browser = await asAdmin();
    const { at, html } = await browser.visit('/secrets');
    expect([at, html]).toEqual([overview, expect.stringContaining('This site asks you for a second factor.')]);
    await setUp(browser);
    expect((await browser.visit('/secrets')).at).toBe('/secrets');
  });

  it('of admins, one cannot remove the last', async () => {
    const browser = await asAdmin();
    await setUp(browser);
    expect((await browser.visit(overview)).html).not.toContain(`action="${overview}/authenticator/removal"`);
    const { at, html } = await browser.visit(`${overview}/authenticator/removal`, { form: {} });
    expect([at, messageOf(html, 'alert')]).toEqual([overview, expect.stringContaining('your only one')]);
    expect((await summaryOf(admin)).authenticator).toBe(true);

    await addPasskey(browser);
    expect((await browser.visit(overview)).html).toContain(`action="${overview}/authenticator/removal"`);
    await browser.visit(`${overview}/authenticator/removal`, { form: {} });
    const [passkey] = (await summaryOf(admin)).passkeys;
    await browser.visit(`${overview}/passkeys/${passkey?.id}/removal`, { form: {} });
    expect(await summaryOf(admin)).toMatchObject({ authenticator: false, passkeys: [passkey], recoveryCodesLeft: 10 });
  });

  it('of admins, one keeps one of two that are removed at once', async () => {
    for (let round = 0; round < 5; round++) {
      const browser = await asAdmin();
      await setUp(browser);
      await addPasskey(browser);
      const [passkey] = (await summaryOf(admin)).passkeys;
      const answers = await Promise.all([
        browser.ask(`${overview}/authenticator/removal`, { form: {} }),
        browser.ask(`${overview}/passkeys/${passkey?.id}/removal`, { form: {} }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([303, 303]);
      const { authenticator, passkeys } = await summaryOf(admin);
      expect([authenticator, ...passkeys].filter(Boolean)).toHaveLength(1);
    }
  });

  it('the API says that it is required, and that the last one stays', async () => {
    await factors().removeAllOf(await idOf(admin));
    const script = new Script(site.url);
    await script.logIn(admin);
    await addAuthenticator(site, script);
    expect(await (await script.ask(api)).json()).toMatchObject({ isRequired: true });
    expect(await statusOf(script.ask(`${api}/authenticator`, { method: 'DELETE' }))).toBe(409);
  });

  it('a member of whom it is not asked removes the last one', async () => {
    const { browser, who } = await visitor();
    await setUp(browser);
    await browser.visit(`${overview}/authenticator/removal`, { form: {} });
    expect((await summaryOf(who)).authenticator).toBe(false);
  });
});

it('a challenge that was answered is forgotten once nobody could answer it any more', async () => {
  await site.close();
  const lasting = await makeLasting();
  try {
    site = await startApp(lasting.environment);
    const now = Date.now();
    for (const [challenge, expiresAt] of [
      ['over', now - 1],
      ['open', now + 60_000],
    ])
      await query('INSERT INTO "spent_challenges" ("challenge", "expiresAt") VALUES ($1, $2)', [challenge, expiresAt]);
    await site.close();
    site = await startApp(lasting.environment);
    const left = async () => await query<{ challenge: string }>('SELECT "challenge" FROM "spent_challenges"');
    for (let tries = 0; tries < 100 && (await left()).length > 1; tries++);
    expect(await left()).toEqual([{ challenge: 'open' }]);
  } finally {
    await site.close();
    await lasting.drop();
    site = await startApp();
  }
});
