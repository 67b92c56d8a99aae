import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { besiege, from, guess, streaksOf } from '../support/guessing.js';
import { messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1, 10.0.0.0/8' }));

/** What a browser at an address is answered when it logs in. */
const logIn = (visitor: Visitor, address: string, email: string, password: string) =>
  visitor.visit('/login', { form: { email, password }, headers: from(address) });

const database = () => site.app.get(DataSource);

/** A member whose browser the site knows. */
async function member(): Promise<{ who: Person; browser: Visitor }> {
  const browser = new Visitor(site.url);
  const who = await browser.register();
  await browser.ask('/logout', { method: 'POST' });
  return { who, browser };
}

describe('a member whose browser is known', () => {
  it('gets in from the very address at which a stranger has guessed too often', async () => {
    const { who, browser } = await member();
    await guess(site, who.email, 11, () => '203.0.113.20');
    expect((await logIn(new Visitor(site.url), '203.0.113.20', who.email, who.password)).status).toBe(429);
    expect((await logIn(browser, '203.0.113.20', who.email, who.password)).at).toBe('/secrets');
  });

  it('gets in while the account is under siege', async () => {
    const { who, browser } = await member();
    await besiege(site, who.email);
    expect((await logIn(browser, '203.0.113.21', who.email, who.password)).at).toBe('/secrets');
  });

  it('may not guess for ever either', async () => {
    const { who, browser } = await member();
    for (let round = 0; round < 10; round++)
      expect((await logIn(browser, `203.0.113.${100 + round}`, who.email, 'a wrong one')).at).toBe('/login');
    expect((await logIn(browser, '203.0.113.150', who.email, who.password)).status).toBe(429);
  });

  it('is not known for another’s account, nor by a cookie that was forged', async () => {
    const [{ who: ada }, { browser: other }] = [await member(), await member()];
    await besiege(site, ada.email);
    expect((await logIn(other, '203.0.113.22', ada.email, ada.password)).at).toBe('/login');
    other.cookies.set('gatehouse-device', `${other.cookies.get('gatehouse-device') ?? ''}x`);
    expect((await logIn(other, '203.0.113.22', ada.email, ada.password)).at).toBe('/login');
  });
});

describe('after a hundred wrong passwords in a row, wherever they came from', () => {
  it('counts them over many addresses, and a login begins the count anew', async () => {
    const { who, browser } = await member();
    const known = new Set(await streaksOf(site));
    await guess(site, who.email, 3, (round) => `198.51.100.${20 + round}`);
    const key = (await streaksOf(site)).find((one) => !known.has(one)) ?? '';
    const points = () => database().query('SELECT "points" FROM "rate_limits" WHERE "key" = $1', [key]);
    expect(await points()).toEqual([{ points: 3 }]);
    await logIn(browser, '203.0.113.23', who.email, who.password);
    expect(await points()).toEqual([]);
  });

  it('begins with the hundredth: ninety-nine let the right password in from anywhere', async () => {
    const [{ who: ada }, { who: grace }] = [await member(), await member()];
    for (const [who, others] of [
      [ada, 98],
      [grace, 99],
    ] as const) {
      await besiege(site, who.email, others);
      await guess(site, who.email, 1, () => '198.51.100.8');
    }
    expect((await logIn(new Visitor(site.url), '203.0.113.34', ada.email, ada.password)).at).toBe('/secrets');
    const refused = await logIn(new Visitor(site.url), '203.0.113.34', grace.email, grace.password);
    expect([refused.at, messageOf(refused.html, 'alert')]).toEqual(['/login', expect.stringContaining('login link')]);
  });

  it('lets no unknown browser in with the right password, and tells it what to do', async () => {
    const { who } = await member();
    await besiege(site, who.email);
    const { at, html } = await logIn(new Visitor(site.url), '203.0.113.24', who.email, who.password);
    expect(at).toBe('/login');
    expect(messageOf(html, 'alert')).toContain('Ask for a login link');
    expect(html).toContain('href="/login/link"');
  });

  it('says the same for a right and a wrong password, and for an account that is not there', async () => {
    const { who } = await member();
    const nobody = person().email;
    await besiege(site, who.email);
    await besiege(site, nobody);
    const answers = [
      await logIn(new Visitor(site.url), '203.0.113.25', who.email, who.password),
      await logIn(new Visitor(site.url), '203.0.113.26', who.email, 'a wrong password'),
      await logIn(new Visitor(site.url), '203.0.113.27', nobody, 'a wrong password'),
    ];
    expect(
      new Set(answers.map(({ at, status, html }) => `${at} ${status} ${messageOf(html, 'alert') ?? ''}`)).size,
    ).toBe(1);
  });

  it('lets the owner in by a mailed link, once, and knows the browser from then on', async () => {
    const { who } = await member();
    await besiege(site, who.email);
    const phone = new Visitor(site.url);
    await phone.visit('/login/link', { form: { email: who.email }, headers: from('203.0.113.28') });
    const link = new URL(linkIn(await waitForMail(site, who.email, /link to log in/i)));
    const token = link.searchParams.get('token') ?? '';
    expect(link.pathname).toBe('/login/open');
    const page = link.pathname + link.search;
    // a preview of the link burns nothing, wherever it is looked at
    for (let looks = 0; looks < 2; looks++) {
      expect((await new Visitor(site.url).visit(page)).status).toBe(404);
      expect((await phone.visit(page)).status).toBe(200);
    }
    expect((await phone.visit('/login/open', { form: { token } })).at).toBe('/secrets');
    expect((await new Visitor(site.url).ask('/login/open', { form: { token } })).status).toBe(404);

    await phone.ask('/logout', { method: 'POST' });
    await besiege(site, who.email);
    expect((await logIn(phone, '203.0.113.29', who.email, who.password)).at).toBe('/secrets');
  });

  it('sends no link to nobody, and says the same', async () => {
    const { who } = await member();
    const nobody = person().email;
    const ask = (email: string) =>
      new Visitor(site.url).visit('/login/link', { form: { email }, headers: from('203.0.113.30') });
    const [known, unknown] = [await ask(who.email), await ask(nobody)];
    expect(messageOf(known.html, 'status')?.replace(who.email, 'X')).toBe(
      messageOf(unknown.html, 'status')?.replace(nobody, 'X'),
    );
    await waitForMail(site, who.email, /link to log in/i);
    expect((await mailsIn(site)).some(({ to }) => to?.some(({ address }) => address === nobody))).toBe(false);
  });
});

/** Asks for a reset of somebody's password at an address, by the API. */
const askForReset = async (email: string, address: string) =>
  (await new Script(site.url).ask('/api/v1/password-resets', { json: { email }, headers: from(address) })).status;

/** Asks for a link to log in with, on the page. */
const askForLink = async (email: string, address: string, visitor = new Visitor(site.url)) =>
  (await visitor.ask('/login/link', { form: { email }, headers: from(address) })).status;

/** Asks again and again, each time at the address of the round. */
async function askForResets(email: string, times: number, address: (round: number) => string): Promise<number[]> {
  const statuses: number[] = [];
  for (let round = 0; round < times; round++) statuses.push(await askForReset(email, address(round)));
  return statuses;
}

/** Has a member's own mail sent that confirms the address. */
const askForVerification = async (script: Script, address: string) =>
  (await script.ask('/api/v1/users/me/email-verifications', { method: 'POST', headers: from(address) })).status;

describe('whoever asks for mails', () => {
  const five = Array<number>(5).fill(202);

  it('is stopped after five for one account in an hour, known or unknown, by page or by API', async () => {
    const { who } = await member();
    for (const [index, email] of [who.email, person().email].entries()) {
      const address = `203.0.113.${160 + index}`;
      expect(await askForResets(email, 6, () => address)).toEqual([...five, 429]);
      expect(await askForLink(email, address)).toBe(429);
    }
  });

  it('does not stop the owner, who asks elsewhere', async () => {
    const { who, browser } = await member();
    expect(await askForResets(who.email, 6, () => '203.0.113.170')).toEqual([...five, 429]);
    expect(await askForReset(who.email, '203.0.113.171')).toBe(202);
    expect(await askForLink(who.email, '203.0.113.171')).toBe(303);
    // at the same network too, where the browser is known
    expect(await askForLink(who.email, '203.0.113.170', browser)).toBe(303);
    expect(await askForLink(who.email, '203.0.113.170')).toBe(429);
  });

  it('does not stop the member’s own mail that confirms the address, not even from the same network', async () => {
    const script = new Script(site.url);
    const who = await script.register();
    expect(await askForResets(who.email, 6, () => '203.0.113.172')).toEqual([...five, 429]);
    for (let round = 0; round < 5; round++) expect(await askForVerification(script, '203.0.113.172')).toBe(202);
    expect(await askForVerification(script, '203.0.113.173')).toBe(429);
  });

  it('is stopped at the thirty-first network that asks for one account, and its known browser is not', async () => {
    const script = new Script(site.url);
    const { who, browser } = await member();
    await script.logIn(who);
    for (const email of [who.email, person().email]) {
      const statuses = await askForResets(email, 31, (round) => `192.0.2.${round + 1}`);
      expect(statuses).toEqual([...Array<number>(30).fill(202), 429]);
      expect(await askForLink(email, '203.0.113.174')).toBe(429);
    }
    expect(await askForLink(who.email, '203.0.113.175', browser)).toBe(303);
    await waitForMail(site, who.email, /link to log in/i);
    expect(await askForVerification(script, '203.0.113.176')).toBe(202);
    await waitForMail(site, who.email, /^Confirm your email/);
  });

  it('does not stop others’ mails by that', async () => {
    const { who } = await member();
    expect(await askForReset(who.email, '192.0.2.1')).toBe(202);
  });

  it('is stopped after thirty from one address, all of an IPv6 household counting as one', async () => {
    const statuses: number[] = [];
    for (let round = 0; round < 31; round++)
      statuses.push(await askForReset(person().email, `2001:db8:7:7::${round + 1}`));
    expect([statuses.indexOf(429), statuses.length]).toEqual([30, 31]);
  });
});

describe('behind proxies', () => {
  it('the right-most address that is no trusted proxy counts, whatever the client wrote before it', async () => {
    const { who } = await member();
    const chain = (round: number) => `192.0.2.${round}, 203.0.113.31, 10.1.2.3`;
    expect((await guess(site, who.email, 11, chain)).at(-1)).toBe(429);
    expect((await guess(site, who.email, 1, () => '192.0.2.1, 203.0.113.32, 10.1.2.3'))[0]).toBe(401);
  });
});

it('the count of wrong passwords is a row in the database, at its limit where the next one is refused', async () => {
  const { who } = await member();
  const rows = () =>
    database().query<{ key: string; points: number }[]>(
      `SELECT "key", "points" FROM "rate_limits" WHERE "key" LIKE 'account:%'`,
    );
  const known = new Set((await rows()).map(({ key }) => key));
  await guess(site, who.email, 10, () => '203.0.113.33');
  expect((await rows()).filter(({ key }) => !known.has(key)).map(({ points }) => points)).toEqual([10]);
  expect((await guess(site, who.email, 1, () => '203.0.113.33'))[0]).toBe(429);
});
