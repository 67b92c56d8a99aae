import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Browser, Page } from 'playwright-core';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { launchChromium, launchTimeout, openTab, type Tab } from '../support/browser.js';
import { duringAStorm } from '../support/gate.js';
import { person, Visitor } from '../support/people.js';

/** With the welcome file; with no file; with many, oddly named. */
type Site = 'usual' | 'empty' | 'full';

type Who = 'member' | 'memberWithLongName' | 'admin';

/** A page that every check of `pages.spec.ts` looks at, in light and dark, narrow and wide. */
interface PageToSee {
  /** Unique; names the screenshots. */
  readonly name: string;
  /** An address, or how a person gets there. */
  readonly open: string | ((page: Page, site: TestApp) => Promise<unknown>);
  /** Who looks; a stranger, where it is not said. */
  readonly as?: Who;
  /** Where; the usual site, where it is not said. */
  readonly on?: Site;
  /** 200, where it is not said. */
  readonly status?: number;
}

/** Every page there is. A new page is one line here. */
const pages: readonly PageToSee[] = [
  { name: 'home', open: '/' },
  { name: 'home-member', open: '/', as: 'member' },
  { name: 'home-long-name', open: '/', as: 'memberWithLongName' },
  { name: 'home-admin', open: '/', as: 'admin' },
  { name: 'home-logged-out', open: logsOut, as: 'member' },
  { name: 'register', open: '/register' },
  { name: 'register-mend-one', open: (page) => registers(page, { password: 'password' }), status: 422 },
  {
    name: 'register-mend-all',
    open: (page) => registers(page, { name: '', email: 'ada', password: 'short' }),
    status: 422,
  },
  { name: 'login', open: '/login?next=%2Fsecrets' },
  { name: 'login-refused', open: (page) => logsIn(page) },
  { name: 'login-mend', open: (page) => logsIn(page, { email: '', password: '' }), status: 422 },
  { name: 'logout', open: followsLinkFromElsewhere, as: 'member' },
  { name: 'secrets', open: '/secrets', as: 'member' },
  { name: 'secrets-checksum', open: opensChecksum, as: 'admin' },
  { name: 'secrets-empty', open: '/secrets', as: 'member', on: 'empty' },
  { name: 'secrets-full', open: '/secrets', as: 'memberWithLongName', on: 'full' },
  { name: 'secrets-full-next', open: goesToNextPart, as: 'member', on: 'full' },
  { name: 'account', open: '/account', as: 'memberWithLongName' },
  { name: 'account-admin', open: '/account', as: 'admin' },
  { name: 'account-name', open: '/account/name', as: 'member' },
  { name: 'account-email', open: '/account/email', as: 'member' },
  { name: 'account-password', open: '/account/password', as: 'member' },
  { name: 'account-password-mend', open: mistakesPassword, as: 'member', status: 422 },
  { name: 'account-sessions', open: '/account/sessions', as: 'admin' },
  { name: 'account-tokens', open: '/account/tokens', as: 'admin' },
  { name: 'account-tokens-mend', open: (page) => makesToken(page, '400'), as: 'member', status: 422 },
  { name: 'account-token', open: (page) => makesToken(page, '30'), as: 'member', status: 201 },
  { name: 'account-activity', open: '/account/activity', as: 'admin' },
  { name: 'account-export', open: '/account/export', as: 'member' },
  { name: 'account-deletion', open: '/account/deletion', as: 'member' },
  { name: 'account-deletion-refused', open: wantsToLeave, as: 'admin' },
  { name: 'api', open: '/api/docs' },
  { name: 'error-400', open: '/files/%ff/download', as: 'member', status: 400 },
  { name: 'error-403', open: postsFromElsewhere, as: 'member', status: 403 },
  { name: 'error-404', open: '/nowhere', status: 404 },
  { name: 'error-404-member', open: '/files/nothing/download', as: 'member', status: 404 },
  { name: 'error-405', open: postsWhereNothingListens, status: 405 },
  { name: 'error-413', open: (page) => registers(page, { name: 'Ada '.repeat(5_000) }), status: 413 },
  { name: 'error-415', open: postsPlainText, status: 415 },
  { name: 'error-422', open: '/secrets?limit=many', as: 'member', status: 422 },
  { name: 'error-429', open: guessesTooOften, status: 429 },
  { name: 'error-500', open: losesATable, as: 'member', status: 500 },
  { name: 'error-503', open: comesInAStorm, status: 503 },
];

