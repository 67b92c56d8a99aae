import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aSite } from '../support/app.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

const site = aSite();

const member = () => new Script(site.url).register();

/** Asks for a login link in a browser; the secret of the mail that comes. */
async function ask(browser: Visitor, email: string): Promise<string> {
  expect((await browser.ask('/login/link', { form: { email } })).status).toBe(303);
  const mail = await waitForMail(site, email, /link to log in/i);
  return new URL(linkIn(mail)).searchParams.get('token') ?? '';
}

const look = async (browser: Visitor, token: string) => (await browser.ask(`/login/open?token=${token}`)).status;
const open = (browser: Visitor, token: string) => browser.visit('/login/open', { form: { token } });
const isIn = async (browser: Visitor) => (await browser.ask('/secrets')).status === 200;

describe('a login link', () => {
  it('works for the member although a stranger asks for one after them', async () => {
    const { email } = await member();
    const [phone, stranger] = [new Visitor(site.url), new Visitor(site.url)];
    const token = await ask(phone, email);
    await ask(stranger, email);
    expect(await look(phone, token)).toBe(200);
    expect((await open(phone, token)).at).toBe('/secrets');
    expect(await isIn(stranger)).toBe(false);
  });

  it('that a stranger asked for opens nothing to the stranger who sees it not, nor to the member elsewhere', async () => {
    const { email } = await member();
    const [phone, stranger] = [new Visitor(site.url), new Visitor(site.url)];
    const [mine, theirs] = [await ask(phone, email), await ask(stranger, email)];
    expect([await look(phone, theirs), await look(stranger, mine)]).toEqual([404, 404]);
    expect([(await open(phone, theirs)).status, (await open(stranger, mine)).status]).toEqual([404, 404]);
    expect([await isIn(phone), await isIn(stranger)]).toEqual([false, false]);
    expect((await open(phone, mine)).at).toBe('/secrets');
  });

  it('that was mailed before the member’s address changed opens nothing', async () => {
    const { email } = await member();
    const phone = new Visitor(site.url);
    const token = await ask(phone, email);
    const move = (from: string, to: string) =>
      site.app.get(DataSource).query('UPDATE "users" SET "email" = $1 WHERE "email" = $2', [to, from]);
    const { email: other } = person();
    await move(email, other);
    expect([await look(phone, token), (await open(phone, token)).status, await isIn(phone)]).toEqual([404, 404, false]);
    // nothing else was wrong with it
    await move(other, email);
    expect((await open(phone, token)).at).toBe('/secrets');
  });
});
