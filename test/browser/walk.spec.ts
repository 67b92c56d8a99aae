import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { aSite, welcomeBytes } from '../support/app.js';
import { inTab, launchChromium, launchTimeout, type Tab } from '../support/browser.js';
import { person } from '../support/people.js';
import { downloadBy, faultAt, isAt, send, typedIn, typeInto } from '../support/walks.js';

const site = aSite();
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

describe.each([
  { javaScript: 'on', javaScriptEnabled: true },
  { javaScript: 'off', javaScriptEnabled: false },
])('with JavaScript $javaScript', ({ javaScriptEnabled }) => {
  const walk = async ({ page, status }: Tab) => {
    const ada = person();
    const link = (name: string) => page.getByRole('link', { name, exact: true });
    await page.goto('/');
    await page.getByRole('main').getByRole('link', { name: 'Register' }).click();
    await isAt(page, '/register');

    await typeInto(page, { Name: ada.name, Email: ada.email, Password: 'password' });
    await send(page, 'Register');
    expect(status()).toBe(422);
    expect(await page.getByRole('alert').innerText()).toMatch(/^Please mend 1 field\s+That password is one of the/);
    expect(await page.locator('[role=alert]:focus').count()).toBe(1);
    expect(await faultAt(page, 'Password')).toMatch(/^That password is one of the commonest/);
    expect(await typedIn(page)).toEqual({ Name: ada.name, Email: ada.email, Password: '' });

    await page.getByRole('alert').getByRole('link').click();
    expect(await page.locator('#password:focus').count()).toBe(1);
    await typeInto(page, { Password: ada.password });
    await send(page, 'Register');
    await isAt(page, '/secrets');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain(ada.name);

    const [featured, listed] = [link('Download welcome.txt').first(), link('Download welcome.txt').last()];
    expect(await downloadBy(featured)).toEqual({ name: 'welcome.txt', bytes: welcomeBytes });
    expect(await downloadBy(listed)).toEqual({ name: 'welcome.txt', bytes: welcomeBytes });
    await link('welcome.txt').click();
    await page.getByRole('heading', { level: 1, name: 'welcome.txt' }).waitFor();
    expect(await page.getByRole('main').innerText()).toContain(createHash('sha256').update(welcomeBytes).digest('hex'));

    await page.getByRole('banner').getByRole('button', { name: 'Log out' }).click();
    await isAt(page, '/');
    expect(await page.getByRole('status').innerText()).toBe('You are logged out.');
    await page.goBack();
    expect(await page.content()).not.toContain(ada.name);
    await page.goto('/secrets');
    await isAt(page, '/login?next=%2Fsecrets');

    await page.goto('/login?next=%2F%3Fhello');
    await typeInto(page, { Email: ada.email, Password: 'not the password of Ada' });
    await send(page, 'Log in');
    await isAt(page, '/login?next=%2F%3Fhello');
    expect(await page.getByRole('alert').allInnerTexts()).toEqual([expect.stringMatching(/do not match/)]);
    expect(await typedIn(page)).toEqual({ Email: ada.email, Password: '' });
    await page.reload();
    expect(await page.getByRole('alert').count()).toBe(0);

    await typeInto(page, { Email: ada.email, Password: ada.password });
    await send(page, 'Log in');
    await isAt(page, '/?hello');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain(ada.name);

    await page.goto('/logout');
    await isAt(page, '/');
    expect(await page.getByRole('status').innerText()).toBe('You are logged out.');
    await page.goto('/secrets');
    await isAt(page, '/login?next=%2Fsecrets');
  };

  it('a person registers, downloads, leaves, is turned away and comes back', () =>
    inTab(browser, site.url, walk, { javaScriptEnabled }));
});
