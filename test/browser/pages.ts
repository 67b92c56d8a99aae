import type { Page } from 'playwright-core';
import { DataSource } from 'typeorm';
import { TooManyRequests } from '../../src/http/errors.js';
import { Lifecycle } from '../../src/http/lifecycle.js';
import { Passwords } from '../../src/users/passwords.js';
import type { TestApp } from '../support/app.js';
import { person } from '../support/people.js';

/** With the welcome file; with no file; with many, oddly named. */
export type Site = 'usual' | 'empty' | 'full';

export type Who = 'member' | 'memberWithLongName' | 'admin';

/** A page that every check of `pages.spec.ts` looks at, in light and dark, narrow and wide. */
export interface PageToSee {
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
export const pages: readonly PageToSee[] = [
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
  { name: 'api', open: '/api/docs' },
  { name: 'error-403', open: postsFromElsewhere, as: 'member', status: 403 },
  { name: 'error-404', open: '/nowhere', status: 404 },
  { name: 'error-404-member', open: '/files/nothing/download', as: 'member', status: 404 },
  { name: 'error-405', open: postsWhereNothingListens, status: 405 },
  { name: 'error-413', open: (page) => registers(page, { name: 'Ada '.repeat(5_000) }), status: 413 },
  { name: 'error-415', open: postsPlainText, status: 415 },
  { name: 'error-422', open: '/secrets?limit=many', as: 'member', status: 422 },
  { name: 'error-429', open: isRefusedForManyTries, status: 429 },
  { name: 'error-500', open: losesATable, as: 'member', status: 500 },
  { name: 'error-503', open: comesInAStorm, status: 503 },
];

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

/** A real storm: as many passwords wait to be hashed as may wait, for the length of one request. */
async function comesInAStorm(page: Page, { app }: TestApp): Promise<void> {
  const passwords = app.get(Passwords);
  let isStorming = true;
  const others = Array.from({ length: 200 }, async () => {
    while (isStorming) {
      await passwords.hash('a sentence of somebody else');
      // the place is free once what the answer led to is done, and taken before any request is read
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  });
  // those for whom there was no place leave; the others come back until it is over
  const ended = Promise.allSettled(others);
  try {
    await logsIn(page);
  } finally {
    isStorming = false;
    await ended;
  }
}

/** Nothing is limited yet, so the refusal is put where every request comes in, for the length of one. */
async function isRefusedForManyTries(page: Page, { app }: TestApp): Promise<void> {
  const lifecycle = app.get(Lifecycle);
  lifecycle.track = () => {
    Reflect.deleteProperty(lifecycle, 'track');
    throw new TooManyRequests(60);
  };
  await page.goto('/login');
}
