import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { acts, memberPathOf, setupPathOf } from '../support/admin-ways.js';
import { keeper, startWithAdmin } from '../support/admins.js';
import { startApp, type TestApp } from '../support/app.js';
import { inTab, launchChromium, launchTimeout, type Tab } from '../support/browser.js';
import { parseCsv } from '../support/csv.js';
import { setUpAuthenticator } from '../support/factors.js';
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
  typedIn,
  typeInto,
  visit,
  wordsOf,
} from '../support/walks.js';
import { pathOf } from '../support/ways.js';

// these are long walks on a busy machine
let site: TestApp;
let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

/** Starts a site for the walks of a group: one after the other, since a process knows the logins of one application. */
function onASite(start: () => Promise<TestApp>): void {
  beforeAll(async () => void (site = await start()));
  afterAll(() => site.close());
}

/** Walks in a browser of its own, in which JavaScript is off. */
const walk = (use: (tab: Tab) => Promise<void>) => inTab(browser, site.url, use, { javaScriptEnabled: false });

/** Walks as the admin whom the site began with, and beside them as somebody else. */
const walkBesides = (use: (admin: Tab, other: Tab) => Promise<void>) =>
  walk(async (admin) => {
    await logIn(admin.page, keeper);
    await walk((other) => use(admin, other));
  });

/** Does one of the things that an admin can do about a member, and reads what comes of it on the member's page. */
async function act(tab: Tab, path: string, summary: string, button?: string): Promise<string> {
  await tab.page.goto(path);
  await acts(tab.page, summary, button);
  await stopsAt(tab, path);
  return told(tab.page);
}

/** The names, or the first cells, that a list shows, from the top. */
const listed = (page: Page) => page.getByRole('table').locator('.what').allInnerTexts();

const another = 'another sentence of my own';

describe('whoever reads the log of a new site, without JavaScript,', () => {
  onASite(() => startApp());

  it('becomes its first admin by the link that stands there, which opens nothing afterwards', () =>
    walk(async (tab) => {
      const { page } = tab;
      const { name, email, password } = person();
      const link = await setupPathOf(site);
      await visit(tab, link);
      await submit(tab, { Name: name, Email: email, Password: 'password' }, 'Become the admin', '/setup', 422);
      expect(await faultAt(page, 'Password')).toMatch(/commonest/);
      expect(await typedIn(page)).toEqual({ Name: name, Email: email, Password: '' });
      await submit(tab, { Password: password }, 'Become the admin', '/admin');
      expect(await page.getByRole('banner').innerText()).toMatch(new RegExp(`${name}\\s+admin`));

      await visit(tab, link, 404);
      expect(await wordsOf(page)).toMatch(/This site is set up already/);
      await walk(async (other) => {
        expect((await other.page.goto(link))?.status()).toBe(404);
        await register(other.page);
        await visit(other, '/admin', 403);
      });
      await logOut(page);
      await logIn(page, { email, password });
      await page.goto('/admin');
      await isAt(page, '/admin');
    }));
});

