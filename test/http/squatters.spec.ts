import { describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { addAuthenticator, addPasskey, codeFor, optionsIn, type SoftPasskey } from '../support/factors.js';
import { confirmAddress, linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite();

const password = 'another sentence of my own';

/** All that somebody can have who made an account. */
interface Squatter {
  readonly who: Person;
  readonly browser: Visitor;
  readonly script: Script;
  readonly token: Script;
  readonly passkey: SoftPasskey;
  readonly secret: string;
}

/** Somebody who registers, and leaves every way in that there is. */
async function squatter(who = person()): Promise<Squatter> {
  const [browser, script, token] = [new Visitor(site.url), new Script(site.url), new Script(site.url)];
  await script.register(who);
  const { secret, nextCode } = await addAuthenticator(site, script);
  await browser.ask('/login', { form: { email: who.email, password: who.password } });
  await browser.ask('/login/factor', { form: { code: await nextCode() } });
  const passkey = await addPasskey(site, browser);
  const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'write' } });
  token.token = ((await made.json()) as { token: string }).token;
  expect(await waysIn({ who, browser, script, token, passkey, secret })).toEqual([200, 200, 200, '/secrets']);
  return { who, browser, script, token, passkey, secret };
}

async function waysIn({ browser, script, token, passkey }: Squatter) {
  const response = passkey.get(optionsIn((await new Visitor(site.url).visit('/login')).html));
  return [
    (await browser.ask('/secrets')).status,
    (await script.ask('/api/v1/users/me')).status,
    (await token.ask('/api/v1/users/me')).status,
    (await new Visitor(site.url).visit('/login/passkey', { form: { response } })).at,
  ];
}

const tokenIn = async (email: string, subject: RegExp) =>
  new URL(linkIn(await waitForMail(site, email, subject))).searchParams.get('token') ?? '';

/** Resets the password by mail, and logs in: where that leads to. */
async function resetAndLogIn(email: string): Promise<string> {
  await new Script(site.url).ask('/api/v1/password-resets', { json: { email } });
  const json = { token: await tokenIn(email, /choose a new password/i), password };
  expect((await new Script(site.url).ask('/api/v1/password-resets', { method: 'PUT', json })).status).toBe(204);
  return (await new Visitor(site.url).visit('/login', { form: { email, password } })).at;
}

const nothing = [303, 401, 401, '/login'];

describe('a reset by mail of an account that somebody made with another’s address', () => {
  it('leaves nothing of theirs where the address was never confirmed, whatever the settings', async () => {
    const ways = await squatter();
    expect(await resetAndLogIn(ways.who.email)).toBe('/secrets');
    expect(await waysIn(ways)).toEqual(nothing);
    const owner = new Script(site.url);
    const json = { email: ways.who.email, password, code: codeFor(ways.secret) };
    owner.token = (
      (await (await owner.ask('/api/v1/auth/login', { json })).json()) as { access_token: string }
    ).access_token;
    const left = await (await owner.ask('/api/v1/users/me/factors')).json();
    expect(left).toMatchObject({ authenticator: false, passkeys: [], recoveryCodesLeft: 0 });
  });

  it.each(['the page', 'the API'])('nor where its owner opened the link of their mail, on %s', async (way) => {
    const ways = await squatter();
    await ways.script.ask('/api/v1/users/me/email-verifications', { method: 'POST' });
    const token = await tokenIn(ways.who.email, /confirm/i);
    // the owner, who has no session of the account
    const answer =
      way === 'the page'
        ? await new Visitor(site.url).ask('/email/confirmation', { form: { token } })
        : await new Script(site.url).ask('/api/v1/email-confirmations', { method: 'PUT', json: { token } });
    expect([204, 303]).toContain(answer.status);
    expect(await resetAndLogIn(ways.who.email)).toBe('/secrets');
    expect(await waysIn(ways)).toEqual(nothing);
  });

  it('nor where they moved an account to the address, and its owner opened the link', async () => {
    const ways = await squatter();
    await confirmAddress(site, ways.script, ways.who.email);
    const { email } = person();
    await ways.script.ask('/api/v1/users/me/email-changes', { json: { email } });
    const json = { token: await tokenIn(email, /confirm/i) };
    const opened = await new Script(site.url).ask('/api/v1/email-confirmations', { method: 'PUT', json });
    expect(opened.status).toBe(204);
    expect(await resetAndLogIn(email)).toBe('/secrets');
    expect(await waysIn(ways)).toEqual(nothing);
  });

  it('leaves no link that moves the account to an address of theirs', async () => {
    const ways = await squatter();
    const { email } = person();
    await ways.script.ask('/api/v1/users/me/email-changes', { json: { email } });
    const json = { token: await tokenIn(email, /confirm/i) };
    await resetAndLogIn(ways.who.email);
    expect((await ways.script.ask('/api/v1/email-confirmations', { method: 'PUT', json })).status).toBe(404);
  });
});

describe('a reset by mail of a member’s own account', () => {
  it('leaves the second factor in place where the member confirmed the address, logged in', async () => {
    const ways = await squatter();
    await confirmAddress(site, ways.script, ways.who.email);
    expect(await resetAndLogIn(ways.who.email)).toBe('/login/factor');
    expect(await waysIn(ways)).toEqual([303, 401, 401, '/secrets']);
  });

  it('leaves in place what was set up after a reset', async () => {
    const { email } = await new Script(site.url).register();
    await resetAndLogIn(email);
    const script = new Script(site.url);
    await script.logIn({ name: '', email, password });
    await addAuthenticator(site, script);
    expect(await resetAndLogIn(email)).toBe('/login/factor');
  });
});
