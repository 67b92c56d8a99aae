import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { FactorsService } from '../../src/factors/factors.service.js';
import { idOf } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { addAuthenticator, codeFor, optionsIn, setUpAuthenticator, SoftPasskey } from '../support/factors.js';
import { Script, Visitor, type Person } from '../support/people.js';

const overview = '/account/factors';

const site = aSite();

const query = <Row>(sql: string, values: unknown[]): Promise<Row[]> => site.app.get(DataSource).query(sql, values);
const works = async (who: Person, code = '') =>
  (await site.app.get(FactorsService).verifyCode(await idOf(site, who), code)) === 'recovery-code';
const isIn = async (script: Script) => (await script.ask('/api/v1/users/me')).status === 200;
const codesIn = (html: string) => [...html.matchAll(/<li><code>([^<]+)<\/code><\/li>/g)].map(([, code = '']) => code);

/** Somebody with a set of recovery codes and no factor, as a crash leaves them between the one and the other. */
async function leftBehind(): Promise<{ who: Person; script: Script; old: readonly string[] }> {
  const { who, script, recoveryCodes: old } = await setUpAuthenticator(site);
  const id = await idOf(site, who);
  await query('DELETE FROM "authenticators" WHERE "userId" = $1', [id]);
  expect((await query('SELECT 1 FROM "recovery_codes" WHERE "userId" = $1', [id])).length).toBe(10);
  return { who, script, old };
}

/** Which of the old codes and of the new ones work, once each. */
async function expectNewSet(who: Person, old: readonly string[], codes: readonly string[]): Promise<void> {
  expect([codes.length, new Set([...old, ...codes]).size]).toEqual([10, 20]);
  for (const code of old) expect(await works(who, code)).toBe(false);
  for (const code of codes) expect(await works(who, code)).toBe(true);
}

describe('recovery codes that a crash left of an earlier factor', () => {
  it('are worthless once an app is set up, which makes ten others and ends the other sessions', async () => {
    const { who, script, old } = await leftBehind();
    const other = new Script(site.url);
    await other.logIn(who);
    expect(await isIn(other)).toBe(true);
    const { recoveryCodes } = await addAuthenticator(site, script);
    expect([await isIn(script), await isIn(other)]).toEqual([true, false]);
    await expectNewSet(who, old, recoveryCodes);
  });

  it('are worthless once a passkey is made, in the same way', async () => {
    const { who, script, old } = await leftBehind();
    const browser = new Visitor(site.url);
    expect((await browser.visit('/login', { form: { email: who.email, password: who.password } })).at).toBe('/secrets');
    const passkey = new SoftPasskey(site.settings.publicUrl);
    const response = passkey.create(optionsIn((await browser.visit(`${overview}/passkeys`)).html));
    const { status, html } = await browser.visit(`${overview}/passkeys`, { form: { response, name: 'My phone' } });
    expect(status).toBe(200);
    expect([(await browser.ask('/secrets')).status, await isIn(script)]).toEqual([200, false]);
    await expectNewSet(who, old, codesIn(html));
  });

  it('are no more to the next factor where all of them were used, or where others than ours stand there', async () => {
    const { who, script, old } = await leftBehind();
    const id = await idOf(site, who);
    await query('UPDATE "recovery_codes" SET "usedAt" = $1 WHERE "userId" = $2', [Date.now(), id]);
    await query('INSERT INTO "recovery_codes" ("userId", "codeHash") VALUES ($1, $2)', [id, 'of an earlier factor']);
    const { recoveryCodes } = await addAuthenticator(site, script);
    await expectNewSet(who, old, recoveryCodes);
    expect(await query('SELECT 1 FROM "recovery_codes" WHERE "codeHash" = $1', ['of an earlier factor'])).toEqual([]);
  });

  it('that belong to somebody else are left alone', async () => {
    const [ada, grace] = [await leftBehind(), await setUpAuthenticator(site)];
    await addAuthenticator(site, ada.script);
    expect(await works(grace.who, grace.recoveryCodes[0])).toBe(true);
  });

  it('are not made anew by a second factor beside the first', async () => {
    const { who, script, recoveryCodes } = await setUpAuthenticator(site);
    const browser = new Visitor(site.url);
    await browser.ask('/login', { form: { email: who.email, password: who.password } });
    await browser.visit('/login/factor', { form: { code: recoveryCodes[0] ?? '' } });
    const passkey = new SoftPasskey(site.settings.publicUrl);
    const response = passkey.create(optionsIn((await browser.visit(`${overview}/passkeys`)).html));
    const { at, html } = await browser.visit(`${overview}/passkeys`, { form: { response, name: 'My phone' } });
    expect([at, codesIn(html), await isIn(script)]).toEqual([overview, [], true]);
    expect([await works(who, recoveryCodes[0]), await works(who, recoveryCodes[1])]).toEqual([false, true]);
  });
});

it('one of twenty who set up the first app at once, where old codes lie about, gets ten codes that work', async () => {
  const { who, script, old } = await leftBehind();
  const path = '/api/v1/users/me/factors/authenticator';
  const { secret } = (await (await script.ask(path, { method: 'POST' })).json()) as { secret: string };
  const code = codeFor(secret);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => script.ask(path, { method: 'PUT', json: { code } })),
  );
  const right = answers.filter(({ status }) => status === 200);
  expect(right).toHaveLength(1);
  const { recoveryCodes } = (await right[0]?.json()) as { recoveryCodes: string[] };
  await expectNewSet(who, old, recoveryCodes);
});
