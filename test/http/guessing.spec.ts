import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { startApp, type TestApp } from '../support/app.js';
import { messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

let site: TestApp;
beforeAll(async () => void (site = await startApp({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1, 10.0.0.0/8' })));
afterAll(() => site.close());

const from = (address: string) => ({ 'x-forwarded-for': address });

/** What a browser at an address is answered when it logs in. */
const logIn = (visitor: Visitor, address: string, email: string, password: string) =>
  visitor.visit('/login', { form: { email, password }, headers: from(address) });

async function guess(email: string, times: number, address: (round: number) => string): Promise<number[]> {
  const statuses: number[] = [];
  for (let round = 0; round < times; round++) {
    const answer = await new Script(site.url).ask('/api/v1/auth/login', {
      json: { email, password: `guess number ${round}` },
      headers: from(address(round)),
    });
    statuses.push(answer.status);
  }
  return statuses;
}

/** As if so many wrong passwords had come in a row for this account: one real guess, and the rest of the count. */
async function besiege(email: string, failures = 100): Promise<void> {
  const known = new Set(await streaks());
  await guess(email, 1, () => '198.51.100.7');
  const key = (await streaks()).find((one) => !known.has(one)) ?? '';
  await database().query('UPDATE "rate_limits" SET "points" = $1 WHERE "key" = $2', [failures, key]);
}

const database = () => site.app.get(DataSource);
const streaks = async () =>
  (await database().query<{ key: string }[]>(`SELECT "key" FROM "rate_limits" WHERE "key" LIKE 'streak:%'`)).map(
    ({ key }) => key,
  );

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
    await guess(who.email, 11, () => '203.0.113.20');
    expect((await logIn(new Visitor(site.url), '203.0.113.20', who.email, who.password)).status).toBe(429);
    expect((await logIn(browser, '203.0.113.20', who.email, who.password)).at).toBe('/secrets');
  });

  it('gets in while the account is under siege', async () => {
    const { who, browser } = await member();
    await besiege(who.email);
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
    await besiege(ada.email);
    expect((await logIn(other, '203.0.113.22', ada.email, ada.password)).at).toBe('/login');
    other.cookies.set('gatehouse-device', `${other.cookies.get('gatehouse-device') ?? ''}x`);
    expect((await logIn(other, '203.0.113.22', ada.email, ada.password)).at).toBe('/login');
  });
});

describe('after a hundred wrong passwords in a row, wherever they came from', () => {
  it('counts them over many addresses, and a login begins the count anew', async () => {
    const { who, browser } = await member();
    const known = new Set(await streaks());
    await guess(who.email, 3, (round) => `198.51.100.${20 + round}`);
    const key = (await streaks()).find((one) => !known.has(one)) ?? '';
    const points = () => database().query('SELECT "points" FROM "rate_limits" WHERE "key" = $1', [key]);
    expect(await points()).toEqual([{ points: 3 }]);
    await logIn(browser, '203.0.113.23', who.email, who.password);
    expect(await points()).toEqual([]);
  });

  it('lets no unknown browser in with the right password, and tells it what to do', async () => {
    const { who } = await member();
    await besiege(who.email);
    const { at, html } = await logIn(new Visitor(site.url), '203.0.113.24', who.email, who.password);
    expect(at).toBe('/login');
    expect(messageOf(html, 'alert')).toContain('Ask for a login link');
    expect(html).toContain('href="/login/link"');
  });

  it('says the same for a right and a wrong password, and for an account that is not there', async () => {
    const { who } = await member();
    const nobody = person().email;
    await besiege(who.email);
    await besiege(nobody);
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
    await besiege(who.email);
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
    await besiege(who.email);
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

describe('whoever asks for mails', () => {
  it('is stopped after five for one account in an hour, known or unknown', async () => {
    const { who } = await member();
    for (const email of [who.email, person().email]) {
      const statuses: number[] = [];
      for (let round = 0; round < 6; round++) {
        const answer = await new Script(site.url).ask('/api/v1/password-resets', {
          json: { email },
          headers: from(`203.0.113.${160 + round}`),
        });
        statuses.push(answer.status);
      }
      expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
    }
  });

  it('is stopped after thirty from one address, all of an IPv6 household counting as one', async () => {
    const statuses: number[] = [];
    for (let round = 0; round < 31; round++) {
      const answer = await new Script(site.url).ask('/api/v1/password-resets', {
        json: { email: person().email },
        headers: from(`2001:db8:7:7::${round + 1}`),
      });
      statuses.push(answer.status);
    }
    expect([statuses.indexOf(429), statuses.length]).toEqual([30, 31]);
  });
});

describe('behind proxies', () => {
  it('the right-most address that is no trusted proxy counts, whatever the client wrote before it', async () => {
    const { who } = await member();
    const chain = (round: number) => `192.0.2.${round}, 203.0.113.31, 10.1.2.3`;
    expect((await guess(who.email, 11, chain)).at(-1)).toBe(429);
    expect((await guess(who.email, 1, () => '192.0.2.1, 203.0.113.32, 10.1.2.3'))[0]).toBe(401);
  });
});

it('the count survives a restart, since it is in the database', async () => {
  const { who } = await member();
  await guess(who.email, 10, () => '203.0.113.33');
  const [row] = await database().query<{ total: number | string }[]>(
    `SELECT COUNT(*) AS "total" FROM "rate_limits" WHERE "key" LIKE 'account:%' AND "points" >= 10`,
  );
  expect(Number(row?.total)).toBeGreaterThan(0);
  expect((await guess(who.email, 1, () => '203.0.113.33'))[0]).toBe(429);
});
