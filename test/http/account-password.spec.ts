import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { startApp, type TestApp } from '../support/app.js';
import { fieldOf, messageOf } from '../support/html.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { Script, Visitor, type Person } from '../support/people.js';

let site: TestApp;
beforeAll(
  async () =>
    void (site = await startApp({
      RATE_LIMITS: 'on',
      ADMIN_EMAIL: 'keeper@example.com',
      ADMIN_PASSWORD: 'the keeper of all the keys',
    })),
);
afterAll(() => site.close());

const password = 'another sentence of my own';

/** A member who is logged in in a browser, in another, and in a script, and has a token. */
async function member() {
  const [browser, other, script, token] = [
    new Visitor(site.url),
    new Visitor(site.url),
    new Script(site.url),
    new Script(site.url),
  ];
  const who = await browser.register();
  await other.visit('/login', { form: { email: who.email, password: who.password } });
  await script.logIn(who);
  const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'write' } });
  token.token = ((await made.json()) as { token: string }).token;
  const areIn = async () => [
    (await browser.ask('/secrets')).status === 200,
    (await other.ask('/secrets')).status === 200,
    (await script.ask('/api/v1/users/me')).status === 200,
    (await token.ask('/api/v1/users/me')).status === 200,
  ];
  expect(await areIn()).toEqual([true, true, true, true]);
  return { who, browser, other, script, token, areIn };
}

const logsIn = async ({ email }: Person, typed: string) =>
  (await new Script(site.url).ask('/api/v1/auth/login', { json: { email, password: typed } })).status;

const put = (script: Script, json: object) => script.ask('/api/v1/users/me/password', { method: 'PUT', json });

/** What the activity log has of a member's passwords, the oldest first. */
const noted = async ({ email }: Person) =>
  (
    await site.app
      .get(DataSource)
      .query<{ outcome: string }[]>(
        `SELECT "outcome" FROM "events" WHERE "kind" = 'password.changed' AND "actor" = $1 ORDER BY "id"`,
        [email],
      )
  ).map(({ outcome }) => outcome);

describe('a member who changes the password', () => {
  it('stays in where they did so, and is out everywhere else', async () => {
    const { who, browser, areIn } = await member();
    const { at, html } = await browser.visit('/account/password', {
      form: { currentPassword: who.password, password },
    });
    expect(at).toBe('/account');
    expect(messageOf(html, 'status')).toBe('Your password is changed, and you are logged out everywhere else.');
    expect(await areIn()).toEqual([true, false, false, false]);
    expect([await logsIn(who, who.password), await logsIn(who, password)]).toEqual([401, 200]);
    await waitForMail(site, who.email, /password was changed/i);
    expect(await noted(who)).toEqual(['success']);
  });

  it('does so by the API too', async () => {
    const { who, script, areIn } = await member();
    const answer = await put(script, { currentPassword: who.password, password });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(await areIn()).toEqual([false, false, true, false]);
    expect([await logsIn(who, who.password), await logsIn(who, password)]).toEqual([401, 200]);
  });

  it('leaves nobody in who came with the old one at the same moment', async () => {
    const { who, script } = await member();
    for (let round = 0; round < 4; round++) {
      const next = `the sentence of round ${round}`;
      const thieves = Array.from({ length: 8 }, () => new Script(site.url));
      const changing = put(script, { currentPassword: who.password, password: next });
      await Promise.allSettled(thieves.map((thief) => thief.logIn(who)));
      expect((await changing).status).toBe(204);
      for (const thief of thieves) expect((await thief.ask('/api/v1/users/me')).status).toBe(401);
      who.password = next;
    }
  });

  it('makes every link worthless that was mailed before', async () => {
    const { who, browser } = await member();
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    const asker = new Visitor(site.url);
    await asker.ask('/login/link', { form: { email: who.email } });
    const reset = new URL(linkIn(await waitForMail(site, who.email, /choose a new password/i)));
    const login = new URL(linkIn(await waitForMail(site, who.email, /link to log in/i)));
    const open = async ({ pathname, search }: URL) => (await asker.ask(pathname + search)).status;
    expect([await open(reset), await open(login)]).toEqual([200, 200]);
    await browser.ask('/account/password', { form: { currentPassword: who.password, password } });
    expect([await open(reset), await open(login)]).toEqual([404, 404]);
    const token = reset.searchParams.get('token');
    const json = { token, password: 'a third sentence of mine' };
    expect((await new Script(site.url).ask('/api/v1/password-resets', { method: 'PUT', json })).status).toBe(404);
    expect(await logsIn(who, password)).toBe(200);
  });
});

describe('a password that is not changed', () => {
  it('is one whose owner gave a wrong current one: told at its field, and noted', async () => {
    const { who, browser, script, areIn } = await member();
    const { status, html } = await browser.visit('/account/password', {
      form: { currentPassword: 'not the one', password },
    });
    expect(status).toBe(422);
    expect(fieldOf(html, 'currentPassword')).toEqual({
      value: undefined,
      fault: 'That is not your password. Please try again.',
    });
    expect(html).not.toContain(password);
    const answer = await put(script, { currentPassword: 'not the one', password });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'currentPassword' }] });
    expect(await areIn()).toEqual([true, true, true, true]);
    expect([await logsIn(who, who.password), await logsIn(who, password)]).toEqual([200, 401]);
    expect(await noted(who)).toEqual(['refused', 'refused']);
  });

  it('is one that would be among the commonest, or is missing', async () => {
    const { who, browser, script } = await member();
    const form = { currentPassword: who.password, password: 'password' };
    const { html } = await browser.visit('/account/password', { form });
    expect(fieldOf(html, 'password').fault).toContain('commonest');
    const answer = await put(script, {});
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'currentPassword' }, { field: 'password' }] });
    expect(await logsIn(who, who.password)).toBe(200);
    expect(await noted(who)).toEqual([]);
  });

  it('is guessed at ten times from a session, and the eleventh has to wait, right or wrong', async () => {
    const { who, browser, script } = await member();
    const guess = (typed: string) => put(script, { currentPassword: typed, password });
    for (let round = 0; round < 10; round++) expect((await guess(`guess ${round}`)).status).toBe(422);
    const refused = await guess(who.password);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await logsIn(who, who.password)).toBe(200);
    // the owner's own browser is not locked out by that
    const form = { currentPassword: who.password, password };
    expect((await browser.ask('/account/password', { form })).status).toBe(303);
  });
});

it('of two who change it at once, one password counts, and each ends the session of the other', async () => {
  const { who, script } = await member();
  const rival = new Script(site.url);
  await rival.logIn(who);
  const choices = ['the first sentence of mine', 'the second sentence of mine'];
  const answers = await Promise.all(
    [script, rival].map((one, index) => put(one, { currentPassword: who.password, password: choices[index] })),
  );
  const works = await Promise.all([who.password, ...choices].map((typed) => logsIn(who, typed)));
  expect(works.filter((status) => status === 200)).toHaveLength(1);
  expect(works[0]).toBe(401);
  const stillIn = await Promise.all(
    [script, rival].map(async (one) => (await one.ask('/api/v1/users/me')).status === 200),
  );
  const changed = answers.map(({ status }) => status === 204);
  expect(stillIn).toEqual(changed.every(Boolean) ? [false, false] : changed);
});
