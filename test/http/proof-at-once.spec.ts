import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Passwords } from '../../src/users/passwords.js';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { messageOf } from '../support/html.js';
import { Visitor } from '../support/people.js';
import { read } from '../support/raw.js';

const cookie = 'gatehouse-session';
const page = '/account/email';

const site = aSite();

/** Which token a browser has. */
const tokenOf = ({ cookies }: Visitor) => read(cookies.get(cookie) ?? '').payload.jti;
const isIn = async (browser: Visitor) => (await browser.ask('/secrets')).status === 200;

/** Browsers that have all that this one has, as its tabs do. */
function tabsOf({ cookies }: Visitor, count: number): Visitor[] {
  return Array.from({ length: count }, () => {
    const tab = new Visitor(site.url);
    for (const [name, value] of cookies) tab.cookies.set(name, value);
    return tab;
  });
}

/** Keeps whoever gives a password waiting, until all have given theirs. */
const keepBusy = () =>
  Promise.all(Array.from({ length: 100 }, () => site.app.get(Passwords).hash('a sentence of somebody else')));

/** A member whose last proof is old, and whose form was therefore not taken: the fields of the page that asks for one. */
async function withStaleForm() {
  const browser = new Visitor(site.url);
  const { email, password } = await browser.register();
  await site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - 11 * 60_000]);
  const { at, html } = await browser.visit(page, { form: { email: `new-${email}` } });
  expect(at).toBe(`/account/proof?next=${encodeURIComponent(page)}&again=yes`);
  const fields = [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const form: Record<string, string> = { password };
  for (const [, name = '', value = ''] of fields) form[name] = value;
  return { browser, email, form };
}

describe('a proof that is sent twenty times at once, as by a member who clicks again and again', () => {
  it('gives all the same new token, which opens the page, and the one before opens nothing', async () => {
    const { browser, form } = await withStaleForm();
    const before = tokenOf(browser);
    const tabs = tabsOf(browser, 20);
    const busy = keepBusy();
    const answers = await Promise.all(tabs.map((tab) => tab.ask('/account/proof', { form })));
    await busy;
    expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.get('location')}`))).toEqual(
      new Set([`303 ${page}`]),
    );
    const tokens = new Set(tabs.map(tokenOf));
    expect(tokens.size).toBe(1);
    expect(tokens).not.toContain(before);
    expect(await Promise.all(tabs.map(async (tab) => (await tab.ask(page)).status))).toEqual(
      Array<number>(20).fill(200),
    );
    expect(await isIn(browser)).toBe(false);
    const [row] = await site.app
      .get(DataSource)
      .query<{ total: number | string }[]>('SELECT COUNT(*) AS "total" FROM "sessions" WHERE "tokenId" = $1', [
        [...tokens][0],
      ]);
    expect(Number(row?.total)).toBe(1);
  });

  it('gives the next proof another token again', async () => {
    const { browser, form } = await withStaleForm();
    const [first = browser, ...others] = tabsOf(browser, 3);
    const busy = keepBusy();
    await Promise.all([first, ...others].map((tab) => tab.ask('/account/proof', { form })));
    await busy;
    const shared = tokenOf(first);
    await first.ask('/account/proof', { form });
    expect(tokenOf(first)).not.toBe(shared);
    expect([await isIn(first), ...(await Promise.all(others.map(isIn)))]).toEqual([true, false, false]);
  });
});

it('a member whose form was not taken is told to send it once more, and nothing was done by it', async () => {
  const { browser, email, form } = await withStaleForm();
  const { at, html } = await browser.visit('/account/proof', { form });
  expect([at, messageOf(html, 'status')]).toEqual([page, expect.stringContaining('send it once more')]);
  expect((await browser.visit('/account')).html).toContain(email);
  expect(faultsOf(site)).toEqual([]);
});
