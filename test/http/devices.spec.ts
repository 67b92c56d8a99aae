import { describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { besiege, from } from '../support/guessing.js';
import { messageOf } from '../support/html.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }));

const device = 'gatehouse-device';
const newPassword = 'another sentence of my own';

/** A member, and a browser of theirs that is logged out and that the site knows. */
async function member(): Promise<{ who: Person; browser: Visitor }> {
  const browser = new Visitor(site.url);
  const who = await browser.register();
  await browser.ask('/logout', { method: 'POST' });
  return { who, browser };
}

const logIn = (visitor: Visitor, { email, password }: Pick<Person, 'email' | 'password'>) =>
  visitor.visit('/login', { form: { email, password }, headers: from('203.0.113.40') });

/** Refused although the password may be right, and told of the login link instead. */
function expectSiege({ at, html }: Awaited<ReturnType<typeof logIn>>): void {
  expect([at, messageOf(html, 'alert')]).toEqual(['/login', expect.stringContaining('Ask for a login link')]);
}

/** The owner chooses another password by a mailed link. */
async function reset({ email }: Person, password = newPassword): Promise<void> {
  const script = new Script(site.url);
  await script.ask('/api/v1/password-resets', { json: { email } });
  const link = new URL(linkIn(await waitForMail(site, email, /choose a new password/i)));
  const json = { token: link.searchParams.get('token'), password };
  const answer = await script.ask('/api/v1/password-resets', { method: 'PUT', json });
  expect(answer.status).toBe(204);
}

describe('the browser of an account that was deleted', () => {
  it('is a stranger’s for a new account with the same email', async () => {
    const { who, browser } = await member();
    const script = new Script(site.url);
    await script.logIn(who);
    const left = await script.ask('/api/v1/users/me', { method: 'DELETE', json: { password: who.password } });
    expect(left.status).toBe(204);
    expect(browser.cookies.has(device)).toBe(true);

    // the same password, so that nothing but the account is another
    const heir = new Visitor(site.url);
    await heir.register(person({ email: who.email, password: who.password }));
    await heir.ask('/logout', { method: 'POST' });
    await besiege(site, who.email);
    expectSiege(await logIn(browser, who));
    expect((await logIn(heir, who)).at).toBe('/secrets');
  });

  it('is one of those whose wrong passwords count together for the new account', async () => {
    const { who, browser } = await member();
    const script = new Script(site.url);
    await script.logIn(who);
    await script.ask('/api/v1/users/me', { method: 'DELETE', json: { password: who.password } });
    await new Script(site.url).register(person({ email: who.email }));
    const wrong = { email: who.email, password: 'a wrong one' };
    for (let round = 0; round < 5; round++)
      for (const visitor of [browser, new Visitor(site.url)]) expect((await logIn(visitor, wrong)).status).toBe(200);
    expect((await logIn(browser, wrong)).status).toBe(429);
  });
});

describe('a browser that knew an older password alone', () => {
  it('is no exception from a siege after a reset, until it has logged in since', async () => {
    const { who, browser } = await member();
    await reset(who);
    const now = { ...who, password: newPassword };
    const old = browser.cookies.get(device) ?? '';
    await besiege(site, who.email);
    expectSiege(await logIn(browser, now));
    expectSiege(await logIn(new Visitor(site.url), now));

    await reset(who, 'a third sentence of my own');
    const later = { ...who, password: 'a third sentence of my own' };
    expect((await logIn(browser, later)).at).toBe('/secrets');
    expect(browser.cookies.get(device)).not.toBe(old);
    await browser.ask('/logout', { method: 'POST' });
    await besiege(site, who.email);
    expect((await logIn(browser, later)).at).toBe('/secrets');
  });
});

describe('a reset by mail', () => {
  it('ends the siege, so that its owner logs in from anywhere', async () => {
    const { who } = await member();
    await besiege(site, who.email);
    expectSiege(await logIn(new Visitor(site.url), who));
    await reset(who);
    expect((await logIn(new Visitor(site.url), { ...who, password: newPassword })).at).toBe('/secrets');
  });

  it('that was only asked for ends none', async () => {
    const { who } = await member();
    await besiege(site, who.email);
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    await waitForMail(site, who.email, /choose a new password/i);
    expectSiege(await logIn(new Visitor(site.url), who));
  });
});

it('a browser that knew an older password alone does not learn under siege which one is right', async () => {
  const { who, browser } = await member();
  await reset(who);
  await besiege(site, who.email);
  const wrong = await logIn(browser, { ...who, password: 'a wrong password' });
  const right = await logIn(browser, { ...who, password: newPassword });
  expect(messageOf(wrong.html, 'alert')).toBe(messageOf(right.html, 'alert'));
});
