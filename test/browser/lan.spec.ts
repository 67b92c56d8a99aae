import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { launchChromium, launchTimeout, openTab } from '../support/browser.js';
import { person } from '../support/people.js';
import { isAt, logIn, send, typeInto } from '../support/walks.js';

// a name that is not localhost, over plain HTTP: no secure context, so the browser sends no Sec-Fetch-Site
const host = 'files.lan';

const site = aSite(() => startWithAdmin({ PUBLIC_URL: 'http://localhost:3000' }));
let browser: Browser;
beforeAll(
  async () => void (browser = await launchChromium([`--host-resolver-rules=MAP ${host} 127.0.0.1`])),
  launchTimeout,
);
afterAll(() => browser.close());

it.each([true, false])(
  'every form of a walk is taken in a local network, at an address that is not PUBLIC_URL (JavaScript: %s)',
  async (javaScriptEnabled) => {
    const { port } = new URL(site.url);
    const { page, close } = await openTab(browser, `http://${host}:${port}`, { javaScriptEnabled });
    const refused: string[] = [];
    const posted: string[] = [];
    page.on('response', (answer) => {
      if (answer.request().method() !== 'POST') return;
      posted.push(new URL(answer.url()).pathname);
      if (answer.status() >= 400) refused.push(`${answer.status()} ${answer.url()}`);
    });
    try {
      const ada = person();
      await page.goto('/register');
      await typeInto(page, { Name: ada.name, Email: ada.email, Password: ada.password });
      await send(page, 'Register');
      await isAt(page, '/secrets');
      await page.goto('/account/name');
      await typeInto(page, { Name: 'Ada King' });
      await send(page, /^Save|^Change/);
      await page.getByRole('status').waitFor();
      await page.getByRole('banner').getByRole('button', { name: 'Log out' }).click();
      await isAt(page, '/');
      await page.goto('/password/forgot');
      await typeInto(page, { Email: ada.email });
      await page.getByRole('main').locator('form [type=submit]').first().click();
      await page.waitForLoadState();
      await page.goto('/login/link');
      await typeInto(page, { Email: ada.email });
      await page.getByRole('main').locator('form [type=submit]').first().click();
      await page.waitForLoadState();
      await logIn(page, keeper);
      expect(await page.evaluate('isSecureContext').catch(() => false)).toBe(false);
      await page.goto('/admin/files/upload');
      await page
        .getByLabel('File')
        .setInputFiles({ name: 'lan.txt', mimeType: 'text/plain', buffer: Buffer.from('lan') });
      await page.getByRole('main').locator('form [type=submit]').first().click();
      await page.getByRole('link', { name: 'lan.txt' }).first().waitFor();
      expect(refused).toEqual([]);
      expect(posted).toEqual(
        expect.arrayContaining(['/register', '/account/name', '/logout', '/password/forgot', '/login/link', '/login']),
      );
    } finally {
      await close();
    }
  },
  120_000,
);
