import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { inTab, launchChromium, launchTimeout } from '../support/browser.js';
import { waitForMail } from '../support/mail.js';
import { person, Script } from '../support/people.js';
import { shelve } from '../support/stored.js';
import { downloadBy, follow, isAt, logIn, pathIn, register, send, stopsAt, told, typeInto } from '../support/walks.js';

// it is a long walk on a busy machine
const site = aSite(() => startWithAdmin({ WELCOME_FILE: 'no/such/file' }));
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

const quietly = { javaScriptEnabled: false };

/** The files of a shelf in their order, each with how much of it the member has. */
async function rowsOf(page: Page): Promise<(string | undefined)[][]> {
  const [names, amounts] = [page.locator('.file-name'), page.locator('.file .have')];
  const had = await amounts.allInnerTexts();
  return (await names.allInnerTexts()).map((name, index) => [name, had[index]]);
}

/** Who has a file and how far, as the admin's table shows it. */
const receiptsOn = async (page: Page) => {
  const rows = await page.getByRole('table', { name: 'Who has it' }).getByRole('row').allInnerTexts();
  return rows.slice(1).map((row) =>
    row
      .split(/\s*\t\s*|\n+/)
      .filter(Boolean)
      .slice(1, 3),
  );
};

describe('without JavaScript', () => {
  it('a member finds a file on the shelf, looks at it, downloads it, and it is theirs', () =>
    inTab(
      browser,
      site.url,
      async (tab) => {
        const { page } = tab;
        await shelve(site, 30, 'minutes.txt');
        const { bytes } = await shelve(site, randomBytes(200_000), 'annual-report.pdf');
        await shelve(site, 10, 'zebra.txt');
        await register(page);
        await stopsAt(tab, '/secrets');
        await typeInto(page, { Name: 'REPORT' });
        await send(page, 'Show');
        await stopsAt(tab, '/secrets?q=REPORT&sort=');
        expect(await rowsOf(page)).toEqual([['annual-report.pdf', 'Not downloaded yet']]);
        await page.goto('/secrets');
        await page.getByLabel('Order').selectOption('By name');
        await send(page, 'Show');
        await stopsAt(tab, '/secrets?q=&sort=name');
        expect((await rowsOf(page)).map(([name]) => name)).toEqual(['annual-report.pdf', 'minutes.txt', 'zebra.txt']);

        await page.getByRole('link', { name: 'annual-report.pdf', exact: true }).click();
        await page.getByRole('heading', { level: 1, name: 'annual-report.pdf' }).waitFor();
        await stopsAt(tab, new URL(page.url()).pathname);
        const link = page.getByRole('link', { name: /^Download/ }).first();
        expect(await downloadBy(link)).toEqual({ name: 'annual-report.pdf', bytes });
        await page.goto('/secrets?q=report');
        expect(await rowsOf(page)).toEqual([['annual-report.pdf', 'Downloaded']]);
      },
      quietly,
    ));

  it('an admin sees who has a file and who has not, reminds those, and has it as a table', () =>
    inTab(
      browser,
      site.url,
      async (tab) => {
        const { page } = tab;
        const shelved = await shelve(site, randomBytes(1_000), 'statutes.pdf');
        const [ada, grace] = [new Script(site.url), new Script(site.url)];
        const [whole, part] = [await ada.register(person()), await grace.register(person({ name: 'Grace Hopper' }))];
        await (await ada.ask(shelved.content)).arrayBuffer();
        await (await grace.ask(shelved.content, { headers: { range: 'bytes=0-249' } })).arrayBuffer();

        await logIn(page, keeper);
        await page.goto('/admin/files');
        await page.getByRole('link', { name: 'statutes.pdf' }).click();
        const path = `/admin/files/${shelved.file.id}`;
        await isAt(page, path);
        await follow(tab, 'Who has it', `${path}/receipts`);
        const found = new Map((await receiptsOn(page)).map(([email, far]) => [email, far]));
        expect([found.get(whole.email), found.get(part.email), found.get(keeper.email)]).toEqual([
          'Complete',
          'Started, 25 %',
          'Not yet',
        ]);

        await page.getByLabel('How far').selectOption('Started');
        await send(page, 'Show');
        await stopsAt(tab, `${path}/receipts?q=&state=started`);
        expect(await receiptsOn(page)).toEqual([[part.email, 'Started, 25 %']]);
        const csv = await downloadBy(page.getByRole('link', { name: 'Download as CSV' }));
        expect(csv.bytes.toString()).toContain(part.email);

        await send(page, 'Remind those who have not');
        await stopsAt(tab, `${path}/receipts`);
        expect(await told(page)).toMatch(
          /^This site sends no mail: whoever runs it has the letters for \d+ members\.$/,
        );
        const mail = await waitForMail(site, part.email, /A file waits for you/);
        await send(page, 'Remind those who have not');
        expect(await told(page)).toBe('Everybody has it, or was reminded within the last day.');

        await page.getByRole('link', { name: 'Grace Hopper', exact: true }).click();
        await page.getByRole('link', { name: 'What they have' }).click();
        await page.getByRole('heading', { level: 1, name: 'What they have' }).waitFor();
        await stopsAt(tab, new URL(page.url()).pathname);
        expect(await page.getByRole('cell', { name: 'Started, 25 %' }).count()).toBe(1);
        expect(pathIn(mail)).toBe(`/files/${shelved.file.id}`);
      },
      quietly,
    ));
});