describe('an admin, without JavaScript,', () => {
  onASite(() => startWithAdmin());

  /** Somebody who is a member already, and has a page here. */
  const newMember = async (over: Partial<Person> = {}) => {
    const who = await new Visitor(site.url).register(person(over));
    return { who, path: await memberPathOf(site, who) };
  };

  it('finds a member among others by a part of the name or by their state, and opens their page', () =>
    walkBesides(async (tab) => {
      const { page } = tab;
      for (const name of ['Ada Lovelace', 'Grace Hopper', 'Katherine Johnson']) await newMember({ name });
      await visit(tab, '/admin');
      await page.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name: 'Members' }).click();
      await stopsAt(tab, '/admin/members');
      expect(await listed(page)).toEqual(['Katherine Johnson', 'Grace Hopper', 'Ada Lovelace', keeper.name]);

      await submit(tab, { 'Name or email': 'hOPP' }, 'Search', '/admin/members?q=hOPP&state=');
      expect(await listed(page)).toEqual(['Grace Hopper']);
      await page.getByLabel('State').selectOption('Disabled');
      await submit(tab, {}, 'Search', '/admin/members?q=hOPP&state=disabled');
      expect(await wordsOf(page)).toContain('Nobody fits that.');
      await follow(tab, 'Show all members', '/admin/members');

      await visit(tab, '/admin/members?limit=3');
      await page.getByRole('link', { name: 'Next page' }).click();
      await page.waitForURL('**cursor=**');
      expect(await listed(page)).toEqual([keeper.name]);
      await follow(tab, keeper.name, await memberPathOf(site, keeper));
      expect(await wordsOf(page)).toContain('This is you');
    }));

  it('disables a member, who is out with the next click, and lets them come in again', () =>
    walkBesides(async (tab, theirs) => {
      const who = await register(theirs.page);
      const path = await memberPathOf(site, who);
      expect(await act(tab, path, 'Disable')).toMatch(/^Ada Lovelace is disabled\. All sessions have ended/);
      expect(await wordsOf(tab.page)).toMatch(/Disabled since/);
      await theirs.page.goto('/account');
      await isAt(theirs.page, '/login?next=%2Faccount');
      await logIn(theirs.page, who, '/login');
      expect(await told(theirs.page, 'alert')).toMatch(/do not match/);

      expect(await act(tab, path, 'Enable')).toBe('Ada Lovelace is enabled and can log in again.');
      await logIn(theirs.page, who);
    }));

  it('makes a member an admin with the next click, and takes the role away again', () =>
    walkBesides(async (tab, theirs) => {
      const path = await memberPathOf(site, await register(theirs.page));
      await visit(theirs, '/admin', 403);
      expect(await act(tab, path, 'Make an admin')).toBe('Ada Lovelace is an admin now.');
      await visit(theirs, '/admin');
      const outcome = await act(tab, path, 'Make a member like others', 'Take the role away');
      expect(outcome).toBe('Ada Lovelace is no admin any more.');
      await visit(theirs, '/admin', 403);
    }));

  it('ends the sessions of a member, who must log in again', () =>
    walkBesides(async (tab, theirs) => {
      const who = await register(theirs.page);
      const path = await memberPathOf(site, who);
      expect(await act(tab, path, 'End all sessions')).toBe('All sessions of Ada Lovelace have ended.');
      await theirs.page.goto('/secrets');
      await isAt(theirs.page, '/login?next=%2Fsecrets');
      await logIn(theirs.page, who);
    }));

  it('resets the second factor of a member who has lost it, and a mail says so', () =>
    walkBesides(async (tab, theirs) => {
      const { who } = await setUpAuthenticator(site);
      await logIn(theirs.page, who, '/login/factor');
      const outcome = await act(tab, await memberPathOf(site, who), 'Reset the second factor');
      expect(outcome).toBe('The second factor of Ada Lovelace is gone. This site sends no mail: tell them so.');
      await waitForMail(site, who.email, /^The way you log in was changed/);
      await logIn(theirs.page, who);
    }));

  it('makes a link for a member who is locked out, by which they choose a new password', () =>
    walkBesides(async (tab, theirs) => {
      const { who, path } = await newMember();
      await tab.page.goto(path);
      await acts(tab.page, 'Make a link for a new password', 'Make the link');
      const { pathname, search } = new URL(await tab.page.locator('.secret code').innerText());
      await visit(theirs, pathname + search);
      await submit(theirs, { 'New password': another }, 'Change my password', '/login');
      await logIn(theirs.page, { ...who, password: another });
    }));

  it('cannot step down or leave as the last one, is told why, and can once there is another', () =>
    walkBesides(async (tab, theirs) => {
      const { page } = tab;
      const own = await memberPathOf(site, keeper);
      const refusal = 'This is the last admin. Make somebody else an admin first.';
      await visit(tab, own);
      expect(await page.locator('summary').allInnerTexts()).not.toContain('Disable');
      await acts(page, 'Make a member like others', 'Step down');
      await stopsAt(tab, own);
      expect(await told(page, 'alert')).toBe(refusal);
      await visit(tab, '/account/deletion');
      await typeInto(page, { 'Your password': keeper.password });
      await send(page, 'Delete my account');
      expect(await told(page, 'alert')).toContain('last admin');

      await act(tab, await memberPathOf(site, await register(theirs.page)), 'Make an admin');
      await page.goto(own);
      await acts(page, 'Make a member like others', 'Step down');
      await stopsAt(tab, '/secrets');
      expect(await told(page)).toBe('keeper is no admin any more.');
      await visit(tab, '/admin', 403);
      await visit(theirs, '/admin');
    }));
});

