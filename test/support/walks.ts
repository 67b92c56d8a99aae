import { expect } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { CDPSession, Locator, Page } from 'playwright-core';
import { violationsOn } from './axe.js';
import type { Tab } from './browser.js';
import { linkIn, type Mail } from './mail.js';
import { person, type Person } from './people.js';

/** Waits until the page stands at that path; says where it stands instead. */
export async function isAt(page: Page, path: string): Promise<void> {
  await page.waitForURL((url) => url.pathname + url.search === path).catch(() => undefined);
  const { pathname, search } = new URL(page.url());
  expect(pathname + search).toBe(path);
}

/** Looks around on a page without JavaScript: it is there, came with that status, and axe minds nothing of it. */
export async function stopsAt({ page, status }: Tab, path: string, expected = 200): Promise<void> {
  await isAt(page, path);
  await page.waitForLoadState();
  expect({ path, status: status(), violations: await violationsWithoutScripts(page) }).toEqual({
    path,
    status: expected,
    violations: [],
  });
}

/** What axe finds on a page whose JavaScript is off. Axe needs it, so it is on for as long as axe looks. */
async function violationsWithoutScripts(page: Page): Promise<string[]> {
  await letScriptsRun(page, true);
  const violations = await violationsOn(page);
  await letScriptsRun(page, false);
  return violations;
}

const devtools = new WeakMap<Page, CDPSession>();

/** The page's own scripts stay out either way: what was not run when the page came is not made up for. */
async function letScriptsRun(page: Page, areOn: boolean): Promise<void> {
  const session = devtools.get(page) ?? (await page.context().newCDPSession(page));
  devtools.set(page, session);
  // Chromium acts on what changes for this session, which did not turn them off itself
  for (const value of [areOn, !areOn]) await session.send('Emulation.setScriptExecutionDisabled', { value });
}

const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });

export async function typeInto(page: Page, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) await field(page, label).fill(value);
}

/** What stands in the fields that are typed into, by their labels. */
export async function typedIn(page: Page): Promise<Record<string, string>> {
  const labels = await page.locator('.field label').allInnerTexts();
  const values = labels.map(async (label) => [label, await field(page, label).inputValue()] as const);
  return Object.fromEntries(await Promise.all(values));
}

/** What a reader of the field is told is wrong with it. */
export async function faultAt(page: Page, label: string): Promise<string> {
  const input = field(page, label);
  expect(await input.getAttribute('aria-invalid')).toBe('true');
  const [id] = (await input.getAttribute('aria-describedby'))?.split(' ') ?? [];
  return page.locator(`#${id ?? ''}`).innerText();
}

/** Presses a button of the page, by its whole name or by what its name is like. */
export async function send(page: Page, button: string | RegExp): Promise<void> {
  await page.getByRole('main').getByRole('button', { name: button, exact: true }).click();
}

/** Goes to an address, and looks around there. */
export async function visit(tab: Tab, path: string, expected = 200): Promise<void> {
  await tab.page.goto(path);
  await stopsAt(tab, path, expected);
}

/** Fills in the form of a page, presses its button, and looks around where that leads. */
export async function submit(
  tab: Tab,
  values: Record<string, string>,
  button: string | RegExp,
  path: string,
  expected = 200,
): Promise<void> {
  await typeInto(tab.page, values);
  await send(tab.page, button);
  await stopsAt(tab, path, expected);
}

/** Follows a link of the page, by all that it says, and looks around where that leads. */
export async function follow(tab: Tab, link: string, path: string): Promise<void> {
  await tab.page.getByRole('link', { name: link, exact: true }).click();
  await stopsAt(tab, path);
}

/** What comes down where a link or button is pressed. */
export async function downloadBy(pressed: Locator): Promise<{ name: string; bytes: Buffer }> {
  const started = pressed.page().waitForEvent('download');
  await pressed.click();
  const download = await started;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

export async function register(page: Page): Promise<Person> {
  const ada = person();
  await page.goto('/register');
  await typeInto(page, { Name: ada.name, Email: ada.email, Password: ada.password });
  await send(page, 'Register');
  await isAt(page, '/secrets');
  return ada;
}

/** Gives email and password, which leads to that path. */
export async function logIn(
  page: Page,
  { email, password }: Pick<Person, 'email' | 'password'>,
  path = '/secrets',
): Promise<void> {
  await page.goto('/login');
  await typeInto(page, { Email: email, Password: password });
  await send(page, 'Log in');
  await isAt(page, path);
}

export async function logOut(page: Page): Promise<void> {
  await page.goto('/secrets');
  await page.getByRole('banner').getByRole('button', { name: 'Log out' }).click();
  await isAt(page, '/');
}

/** The words of the message on a page. */
export const told = (page: Page, how: 'alert' | 'status' = 'status') => page.getByRole(how).innerText();

/** The words of a page, without those around it. */
export const wordsOf = (page: Page) => page.getByRole('main').innerText();

/** Where the link of a mail leads on a test's site, whose port the mail does not know. */
export function pathIn(mail: Mail): string {
  const { pathname, search } = new URL(linkIn(mail));
  return pathname + search;
}