const admin = { email: 'keeper@example.com', password: 'the keeper of all the keys' };

const readers = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [320, 1280].map((width) => ({ colorScheme, width })),
);

/** Milliseconds; a long page is much to look through on a busy machine. */
const timeout = 120_000;

let browser: Browser;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
afterAll(() => browser.close());

// one site after the other: Passport, and so a process, knows the strategies of one application
describe.each(['usual', 'empty', 'full'] as const)('on the %s site', (which) => {
  let site: TestApp;
  let tab: Tab;
  beforeAll(async () => {
    site = await open[which]();
    tab = await openTab(browser, site.url);
  }, launchTimeout);
  afterAll(() => tab.close());
  afterAll(() => site.close());

  it.each(pages.filter(({ on = 'usual' }) => on === which))(
    '$name has nothing that axe minds, fits a phone, keeps to its site',
    async ({ name, open, as, status = 200 }) => {
      const { page } = tab;
      await page.context().clearCookies();
      if (as) await comeInAs(as, page, site);
      await (typeof open === 'string' ? page.goto(open) : open(page, site));
      await page.waitForLoadState();
      expect(tab.status()).toBe(status);
      if (typeof open === 'string') expect(page.url()).toBe(site.url + open);
      for (const { colorScheme, width } of readers) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const path = join('.cache/screenshots', `${name}-${width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
        const found = { overflow: await overflowOf(page), violations: await violationsOn(page) };
        expect({ colorScheme, width, ...found }).toEqual({ colorScheme, width, overflow: 0, violations: [] });
      }
      expect(tab.faults()).toEqual([]);
    },
    timeout,
  );
});

const open: Record<Site, () => Promise<TestApp>> = {
  usual: () => startApp({ RATE_LIMITS: 'on', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }),
  empty: () => startApp({ WELCOME_FILE: 'no/such/file' }),
  full: async () => {
    const site = await open.usual();
    await fill(site);
    return site;
  },
};

async function comeInAs(who: Who, page: Page, { url }: TestApp): Promise<void> {
  const visitor = new Visitor(url);
  await enter[who](visitor);
  await page.context().addCookies([...visitor.cookies].map(([name, value]) => ({ name, value, url })));
}

const longName = 'Wolfeschlegelsteinhausenbergerdorff Pourtoujoursetencore, the Hundred-and-Third of Her Name, Esq.';

const enter: Record<Who, (visitor: Visitor) => Promise<unknown>> = {
  member: (visitor) => visitor.register(),
  memberWithLongName: (visitor) => visitor.register(person({ name: longName })),
  admin: (visitor) => visitor.visit('/login', { form: admin }),
};

/** How far the page can be scrolled to the side, in pixels. */
const overflowOf = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** What axe finds, its own best practices and the target size of WCAG 2.2 included. */
async function violationsOn(page: Page): Promise<string[]> {
  // to bring axe into a page takes longer than to run it, so it is brought once
  const isThere = await page.evaluate<boolean>('"axe" in window');
  const { violations } = await new AxeBuilder({ page, ...(isThere && { axeSource: 'void axe' }) })
    .setLegacyMode()
    .options({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
    .analyze();
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Sixty files, the newest with names that a page must bear. */
async function fill({ app }: TestApp): Promise<void> {
  const names = [
    ...Array.from({ length: 55 }, (_, index) => `minutes-of-meeting-${String(index + 1).padStart(2, '0')}.pdf`),
    'تقرير سنوي ٢٠٢٦.docx',
    '夏の合宿の写真.zip',
    '<img src=x onerror=alert(1)> {{viewer.email}}.html',
    `${'a-name-without-any-place-to-break'.repeat(7)}.tar.gz`,
  ];
  for (const [index, name] of names.entries())
    await app.get(FilesService).add(Readable.from(Buffer.alloc(31 ** (index % 5), name)), { name });
}

async function registers(page: Page, over: Parameters<typeof person>[0]): Promise<void> {
  const { name, email, password } = person(over);
  await page.goto('/register');
  await page.getByLabel('Name').fill(name);
  await sends(page, 'Register', email, password);
}

async function logsIn(page: Page, over: Parameters<typeof person>[0] = {}): Promise<void> {
  const { email, password } = person(over);
  await page.goto('/login?next=%2Fsecrets');
  await sends(page, 'Log in', email, password);
}

/** Sends a form that the browser's own checks would hold back. */
async function sends(page: Page, button: string, email: string, password: string): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.evaluate('document.querySelector("main form").noValidate = true');
  await page.getByRole('main').getByRole('button', { name: button }).click();
}

async function mistakesPassword(page: Page): Promise<void> {
  await page.goto('/account/password');
  await page.getByLabel('Current password').fill('not the one');
  await page.getByLabel('New password').fill('another sentence of my own');
  await page.getByRole('button', { name: 'Change my password' }).click();
}

async function makesToken(page: Page, days: string): Promise<void> {
  await page.goto('/account/tokens');
  await page.getByLabel('Name').fill('a-token-without-any-place-to-break '.repeat(2));
  await page.getByLabel('Days until it ends').fill(days);
  await page.getByRole('button', { name: 'Make the token' }).click();
}

/** The last admin cannot. */
async function wantsToLeave(page: Page): Promise<void> {
  await page.goto('/account/deletion');
  await page.getByLabel('Your password').fill(admin.password);
  await page.getByRole('button', { name: 'Delete my account' }).click();
}

async function logsOut(page: Page): Promise<void> {
  await page.goto('/secrets');
  await page.getByRole('button', { name: 'Log out' }).click();
}

async function opensChecksum(page: Page): Promise<void> {
  await page.goto('/secrets');
  for (const sum of await page.locator('summary').all()) await sum.click();
}

async function goesToNextPart(page: Page): Promise<void> {
  await page.goto('/secrets');
  await page.getByRole('link', { name: 'Next page' }).click();
}

/** What another site can do: a link to ours. */
async function followsLinkFromElsewhere(page: Page, { url }: TestApp): Promise<void> {
  await page.goto('about:blank');
  await page.setContent(`<a href="${url}/logout">a present</a>`);
  await page.getByRole('link').click();
}

/** What another site can try: a form that posts to ours. */
async function postsFromElsewhere(page: Page, { url }: TestApp): Promise<void> {
  await page.goto('about:blank');
  await page.setContent(`<form method="post" action="${url}/logout"><button>a present</button></form>`);
  await page.getByRole('button').click();
}

async function postsWhereNothingListens(page: Page): Promise<void> {
  await page.goto('/login');
  await page.evaluate('document.querySelector("main form").action = "/download"');
  await logsInHere(page);
}

async function postsPlainText(page: Page): Promise<void> {
  await page.goto('/login');
  await page.evaluate('document.querySelector("main form").enctype = "text/plain"');
  await logsInHere(page);
}

async function logsInHere(page: Page): Promise<void> {
  const { email, password } = person();
  await sends(page, 'Log in', email, password);
}

/** A real fault: a table is gone for the length of one request. */
async function losesATable(page: Page, { app }: TestApp): Promise<void> {
  const database = app.get(DataSource);
  await database.query('ALTER TABLE "files" RENAME TO "lost"');
  try {
    await page.goto('/secrets');
  } finally {
    await database.query('ALTER TABLE "lost" RENAME TO "files"');
  }
}

async function comesInAStorm(page: Page, site: TestApp): Promise<void> {
  await duringAStorm(site, () => logsIn(page));
}

async function guessesTooOften(page: Page, { url }: TestApp): Promise<void> {
  const { email, password } = person();
  const guesser = new Visitor(url);
  for (let guess = 0; guess < 10; guess++) await guesser.ask('/login', { form: { email, password } });
  await logsIn(page, { email });
}