describe('who may register is set by an admin, without JavaScript,', () => {
  onASite(() => startWithAdmin());

  const path = '/admin/registration';

  async function set({ page }: Tab, who: string, domains = ''): Promise<void> {
    await page.goto(path);
    await page.getByLabel(who, { exact: true }).check();
    await typeInto(page, { 'Email domains': domains });
    await send(page, 'Save');
    expect(await told(page)).toMatch(/^Saved\./);
  }

  const fieldsOf = ({ name, email, password }: Person) => ({ Name: name, Email: email, Password: password });

  it('to nobody: who comes then is told so, and who had the form open too', () =>
    walkBesides(async (tab, theirs) => {
      await theirs.page.goto('/register');
      await set(tab, 'Nobody');
      await submit(theirs, fieldsOf(person()), 'Register', '/register', 403);
      expect(await wordsOf(theirs.page)).toContain('Registration is closed');
      await visit(theirs, '/register');
      expect(await wordsOf(theirs.page)).toContain('This site takes no new members at present.');
      await visit(tab, '/admin/invites');
      expect(await wordsOf(tab.page)).toContain('Registration is closed, also with an invite.');
    }));

  it('to the invited: looking at an invite burns nothing, and it lets one person in', () =>
    walkBesides(async (tab, theirs) => {
      await set(tab, 'Those with an invite');
      await visit(theirs, '/register');
      expect(await wordsOf(theirs.page)).toContain('Members come by invitation here.');

      await visit(tab, '/admin/invites');
      await submit(tab, { 'Days until it expires': '3' }, 'Make the invite', '/admin/invites');
      const link = pathOf(await tab.page.getByRole('group', { name: 'The link' }).locator('code').innerText());
      await visit(theirs, link);
      await walk(async (late) => {
        await late.page.goto(link);
        await submit(theirs, fieldsOf(person()), 'Register', '/secrets');
        await submit(late, fieldsOf(person()), 'Register', '/register', 422);
        expect(await told(late.page, 'alert')).toContain('this invite is used or over. Ask for another.');
        await visit(late, link);
        expect(await wordsOf(late.page)).toContain('where it was used already or is too old, ask for another');
      });
    }));

  it('to the invited: an invite comes by mail, and opens nothing once it is withdrawn', () =>
    walkBesides(async (tab, theirs) => {
      const [invites, label] = ['/admin/invites', 'Email, if you like'];
      const { email } = person();
      await set(tab, 'Those with an invite');
      await tab.page.goto(invites);
      await submit(tab, { [label]: keeper.email }, 'Make the invite', invites, 422);
      expect(await faultAt(tab.page, label)).toBe('Somebody with that address is a member already.');
      await submit(tab, { [label]: email }, 'Make the invite', invites);
      expect(await wordsOf(tab.page)).toContain(`pass the link on to ${email} yourself`);

      const link = pathIn(await waitForMail(site, email, /^You are invited/));
      await visit(theirs, link);
      expect(await typedIn(theirs.page)).toEqual({ Name: '', Email: email, Password: '' });
      await follow(tab, 'All invites', invites);
      await submit(tab, {}, new RegExp(`^Withdraw.* ${email}$`), invites);
      expect(await told(tab.page)).toBe('The invite is withdrawn: its link opens nothing.');
      expect(await listed(tab.page)).not.toContain(email);
      await theirs.page.goto(link);
      expect(await wordsOf(theirs.page)).toContain('Members come by invitation here.');
    }));

  it('to whom an admin lets in: they wait, an admin is told and lets them in, and they are told', () =>
    walkBesides(async (tab, theirs) => {
      const grace = person({ name: 'Grace Hopper' });
      await set(tab, 'Anyone whom an admin lets in');
      await visit(theirs, '/register');
      await submit(theirs, fieldsOf(grace), 'Register', '/login');
      expect(await told(theirs.page)).toMatch(/^Thank you\. An admin lets you in/);
      await logIn(theirs.page, grace, '/login');
      expect(await told(theirs.page, 'alert')).toMatch(/^An admin has not let you in yet/);

      const link = pathIn(await waitForMail(site, keeper.email, /^Somebody asks to be let in/));
      expect(link).toBe(await memberPathOf(site, grace));
      await visit(tab, '/admin');
      expect(await wordsOf(tab.page)).toContain('1 person waits to be let in.');
      await follow(tab, 'See who it is', '/admin/members?state=awaiting');
      await follow(tab, grace.name, link);
      await submit(tab, {}, 'Let them in', link);
      expect(await told(tab.page)).toBe('Grace Hopper may come in. This site sends no mail: tell them so.');

      await visit(theirs, pathIn(await waitForMail(site, grace.email, /^You may come in/)));
      await logIn(theirs.page, grace);
    }));

  it('to addresses of some domains: others are told at the field', () =>
    walkBesides(async (tab, theirs) => {
      await visit(tab, path);
      await submit(tab, { 'Email domains': 'example.org\nno-domain' }, 'Save', path, 422);
      expect(await faultAt(tab.page, 'Email domains')).toMatch(/^“no-domain” is no domain/);
      await set(tab, 'Anyone', '@Example.ORG');
      await stopsAt(tab, path);
      expect(await typedIn(tab.page)).toEqual({ 'Email domains': 'example.org' });

      const ada = person();
      await theirs.page.goto('/register');
      await submit(theirs, fieldsOf(ada), 'Register', '/register', 422);
      expect(await faultAt(theirs.page, 'Email')).toBe('This site takes email addresses of some domains only.');
      const email = ada.email.replace('example.com', 'example.org');
      await submit(theirs, { Email: email, Password: ada.password }, 'Register', '/secrets');
    }));
});

