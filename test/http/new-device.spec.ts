import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { mailsIn, waitForMail } from '../support/mail.js';
import { Script, Visitor, type Person } from '../support/people.js';

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const subject = /new device/i;

const site = aSite(() => startApp({ TRUST_PROXY: '127.0.0.1' }));

/** How something comes to the site: from an address, and as what it says it is. */
const as = (address: string, userAgent: string) => ({ 'x-forwarded-for': address, 'user-agent': userAgent });

const logIn = async (browser: Visitor, { email, password }: Person, headers = {}) => {
  const { headers: answered } = await browser.ask('/login', { form: { email, password }, headers });
  expect(answered.get('location')).toBe('/secrets');
};

const logInByApi = async ({ email, password }: Person, headers: Record<string, string>) => {
  const answer = await new Script(site.url).ask('/api/v1/auth/login', { json: { email, password }, headers });
  expect(answer.status).toBe(200);
  return Object.assign(new Script(site.url), (await answer.json()) as { access_token: string });
};

/** Where the logins came from that somebody was told of, before one that they are told of for certain. */
const toldOf = async (who: Person) => {
  const last = '203.0.113.250';
  await logIn(new Visitor(site.url), who, as(last, firefox));
  const data = site.app.get(DataSource);
  let addresses: string[] = [];
  // mails need not leave in the order in which they were written
  await eventually(async () => {
    const mails = await mailsIn(site);
    const told = mails.filter(({ to, subject: about }) => to?.[0]?.address === who.email && subject.test(about ?? ''));
    addresses = told.map(({ text }) => /Address: (\S+)/.exec(text ?? '')?.[1] ?? 'nowhere').toSorted();
    const waiting = await data.query<object[]>('SELECT "id" FROM "outbox"');
    return addresses.includes(last) && waiting.length === 0;
  });
  return addresses.filter((address) => address !== last);
};

describe('a member who logs in with a browser', () => {
  it('is told by mail of one that was never used, with the device, the address and the time', async () => {
    const who = await new Visitor(site.url).register();
    await logIn(new Visitor(site.url), who, as('203.0.113.1', firefox));
    const { text = '', html = '' } = await waitForMail(site, who.email, subject);
    for (const words of [text, html])
      for (const word of ['Firefox on Linux', '203.0.113.1']) expect(words).toContain(word);
    const at = Date.parse(/Time: (.+)/.exec(text)?.[1] ?? '');
    expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
  });

  it('is told nothing of one that was used before, wherever it is by now', async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    for (const address of ['203.0.113.2', '203.0.113.3']) {
      await browser.ask('/logout', { method: 'POST' });
      await logIn(browser, who, as(address, firefox));
    }
    expect(await toldOf(who)).toEqual([]);
  });

  it('is told once of a new one, which is known from then on', async () => {
    const browser = new Visitor(site.url);
    const who = await new Visitor(site.url).register();
    for (const address of ['203.0.113.4', '203.0.113.5', '203.0.113.6']) {
      await logIn(browser, who, as(address, firefox));
      await browser.ask('/logout', { method: 'POST' });
    }
    expect(await toldOf(who)).toEqual(['203.0.113.4']);
  });

  it('is told of one that somebody else has used, and not they', async () => {
    const browser = new Visitor(site.url);
    const ada = await browser.register();
    const grace = await new Visitor(site.url).register();
    await browser.ask('/logout', { method: 'POST' });
    await logIn(browser, grace, as('203.0.113.7', firefox));
    await browser.ask('/logout', { method: 'POST' });
    await logIn(browser, ada, as('203.0.113.8', firefox));
    expect([await toldOf(grace), await toldOf(ada)]).toEqual([['203.0.113.7'], []]);
  });
});

describe('a member whose script logs in', () => {
  it('is told nothing where a session from that address is live, and is told where none is', async () => {
    const who = await new Visitor(site.url).register();
    await logInByApi(who, as('203.0.113.10', 'curl/8.5.0'));
    for (let count = 0; count < 2; count++) await logInByApi(who, as('203.0.113.10', 'curl/8.5.0'));
    await logInByApi(who, as('203.0.113.11', 'curl/8.5.0'));
    expect(await toldOf(who)).toEqual(['203.0.113.10', '203.0.113.11']);
  });

  it('is told again of an address where no session is live any more', async () => {
    const who = await new Visitor(site.url).register();
    for (let count = 0; count < 2; count++) {
      const { access_token: token } = await logInByApi(who, as('203.0.113.12', 'curl/8.5.0'));
      await Object.assign(new Script(site.url), { token }).ask('/api/v1/auth/logout', { method: 'POST' });
    }
    expect(await toldOf(who)).toEqual(['203.0.113.12', '203.0.113.12']);
  });

  it('is told what it calls itself, where from and when', async () => {
    const who = await new Script(site.url).register();
    await logInByApi(who, as('2001:db8::7', 'nightly-backup/1.0'));
    const { text = '' } = await waitForMail(site, who.email, subject);
    expect(text).toContain('Device: nightly-backup');
    expect(text).toContain('Address: 2001:db8::7');
    expect(Math.abs(Date.now() - Date.parse(/Time: (.+)/.exec(text)?.[1] ?? ''))).toBeLessThan(60_000);
  });
});

it('nobody is told of a login that was refused, nor of a registration', async () => {
  const who = await new Visitor(site.url).register();
  await new Visitor(site.url).ask('/login', { form: { email: who.email, password: 'a wrong password' } });
  await new Script(site.url).ask('/api/v1/auth/login', { json: { email: who.email, password: 'a wrong password' } });
  expect(await toldOf(who)).toEqual([]);
  expect((await mailsIn(site)).filter(({ to }) => to?.[0]?.address === who.email)).toHaveLength(1);
});
