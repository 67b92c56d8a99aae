import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startApp, type TestApp } from '../support/app.js';
import { inTab, launchChromium, launchTimeout } from '../support/browser.js';
import { addVirtualAuthenticator, codeFor } from '../support/factors.js';
import { freePort } from '../support/server.js';
import { logIn, logOut, register } from '../support/walks.js';

let site: TestApp;
let browser: Browser;
beforeAll(async () => {
  // a browser makes passkeys for a name, not for an address
  const port = await freePort();
  site = await startApp({ PORT: port, PUBLIC_URL: `http://localhost:${port}` });
});
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());
afterAll(() => site.close());

const overview = '/account/factors';
const inMain = (page: Page, name: string) => page.getByRole('main').getByRole('button', { name });

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto(overview);
  await page.getByRole('link', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name').fill(name);
  await inMain(page, 'Make the passkey').click();
}

describe('with a passkey', () => {
  it('a person adds it, names it, logs in with it alone and as second step, and removes it', () =>
    inTab(browser, site.settings.publicUrl, async ({ page }) => {
      await addVirtualAuthenticator(page);
      const ada = await register(page);
      await addPasskey(page, 'Ada’s phone');
      await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
      expect(await page.getByRole('main').getByRole('listitem').count()).toBe(10);
      const download = page.waitForEvent('download');
      await inMain(page, 'Download them as a text file').click();
      expect((await download).suggestedFilename()).toBe('gatehouse-recovery-codes.txt');
      await page.getByRole('link', { name: 'I have kept them' }).click();

      await page.getByRole('link', { name: 'Rename Ada’s phone' }).click();
      await page.getByLabel('Name').fill('Her old phone');
      await inMain(page, 'Keep this name').click();
      await page.getByRole('heading', { name: 'Her old phone' }).waitFor();
      expect(await page.getByText('not used yet').count()).toBe(1);

      await logOut(page);
      await page.goto('/login?next=%2F%3Fhello');
      await inMain(page, 'Log in with a passkey').click();
      await page.waitForURL('**/?hello');

      await logOut(page);
      await logIn(page, ada, '/login/factor');
      await inMain(page, 'Use a passkey').click();
      await page.waitForURL('**/secrets');

      await page.goto(overview);
      expect(await page.getByText('last used').count()).toBe(1);
      await inMain(page, 'Remove Her old phone').click();
      await page.getByRole('status').getByText('Your passkey is removed.').waitFor();
      expect(await page.getByRole('heading', { name: 'Her old phone' }).count()).toBe(0);
    }));

  it('a person does not make a second one on the same device', () =>
    inTab(browser, site.settings.publicUrl, async ({ page }) => {
      await addVirtualAuthenticator(page);
      await register(page);
      await addPasskey(page, 'My phone');
      await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
      await addPasskey(page, 'My phone again');
      await page.getByText('That device has a passkey for this account already.').waitFor();
    }));

  it('a person whom the device does not know is told so, and can try again', () =>
    inTab(browser, site.settings.publicUrl, async ({ page }) => {
      await addVirtualAuthenticator(page, false);
      await register(page);
      await addPasskey(page, 'My phone');
      await page.getByRole('status').getByText('Nothing was sent').waitFor();
      expect(page.url()).toBe(`${site.settings.publicUrl}${overview}/passkeys`);
      expect(await inMain(page, 'Make the passkey').getAttribute('aria-disabled')).toBeNull();
    }));
});

describe('without JavaScript', () => {
  it('a person reads that a passkey needs it, and sets up an app instead', () =>
    inTab(
      browser,
      site.settings.publicUrl,
      async ({ page }) => {
        await register(page);
        await page.goto(`${overview}/passkeys`);
        expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
        await page.getByText('A passkey needs JavaScript').getByRole('link').click();

        const secret = (await page.locator('dd code').innerText()).replaceAll(' ', '');
        expect(await page.getByRole('img', { name: 'QR code' }).count()).toBe(1);
        await page.getByRole('textbox', { name: 'Code' }).fill('000000');
        await inMain(page, 'Set up').click();
        await page.getByRole('alert').getByText('That is not the code').waitFor();
        await page.getByRole('textbox', { name: 'Code' }).fill(codeFor(secret));
        await inMain(page, 'Set up').click();
        await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();

        await page.goto('/login');
        expect(await page.getByRole('button', { name: 'passkey' }).count()).toBe(0);
      },
      { javaScriptEnabled: false },
    ));
});
