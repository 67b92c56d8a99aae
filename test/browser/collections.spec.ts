import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { inTab, launchChromium, launchTimeout, type Tab } from '../support/browser.js';
import { shelve } from '../support/stored.js';
import { downloadBy, faultAt, follow, logIn, register, send, stopsAt, submit, told, visit } from '../support/walks.js';
import { checkSums, unzip } from '../support/zips.js';

// it is a long walk on a busy machine
const site = aSite(() => startWithAdmin());
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

const quietly = { javaScriptEnabled: false };

describe('without JavaScript', () => {
  it('an admin makes a collection, fills it and gives it to everyone; a member has it as one zip', () =>
    inTab(
      browser,
      site.url,
      async (admin) => {
        const { page } = admin;
        await shelve(site, 1_000, 'minutes.txt');
        await shelve(site, 2_000, 'slides.txt');
        await shelve(site, 3_000, 'other.txt');
        await logIn(page, keeper);
        await page.goto('/admin');
        await follow(admin, 'Collections', '/admin/collections');
        await follow(admin, 'Make a collection', '/admin/collections/new');
        await submit(admin, { Name: 'a\u2028b', Note: 'Of March' }, 'Make the collection', '/admin/collections', 422);
        expect(await faultAt(page, 'Name')).toContain('on one line');
        expect(await page.getByLabel('Note').inputValue()).toBe('Of March');
        await page.getByLabel('Name').fill('Meeting');
        await send(page, 'Make the collection');
        await page.getByRole('heading', { level: 1, name: 'Meeting' }).waitFor();
        const path = new URL(page.url()).pathname;
        await stopsAt(admin, path);

        await follow(admin, 'Put files in', `${path}/files`);
        for (const name of ['minutes.txt', 'slides.txt', 'other.txt']) await page.getByLabel(`Choose ${name}`).check();
        await send(page, 'Put them in');
        await stopsAt(admin, path);
        expect(await told(page)).toBe('3 files came to it.');
        await send(page, 'Take out other.txt');
        await stopsAt(admin, path);
        await follow(admin, 'Change what is said of it', `${path}/details`);
        await submit(admin, { Name: 'Annual meeting' }, 'Keep this', path);

        await inTab(
          browser,
          site.url,
          async (member) => {
            const shelf = member.page;
            await register(shelf);
            const own = path.replace('/admin', '');
            await visit(member, own, 404);
            await shares(admin, path, 'Everyone');
            await shelf.goto('/secrets');
            await follow(member, 'Your collections', '/collections');
            await follow(member, 'Annual meeting', own);
            expect(await shelf.getByText('other.txt').count()).toBe(0);
            const zip = await downloadBy(shelf.getByRole('link', { name: 'Download all as one zip' }));
            expect(zip.name).toBe('Annual meeting.zip');
            expect(checkedIn(zip.bytes)).toEqual(['minutes.txt: OK', 'slides.txt: OK']);
            const list = await downloadBy(shelf.getByRole('link', { name: 'Their checksums' }));
            expect(list.name).toBe('SHA256SUMS');
            expect(list.bytes.toString()).toContain('  minutes.txt\n');

            await shares(admin, path, 'Only those chosen here');
            await visit(member, own, 404);
            await visit(member, '/collections');
            await send(page, 'Delete the collection');
            await stopsAt(admin, '/admin/collections');
            expect(await told(page)).toBe('The collection “Annual meeting” is deleted.');
          },
          quietly,
        );
      },
      quietly,
    ));
});

/** Unpacks a zip, and gives what `sha256sum -c` says of what is in it. */
function checkedIn(bytes: Buffer): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-unpacked-'));
  try {
    writeFileSync(join(folder, 'all.zip'), bytes);
    unzip(['-q', 'all.zip'], { cwd: folder });
    return checkSums(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Says who may have a collection, on the page for it. */
async function shares(admin: Tab, path: string, audience: string): Promise<void> {
  const { page } = admin;
  await follow(admin, 'Who may have it', `${path}/audience`);
  await page.getByLabel(audience).check();
  await send(page, 'Keep this');
  await stopsAt(admin, path);
}
