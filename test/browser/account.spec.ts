import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { DataSource } from 'typeorm';
import { minuteMs } from '../../src/config/durations.js';
import { startApp, welcomeBytes, type TestApp } from '../support/app.js';
import { inTab, launchChromium, launchTimeout, type Tab } from '../support/browser.js';
import { eventually } from '../support/database.js';
import { codeFor } from '../support/factors.js';
import { waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import {
  downloadBy,
  faultAt,
  follow,
  isAt,
  logIn,
  logOut,
  pathIn,
  register,
  send,
  stopsAt,
  submit,
  told,
  typeInto,
  visit,
  wordsOf,
} from '../support/walks.js';

// these are long walks on a busy machine
const laptop = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1';
const another = 'another sentence of my own';

let site: TestApp;
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

/** Starts a site for the walks of a group: one after the other, since a process knows the logins of one application. */
function onASite(environment: Record<string, string> = {}): void {
  beforeAll(async () => void (site = await startApp(environment)));
  afterAll(() => site.close());
}

/** Who walks: a browser of its own, in which JavaScript is off. */
interface Walker {
  readonly tab: Tab;
  readonly page: Page;
}

const walk = (use: (walker: Walker) => Promise<void>, userAgent = laptop) =>
  inTab(browser, site.url, (tab) => use({ tab, page: tab.page }), { javaScriptEnabled: false, userAgent });

/** A new member walks, from their account page. */
const walkAsMember = (use: (walker: Walker & { readonly ada: Person }) => Promise<void>) =>
  walk(async ({ tab, page }) => {
    const ada = await register(page);
    await page.goto('/account');
    await use({ tab, page, ada });
  });

const database = () => site.app.get(DataSource);

describe('a member, without JavaScript,', () => {
  onASite();

  it('sees where she is logged in, ends one browser, and then all others', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      const script = new Script(site.url);
      await walk(async ({ tab: other }) => {
        await logIn(other.page, ada);
        await visit(tab, '/account');
        await follow(tab, 'See your sessions and tokens', '/account/sessions');
        const devices = page.getByRole('main').getByRole('heading', { level: 2 });
        expect(await devices.allInnerTexts()).toEqual(['Safari on iOS', 'Firefox on Linux this one']);

        await submit(tab, {}, /End.*Safari on iOS/, '/account/sessions');
        expect(await told(page)).toBe('It has ended, and opens nothing any more.');
        expect(await devices.count()).toBe(1);
        await other.page.goto('/account');
        await stopsAt(other, '/login?next=%2Faccount');

        await logIn(other.page, ada);
        await script.logIn(ada);
        await page.reload();
        await submit(tab, {}, 'End all others', '/account/sessions');
        expect(await told(page)).toMatch(/^All others have ended/);
        expect(await devices.allInnerTexts()).toEqual(['Firefox on Linux this one']);
        await other.page.goto('/secrets');
        await isAt(other.page, '/login?next=%2Fsecrets');
      }, phone);
      expect((await script.ask('/api/v1/users/me')).status).toBe(401);
    }));

  it('makes a token, sees it once, lets a script in with it, sees when, and ends it', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      await follow(tab, 'Make an access token', '/account/tokens');
      await typeInto(page, { Name: 'nightly backup', 'Days until it ends': '400' });
      await page.getByLabel('What it may do').selectOption('write');
      await submit(tab, {}, 'Make the token', '/account/tokens', 422);
      expect(await faultAt(page, 'Days until it ends')).toBe('A token lasts at most 365 days.');
      await submit(tab, { 'Days until it ends': '30' }, 'Make the token', '/account/tokens', 201);
      const script = new Script(site.url);
      script.token = await page.getByLabel('The token nightly backup').inputValue();
      await follow(tab, 'I have copied it: on to your sessions and tokens', '/account/sessions');
      expect(await page.content()).not.toContain(script.token);

      const entry = page.getByRole('listitem').filter({ hasText: 'nightly backup' });
      expect(await entry.innerText()).toMatch(/Access token, scope write[^]*Last used\s+never/);
      const me = await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: 'Ada King' } });
      expect(await me.json()).toMatchObject({ email: ada.email, name: 'Ada King' });
      // it is written down after the answer
      await eventually(async () => {
        await page.reload();
        return /Last used\s+\d/.test(await entry.innerText());
      });

      await submit(tab, {}, /End.*the token nightly backup/, '/account/sessions');
      expect(await entry.count()).toBe(0);
      expect((await script.ask('/api/v1/users/me')).status).toBe(401);
    }));

  it('changes her password, and is logged out everywhere else', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      await walk(async ({ tab: other }) => {
        await logIn(other.page, ada);
        await page.goto('/account');
        await follow(tab, 'Change your password', '/account/password');
        await submit(
          tab,
          { 'Current password': 'not the password of Ada', 'New password': another },
          'Change my password',
          '/account/password',
          422,
        );
        expect(await faultAt(page, 'Current password')).toBe('That is not your password. Please try again.');

        await submit(
          tab,
          { 'Current password': ada.password, 'New password': another },
          'Change my password',
          '/account',
        );
        expect(await told(page)).toMatch(/^Your password is changed/);
        await other.page.goto('/secrets');
        await isAt(other.page, '/login?next=%2Fsecrets');
        await logIn(other.page, ada, '/login');
        expect(await told(other.page, 'alert')).toMatch(/do not match/);
        await logIn(other.page, { ...ada, password: another });
      });
    }));

  it('has forgotten her password, chooses another by mail, and cannot use the link twice', () =>
    walk(async ({ tab, page }) => {
      const ada = await new Visitor(site.url).register();
      await page.goto('/login');
      await follow(tab, 'Forgot your password?', '/password/forgot');
      await submit(tab, { Email: ada.email }, 'Make me a link', '/login');
      expect(await told(page)).toContain(`If ${ada.email} has an account here`);

      const link = pathIn(await waitForMail(site, ada.email, /^Choose a new password/));
      await visit(tab, link);
      await submit(tab, { 'New password': 'password' }, 'Change my password', '/password/reset', 422);
      expect(await faultAt(page, 'New password')).toMatch(/commonest/);
      await submit(tab, { 'New password': another }, 'Change my password', '/login');
      expect(await told(page)).toBe('Your password is changed. Log in with the new one.');
      await logIn(page, ada, '/login');
      expect(await told(page, 'alert')).toMatch(/do not match/);
      await logIn(page, { ...ada, password: another });

      await visit(tab, link, 404);
      expect(await wordsOf(page)).toMatch(/That link was used already/);
    }));

  it('moves to another email address, which counts once it is confirmed, and the old one is told', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      const { email } = person();
      await follow(tab, 'Change your email address', '/account/email');
      await submit(tab, { 'New email': email }, 'Make the link', '/account');
      expect(await told(page)).toContain(`link for ${email}`);
      expect(await wordsOf(page)).toContain(`${ada.email} not confirmed`);

      const link = pathIn(await waitForMail(site, email, /^Confirm your new email address/));
      await visit(tab, link);
      expect(await wordsOf(page)).toContain(`Is ${email} yours?`);
      await submit(tab, {}, 'Yes, it is mine', '/secrets');
      expect(await told(page)).toMatch(/your email address is confirmed/);
      await page.goto('/account');
      expect(await wordsOf(page)).toContain(`${email} confirmed`);
      expect((await waitForMail(site, ada.email, /^Your email address was changed/)).text).toContain(email);

      await logOut(page);
      await logIn(page, ada, '/login');
      expect(await told(page, 'alert')).toMatch(/do not match/);
      await logIn(page, { ...ada, email });
    }));

  it('changes her name, and is called by it', () =>
    walkAsMember(async ({ tab, page }) => {
      await follow(tab, 'Change your name', '/account/name');
      await submit(tab, { Name: '   ' }, 'Change my name', '/account/name', 422);
      expect(await faultAt(page, 'Name')).toMatch(/your name/);
      await submit(tab, { Name: 'Augusta Ada King' }, 'Change my name', '/account');
      expect(await told(page)).toBe('Your name is changed.');
      expect(await page.getByRole('banner').innerText()).toContain('Augusta Ada King');
    }));

  it('takes home all that the site knows of her, and no secret', () =>
    walkAsMember(async ({ tab, page, ada: { email } }) => {
      await follow(tab, 'Export your data', '/account/export');
      const { name, bytes } = await downloadBy(page.getByRole('button', { name: 'Download my data' }));
      expect(name).toMatch(/^gatehouse-account-\d{4}-\d\d-\d\d\.json$/);
      expect(JSON.parse(bytes.toString())).toMatchObject({ account: { email }, activity: [{}, {}] });
      const rows: unknown = await database().query('SELECT "passwordHash" FROM "users" WHERE "email" = $1', [email]);
      const [{ passwordHash }] = rows as [{ passwordHash: string }];
      expect(passwordHash).toMatch(/^\$argon2id\$/);
      expect(bytes.toString()).not.toContain(passwordHash.slice(-20));
      expect(bytes.toString()).not.toMatch(/argon2|passwordHash/i);
    }));

  it('deletes her account, and nobody logs in with it again', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      await follow(tab, 'Delete your account', '/account/deletion');
      await submit(tab, { 'Your password': 'not the password of Ada' }, 'Delete my account', '/account/deletion', 422);
      expect(await faultAt(page, 'Your password')).toBe('That is not your password. Please try again.');
      await submit(tab, { 'Your password': ada.password }, 'Delete my account', '/');
      expect(await told(page)).toMatch(/^Your account is deleted/);
      await logIn(page, ada, '/login');
      expect(await told(page, 'alert')).toMatch(/do not match/);
    }));

  it('sets up an app, logs in with its code or once with a recovery code, and removes it', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      await follow(tab, 'Set up a second factor', '/account/factors');
      await follow(tab, 'Set up an app', '/account/factors/authenticator');
      const secret = (await page.locator('dd code').innerText()).replaceAll(' ', '');
      await submit(tab, { Code: codeFor(secret) }, 'Set up', '/account/factors/authenticator');
      const [recoveryCode = ''] = await page.getByRole('main').getByRole('listitem').allInnerTexts();
      await follow(tab, 'I have kept them', '/account/factors');

      const comeBackWith = async (code: string) => {
        await logIn(page, ada, '/login/factor');
        // as if the codes before had been given half a minute ago
        await database().query('UPDATE "authenticators" SET "lastStep" = 0');
        await typeInto(page, { Code: code });
        await send(page, 'Go on');
      };
      await logOut(page);
      await comeBackWith(codeFor(secret));
      await isAt(page, '/secrets');
      await logOut(page);
      await comeBackWith(recoveryCode);
      await isAt(page, '/secrets');
      expect((await waitForMail(site, ada.email, /^A recovery code was used/)).text).toContain('left: 9');
      await logOut(page);
      await comeBackWith(recoveryCode);
      await stopsAt(tab, '/login/factor');
      expect(await told(page, 'alert')).toMatch(/^That code is not right, or it was used already/);
      await comeBackWith(codeFor(secret));
      await isAt(page, '/secrets');

      await page.goto('/account/factors');
      await submit(tab, {}, 'Remove the app', '/account/factors');
      expect(await told(page)).toMatch(/^Your authenticator app is removed/);
      await logOut(page);
      await logIn(page, ada);
    }));

  it('is asked who she is before something sensitive, where she said so more than ten minutes ago', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      await page.goto('/account/email');
      await database().query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - 11 * minuteMs]);
      await submit(
        tab,
        { 'New email': person().email },
        'Make the link',
        '/account/proof?next=%2Faccount%2Femail&again=yes',
      );
      await submit(
        tab,
        { Password: 'not the password of Ada' },
        'Go on',
        '/account/proof?next=%2Faccount%2Femail&again=yes',
      );
      expect(await told(page, 'alert')).toBe('That was not right. Please try again.');
      await submit(tab, { Password: ada.password }, 'Go on', '/account/email');
      await page.goto('/account/export');
      await isAt(page, '/account/export');
    }));

  it('is remembered by the browser where she ticked that, and else only until it is closed', () =>
    walk(async ({ tab, page }) => {
      const expiry = async () =>
        (await page.context().cookies()).find(({ name }) => name.startsWith('gatehouse-session-'))?.expires;
      const ada = await register(page);
      expect(await expiry()).toBe(-1);
      await logOut(page);
      await logIn(page, ada);
      expect(await expiry()).toBe(-1);
      await logOut(page);
      await page.goto('/login');
      await page.getByLabel('Keep me logged in on this device').check();
      await submit(tab, { Email: ada.email, Password: ada.password }, 'Log in', '/secrets');
      expect(await expiry()).toBeGreaterThan(Date.now() / 1_000 + 60 * 60);
    }));

  it('reads what happened to her account, the newest first', () =>
    walkAsMember(async ({ tab, page, ada }) => {
      await page.goto('/account/name');
      await typeInto(page, { Name: 'Augusta Ada King' });
      await send(page, 'Change my name');
      await logOut(page);
      await logIn(page, { ...ada, password: 'not the password of Ada' }, '/login');
      await logIn(page, ada);
      await page.goto('/account');
      await follow(tab, 'See your activity', '/account/activity');
      const happened = page.getByRole('main').getByRole('listitem').locator('p:first-child');
      expect(await happened.allInnerTexts()).toEqual([
        'Logged in',
        'Tried to log in refused',
        'Session ended',
        'Name changed',
        'Registered',
      ]);
    }));
});

