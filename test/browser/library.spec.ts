import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { inTab, launchChromium, launchTimeout } from '../support/browser.js';
import { downloadBy, faultAt, follow, isAt, logIn, register, send, stopsAt, submit, told } from '../support/walks.js';

// it is a long walk on a busy machine
const site = aSite(() => startWithAdmin());
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

describe('without JavaScript', () => {
  it('an admin adds a file, renames it, features it, deletes it and has it back, as a member sees', () =>
    inTab(
      browser,
      site.url,
      async (admin) => {
        const { page } = admin;
        const bytes = randomBytes(300_000);
        await logIn(page, keeper);
        await page.goto('/admin');
        await follow(admin, 'Files', '/admin/files');
        await follow(admin, 'Add files', '/admin/files/upload');
        await page.getByLabel('File').setInputFiles({ name: 'draft.pdf', mimeType: 'application/pdf', buffer: bytes });
        await send(page, 'Add to the shelf');
        await stopsAt(admin, '/admin/files');
        expect(await told(page)).toBe('“draft.pdf” is on the shelf.');

        await page.getByRole('link', { name: 'draft.pdf' }).click();
        await page.getByRole('heading', { level: 1, name: 'draft.pdf' }).waitFor();
        const path = new URL(page.url()).pathname;
        await stopsAt(admin, path);
        await follow(admin, 'Change what is said of it', `${path}/details`);
        await submit(admin, { Name: 'a\u2028b', Note: 'Signed' }, 'Keep this', `${path}/details`, 422);
        expect(await faultAt(page, 'Name')).toContain('on one line');
        expect(await page.getByLabel('Note').inputValue()).toBe('Signed');
        await submit(admin, { Name: 'report.pdf' }, 'Keep this', path);
        await page.getByText('Signed').waitFor();
        await send(page, 'Feature it');
        await stopsAt(admin, path);

        await inTab(
          browser,
          site.url,
          async ({ page: shelf }) => {
            await register(shelf);
            const link = shelf.getByRole('link', { name: 'Download report.pdf', exact: true }).first();
            expect(await downloadBy(link)).toEqual({ name: 'report.pdf', bytes });
            await send(page, 'Delete the file');
            await stopsAt(admin, path);
            await shelf.goto('/secrets');
            expect(await shelf.getByText('report.pdf').count()).toBe(0);
            await follow(admin, 'Back to the files', '/admin/files?state=deleted');
            await page.getByRole('link', { name: 'report.pdf' }).click();
            await isAt(page, path);
            await send(page, 'Put it back on the shelf');
            await stopsAt(admin, path);
            await shelf.goto('/secrets');
            expect(await shelf.getByText('report.pdf').count()).toBeGreaterThan(0);
          },
          { javaScriptEnabled: false },
        );
      },
      { javaScriptEnabled: false },
    ));
});
