import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { Passwords } from '../../src/users/passwords.js';
import { aSite } from '../support/app.js';
import { findChromium, inTab, launchChromium, launchTimeout } from '../support/browser.js';
import { person } from '../support/people.js';

const site = aSite();
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

describe('with the keyboard alone', () => {
  it('a person finds every stop, sees where they are, skips to the content and registers', () =>
    inTab(browser, site.url, async ({ page }) => {
      const ada = person();
      await page.goto('/');
      expect(await tab(page)).toBe('Skip to the content');
      expect(await tab(page)).toBe('Gatehouse');
      expect(await tab(page)).toBe('Log in');
      expect(await tab(page)).toBe('Register');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/register');

      expect(await tab(page)).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('main');
      expect(await tab(page)).toBe('Name');
      await page.keyboard.type(ada.name);
      expect(await tab(page)).toBe('Email');
      await page.keyboard.type(ada.email);
      expect(await tab(page)).toBe('Password');
      await page.keyboard.type(ada.password);
      expect(await tab(page)).toBe('Show password');
      expect(await tab(page)).toBe('Register');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/secrets');

      expect(await tab(page)).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      expect(await tab(page)).toBe('Download welcome.txt');
      const download = page.waitForEvent('download');
      await page.keyboard.press('Enter');
      expect((await download).suggestedFilename()).toBe('welcome.txt');
    }));
});

describe('the password', () => {
  it('is shown and hidden again by a button, and hidden when it is sent', () =>
    inTab(browser, site.url, async ({ page }) => {
      const password = page.getByLabel('Password', { exact: true });
      await page.goto('/login');
      await page.getByLabel('Email').fill(person().email);
      await password.fill('a password to look at');
      await page.getByRole('button', { name: 'Show password' }).click();
      expect(await password.getAttribute('type')).toBe('text');
      await page.getByRole('button', { name: 'Hide password' }).click();
      expect(await password.getAttribute('type')).toBe('password');

      await page.getByRole('button', { name: 'Show password' }).click();
      await page.evaluate(`document.forms[0].addEventListener('submit', (event) => event.preventDefault())`);
      await page.getByRole('main').getByRole('button', { name: 'Log in', exact: true }).click();
      expect(await password.getAttribute('type')).toBe('password');
    }));

  it('has no button that does nothing where JavaScript is off', () =>
    inTab(
      browser,
      site.url,
      async ({ page }) => {
        await page.goto('/register');
        expect(await page.getByRole('main').getByRole('button').allInnerTexts()).toEqual(['Register']);
      },
      { javaScriptEnabled: false },
    ));
});

describe('a form', () => {
  it('that is sent twice by an impatient hand is sent once', () =>
    inTab(browser, site.url, async ({ page }) => {
      const ada = person();
      const posts: string[] = [];
      page.on('request', (request) => {
        if (request.method() === 'POST') posts.push(new URL(request.url()).pathname);
      });
      await page.goto('/register');
      await page.getByLabel('Name').fill(ada.name);
      await page.getByLabel('Email').fill(ada.email);
      await page.getByLabel('Password', { exact: true }).fill(ada.password);
      const register = page.getByRole('main').getByRole('button', { name: 'Register' });
      const others = keepHashing();
      await register.click({ clickCount: 3 });
      await others;
      await page.waitForURL('**/secrets');
      expect(posts).toEqual(['/register']);
    }));

  it('can be sent again by a person who came back to it', () =>
    inTab(browser, site.url, async ({ page }) => {
      const { email, password } = person();
      await page.goto('/login');
      for (let times = 0; times < 2; times++) {
        await page.getByLabel('Email').fill(email);
        await page.getByLabel('Password', { exact: true }).fill(password);
        await page.getByRole('main').getByRole('button', { name: 'Log in', exact: true }).click();
        await page.getByRole('alert').waitFor();
        await page.goBack();
      }
    }));
});

describe('Chromium', () => {
  it('is asked for in one sentence where CHROMIUM_PATH names none', () => {
    expect(() => findChromium('/no/such/browser')).toThrow(
      'CHROMIUM_PATH is /no/such/browser, where no program is: set it to a Chromium or Chrome, or unset it.',
    );
  });
});

/** Presses Tab, and gives the name of what has the focus now, which must be seen: on the screen, and with a ring. */
async function tab(page: Page): Promise<string> {
  await page.keyboard.press('Tab');
  const focus = await page.evaluate<{ name: string; ring: number; isOnScreen: boolean }>(`(() => {
    const element = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { top, left, bottom, right } = element.getBoundingClientRect();
    return {
      name: (element.labels?.[0] ?? element).textContent.replace(/\\s+/g, ' ').trim(),
      ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth),
      isOnScreen: top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth,
    };
  })()`);
  expect(focus).toEqual({ name: expect.stringMatching(/./), ring: 3, isOnScreen: true });
  return focus.name;
}

/** Others are in line before the next password: an answer takes about as long as three impatient clicks. */
async function keepHashing(): Promise<void> {
  const passwords = site.app.get(Passwords);
  await Promise.all(Array.from({ length: 60 }, () => passwords.hash('a sentence of somebody else')));
}
