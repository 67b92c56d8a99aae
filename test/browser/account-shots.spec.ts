import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startApp, type TestApp } from '../support/app.js';
import { launchChromium, launchTimeout, openTab } from '../support/browser.js';
import { person, Script, Visitor } from '../support/people.js';

let site: TestApp;
let browser: Browser;
beforeAll(async () => {
  site = await startApp({ ADMIN_EMAIL: 'keeper@example.com', ADMIN_PASSWORD: 'the keeper of all the keys' });
  browser = await launchChromium();
}, launchTimeout);
afterAll(async () => {
  await browser.close();
  await site.close();
});

const form = async (page: any, button: string) => {
  await page.evaluate('document.querySelector("main form").noValidate = true');
  await page.getByRole('main').getByRole('button', { name: button }).click();
};

it('shots', async () => {
  const visitor = new Visitor(site.url);
  const who = await visitor.register(person({ name: 'Ada Lovelace' }));
  const script = new Script(site.url);
  await script.logIn(who);
  for (const name of ['nightly backup', 'a-token-with-a-very-long-name-and-no-place-to-break-it-at-all-whatever-happens-here'])
    await script.ask('/api/v1/users/me/tokens', { json: { name, scope: 'write' } });
  await script.ask('/api/v1/users/me/password', { method: 'PUT', json: { currentPassword: 'wrong one', password: 'ok' } });
  await script.ask('/api/v1/users/me/password', { method: 'PUT', json: { currentPassword: 'wrong one', password: 'a good sentence' } });
  await visitor.ask('/download');
  const admin = new Visitor(site.url);
  await admin.visit('/login', { form: { email: 'keeper@example.com', password: 'the keeper of all the keys' } });
  const tab = await openTab(browser, site.url);
  const { page } = tab;
  const as = async (v: Visitor) => {
    await page.context().clearCookies();
    await page.context().addCookies([...v.cookies].map(([name, value]) => ({ name, value, url: site.url })));
  };
  const shoot = async (name: string) => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [320, 1280]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await page.screenshot({ path: `.cache/account/${name}-${width}-${colorScheme}.png`, fullPage: true });
        const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        const { violations } = await new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }).analyze();
        const bad = violations.map(({ id, nodes }) => `${id} ${nodes.map((n) => n.html).join(' ')}`);
        if (overflow || bad.length) console.log(name, width, colorScheme, overflow, bad);
      }
  };
  await as(visitor);
  for (const path of ['', '/name', '/email', '/password', '/sessions', '/tokens', '/activity', '/export', '/deletion']) {
    const r = await page.goto(`/account${path}`);
    console.log(path, r?.status(), page.url());
    await shoot(path.slice(1) || 'overview');
  }
  await page.goto('/account/tokens');
  await page.getByLabel('Name').fill('');
  await page.getByLabel('Days until it ends').fill('400');
  await form(page, 'Make the token');
  await shoot('tokens-mend');
  await page.getByLabel('Name').fill('nightly');
  await page.getByLabel('Days until it ends').fill('30');
  await form(page, 'Make the token');
  await shoot('token');
  await page.goto('/account/password');
  await page.getByLabel('Current password').fill('wrong');
  await page.getByLabel('New password').fill('another good sentence');
  await form(page, 'Change my password');
  await shoot('password-mend');
  await as(admin);
  await page.goto('/account');
  await shoot('overview-admin');
  await page.goto('/account/tokens');
  await shoot('tokens-admin');
  await page.goto('/account/deletion');
  await page.getByLabel('Your password').fill('the keeper of all the keys');
  await form(page, 'Delete my account');
  await shoot('deletion-last-admin');
  console.log(tab.faults());
  expect(1).toBe(1);
}, 600_000);