describe('the activity log, without JavaScript,', () => {
  onASite(() => startWithAdmin());

  const head = ['at', 'kind', 'outcome', 'actor', 'target', 'address', 'requestId'];

  /** What the table holds that an admin downloads from the page, without its head. */
  async function download(page: Page): Promise<string[][]> {
    const { name, bytes } = await downloadBy(page.getByRole('link', { name: 'Download as CSV' }));
    expect(name).toBe('activity.csv');
    const [first, ...rows] = parseCsv(bytes.toString().replace('\uFEFF', ''));
    expect(first).toEqual(head);
    return rows;
  }

  it('shows an admin what happened, searched and filtered, page after page, and as a table to keep', () =>
    walkBesides(async (tab) => {
      const { page } = tab;
      const [ada, script] = [person({ email: 'ada@example.org' }), new Script(site.url)];
      await script.register(ada);
      await script.ask('/api/v1/auth/login', { json: { ...ada, password: 'not the password of Ada' } });
      for (let count = 0; count < 51; count++)
        await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: `Ada the ${count}th` } });

      await visit(tab, '/admin/activity');
      await page.getByLabel('Outcome').selectOption('Refused');
      const search = { 'Email, file or address': 'ADA@' };
      await submit(tab, search, 'Search', '/admin/activity?q=ADA%40&kind=&outcome=refused');
      expect(await listed(page)).toEqual([expect.stringContaining('Tried to log in')]);
      const about = ['session.began', 'refused', '', ada.email, '127.0.0.1'];
      expect((await download(page)).map((row) => row.slice(1, 6))).toEqual([about]);
      await page.getByLabel('What', { exact: true }).selectOption('Access token made');
      await submit(tab, {}, 'Search', '/admin/activity?q=ADA%40&kind=token.made&outcome=refused');
      expect(await wordsOf(page)).toContain('Nothing fits that.');
      await follow(tab, 'Show everything', '/admin/activity');

      await page.getByLabel('What', { exact: true }).selectOption('Name changed');
      await submit(tab, {}, 'Search', '/admin/activity?q=&kind=account.renamed&outcome=');
      expect(await listed(page)).toEqual(Array.from({ length: 50 }, () => 'Name changed'));
      await page.getByRole('link', { name: 'Next page' }).click();
      await page.waitForURL('**cursor=**');
      await stopsAt(tab, pathOf(page.url()));
      expect(await listed(page)).toEqual(['Name changed']);
      expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0);
      const rows = await download(page);
      expect(rows.map(([, kind, , actor]) => [kind, actor])).toEqual(
        Array.from({ length: 51 }, () => ['account.renamed', ada.email]),
      );
    }));
});
