import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { addPasskey, logInWithCode, optionsIn, setUpAuthenticator, type Authenticated } from '../support/factors.js';
import { messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { Script, Visitor } from '../support/people.js';

const site = aSite(() => startApp({ RATE_LIMITS: 'on' }));

const data = () => site.app.get(DataSource);
const subject = /wrong codes/i;

/** As if the quarter of an hour was over after which ten more codes are looked at. */
const waitAWhile = () => data().query(`DELETE FROM "rate_limits" WHERE "key" LIKE 'factor:%'`);
const countsOf = (rule: string) =>
  data().query<{ key: string; points: number }[]>(`SELECT "key", "points" FROM "rate_limits" WHERE "key" LIKE $1`, [
    `${rule}:%`,
  ]);

async function passwordRight({ who: { email, password } }: Authenticated, browser = new Visitor(site.url)) {
  const { at } = await browser.visit('/login', { form: { email, password } });
  expect(at).toBe('/login/factor');
  return browser;
}

async function guessCodes(browser: Visitor, times: number): Promise<void> {
  for (let round = 0; round < times; round++) {
    await waitAWhile();
    expect((await browser.ask('/login/factor', { form: { code: '000000' } })).headers.get('location')).toBe(
      '/login/factor',
    );
  }
}

/** A member whose account has had so many wrong codes. */
async function guessedAt(wrong: number): Promise<Authenticated> {
  const ada = await setUpAuthenticator(site);
  const known = new Set((await countsOf('codes')).map(({ key }) => key));
  await guessCodes(await passwordRight(ada), 1);
  const [count, ...others] = (await countsOf('codes')).filter(({ key }) => !known.has(key));
  expect([count?.points, others]).toEqual([1, []]);
  await data().query('UPDATE "rate_limits" SET "points" = $1 WHERE "key" = $2', [wrong, count?.key]);
  return ada;
}

const mailsTo = async (email: string) =>
  (await mailsIn(site)).filter((mail) => mail.to?.[0]?.address === email && subject.test(mail.subject ?? ''));

describe('whoever has the password and gives wrong codes', () => {
  it('is told of to the owner by mail at the fifth, once, on the page and through the API', async () => {
    const [ada, grace] = [await setUpAuthenticator(site), await setUpAuthenticator(site)];
    await guessCodes(await passwordRight(ada), 6);
    for (let round = 0; round < 6; round++) {
      const json = { ...grace.who, code: '000000' };
      expect((await new Script(site.url).ask('/api/v1/auth/login', { json })).status).toBe(401);
    }
    for (const { who } of [ada, grace]) {
      const mail = await waitForMail(site, who.email, subject);
      expect(mail.text).toContain('5 wrong codes');
      expect(new URL(linkIn(mail)).pathname).toBe('/password/forgot');
      expect(await mailsTo(who.email)).toHaveLength(1);
    }
  });

  it('has a hundred tries, and then none for a long time: not even a right code is taken', async () => {
    const ada = await guessedAt(99);
    await guessCodes(await passwordRight(ada), 1);
    await waitAWhile();
    const last = await (await passwordRight(ada)).visit('/login/factor', { form: { code: await ada.nextCode() } });
    expect([last.at, messageOf(last.html, 'alert')]).toEqual([
      '/login',
      expect.stringContaining('too many wrong codes'),
    ]);
    await waitAWhile();
    const json = { ...ada.who, code: await ada.nextCode() };
    const answer = await new Script(site.url).ask('/api/v1/auth/login', { json });
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('too many wrong codes')]);
    await waitForMail(site, ada.who.email, subject);
    const [row] = await data().query<{ ends: string }[]>(
      `SELECT MAX("expire") AS "ends" FROM "rate_limits" WHERE "key" LIKE 'codes:%'`,
    );
    expect(Number(row?.ends)).toBeGreaterThan(Date.now() + 360 * 24 * 3_600_000);
  });

  it('is counted on where the owner logs in between', async () => {
    const ada = await guessedAt(98);
    await waitAWhile();
    await logInWithCode(new Visitor(site.url), ada.who, ada.nextCode);
    await guessCodes(await passwordRight(ada), 2);
    await waitAWhile();
    const { at } = await (await passwordRight(ada)).visit('/login/factor', { form: { code: await ada.nextCode() } });
    expect(at).toBe('/login');
  });
});

describe('the owner of an account that was guessed at so often', () => {
  it('gets in with a browser that was used before, and with a passkey', async () => {
    const ada = await guessedAt(0);
    const browser = new Visitor(site.url);
    await logInWithCode(browser, ada.who, ada.nextCode);
    const passkey = await addPasskey(site, browser);
    await browser.ask('/logout', { method: 'POST' });
    await data().query(`UPDATE "rate_limits" SET "points" = 100 WHERE "key" LIKE 'codes:%'`);
    await waitAWhile();
    const { at } = await (await passwordRight(ada)).visit('/login/factor', { form: { code: await ada.nextCode() } });
    expect(at).toBe('/login');
    await waitAWhile();
    await logInWithCode(browser, ada.who, ada.nextCode);

    const unknown = new Visitor(site.url);
    const response = passkey.get(optionsIn((await unknown.visit('/login')).html));
    expect((await unknown.visit('/login/passkey', { form: { response } })).at).toBe('/secrets');
  });

  it('gets in from anywhere once the password is another', async () => {
    const ada = await guessedAt(100);
    const password = 'another sentence of my own';
    const json = { currentPassword: ada.who.password, password };
    expect((await ada.script.ask('/api/v1/users/me/password', { method: 'PUT', json })).status).toBe(204);
    await waitAWhile();
    await logInWithCode(new Visitor(site.url), { ...ada.who, password }, ada.nextCode);
  });

  it('is locked out by nobody who lacks the password', async () => {
    const ada = await setUpAuthenticator(site);
    const before = await countsOf('codes');
    for (let round = 0; round < 8; round++) {
      const stranger = new Visitor(site.url);
      await stranger.ask('/login', { form: { email: ada.who.email, password: `guess ${round}` } });
      await stranger.ask('/login/factor', { form: { code: '000000' } });
      const json = { email: ada.who.email, password: `guess ${round}`, code: '000000' };
      await new Script(site.url).ask('/api/v1/auth/login', { json });
    }
    expect(await countsOf('codes')).toEqual(before);
  });
});

it('whoever has a session has a hundred tries at a proof in it, and the others go on', async () => {
  const browser = new Visitor(site.url);
  const { email, password } = await browser.register();
  const known = new Set((await countsOf('codes')).map(({ key }) => key));
  await browser.ask('/account/proof', { form: { password: 'a wrong one' } });
  const [count] = (await countsOf('codes')).filter(({ key }) => !known.has(key));
  await data().query('UPDATE "rate_limits" SET "points" = 100 WHERE "key" = $1', [count?.key]);
  expect((await browser.ask('/account/proof', { form: { password } })).status).toBe(403);
  const form = { currentPassword: password, password: 'another sentence of my own' };
  expect((await browser.ask('/account/password', { form })).status).toBe(403);
  const other = new Visitor(site.url);
  await other.ask('/login', { form: { email, password } });
  expect((await other.ask('/account/proof', { form: { password } })).status).toBe(303);
});