describe('a member of a site that asks for a confirmed email address, without JavaScript,', () => {
  onASite({ EMAIL_VERIFICATION: 'required' });

  it('is told what to do before she downloads, confirms it by mail, and downloads', () =>
    walkAsMember(async ({ tab, page, ada: { email } }) => {
      await page.goto('/secrets');
      const file = page.getByRole('link', { name: 'Download welcome.txt' }).first();
      const path = (await file.getAttribute('href')) ?? '';
      await file.click();
      await stopsAt(tab, path, 403);
      expect(await wordsOf(page)).toMatch(/Please confirm your email address first/);
      await follow(tab, 'Your account', '/account');
      await submit(tab, {}, 'Make the link that confirms it', '/account');
      expect(await told(page)).toContain(`link for ${email}`);

      const first = pathIn(await waitForMail(site, email, /^Confirm your email address/));
      await visit(tab, first, 404);
      const second = pathIn(await waitForMail(site, email, /^Confirm your email address/));
      await visit(tab, second);
      await submit(tab, {}, 'Yes, it is mine', '/secrets');
      expect(await downloadBy(file)).toEqual({ name: 'welcome.txt', bytes: welcomeBytes });
    }));
});

describe('a member whose password strangers guess at, without JavaScript,', () => {
  onASite({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' });

  it('is let in by mail in a browser that is not known, and in that browser alone', () =>
    walk(async ({ tab, page }) => {
      const ada = await new Visitor(site.url).register();
      for (let round = 0; round < 100; round++) {
        const json = { email: ada.email, password: `guess number ${round}` };
        const headers = { 'x-forwarded-for': `198.51.100.${round}` };
        expect((await new Script(site.url).ask('/api/v1/auth/login', { json, headers })).status).toBe(401);
      }
      await logIn(page, ada, '/login');
      expect(await told(page, 'alert')).toMatch(/Ask for a login link instead/);
      await follow(tab, 'Log in by a link', '/login/link');
      await submit(tab, { Email: ada.email }, 'Make me a link', '/login');
      expect(await told(page)).toContain('Open the link in this browser');

      const link = pathIn(await waitForMail(site, ada.email, /^A link to log in with/));
      await walk(async ({ tab: other }) => {
        await visit(other, link, 404);
        expect(await wordsOf(other.page)).toMatch(/works in the browser where it was asked for/);
      });
      await visit(tab, link);
      await submit(tab, {}, 'Log in', '/secrets');
      await logOut(page);
      await visit(tab, link, 404);
      await logIn(page, ada);
    }));
});
