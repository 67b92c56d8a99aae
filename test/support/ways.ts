import type { Page } from 'playwright-core';
import { DataSource } from 'typeorm';
import type { TestApp } from './app.js';
import { logInWithCode, optionsIn, setUpAuthenticator, SoftPasskey } from './factors.js';
import { duringAStorm } from './gate.js';
import { waitForMail } from './mail.js';
import { person, Script, Visitor, type Person } from './people.js';
import { pathIn, send, typeInto } from './walks.js';

/** How a person gets to a page that no address alone opens. */
export type Way = (page: Page, site: TestApp) => Promise<unknown>;

/** Fills a form in, by its labels, and sends it. */
export const fills =
  (path: string, values: Record<string, string>, button: string): Way =>
  async (page) => {
    await page.goto(path);
    await typeInto(page, values);
    await sends(page, button);
  };

/** Sends a form, also where the browser's own checks would hold it back. */
async function sends(page: Page, button: string): Promise<void> {
  await page.evaluate('for (const form of document.forms) form.noValidate = true');
  await send(page, button);
}

/** Follows a link of a page, the first that says so. */
export const follows =
  (path: string, name: string): Way =>
  async (page) => {
    await page.goto(path);
    await page.getByRole('main').getByRole('link', { name }).first().click();
  };

/** Unfolds all that a page has folded. */
export const unfolds =
  (path: string): Way =>
  async (page) => {
    await page.goto(path);
    for (const summary of await page.locator('summary').all()) await summary.click();
  };

export const registers =
  (over: Partial<Person> = {}): Way =>
  (page, site) => {
    const { name, email, password } = person(over);
    return fills('/register', { Name: name, Email: email, Password: password }, 'Register')(page, site);
  };

export const logsIn =
  (over: Partial<Person> = {}): Way =>
  (page, site) => {
    const { email, password } = person(over);
    return fills('/login?next=%2Fsecrets', { Email: email, Password: password }, 'Log in')(page, site);
  };

export const logsOut: Way = async (page) => {
  await page.goto('/secrets');
  await page.getByRole('button', { name: 'Log out' }).click();
};

/** Gives the right password, where a code is asked for next. */
export const comesToSecondStep: Way = async (page, site) => {
  const { who } = await setUpAuthenticator(site);
  await logsIn(who)(page, site);
};

export const givesWrongCode: Way = async (page, site) => {
  await comesToSecondStep(page, site);
  await typeInto(page, { Code: '000000' });
  await send(page, 'Go on');
};

/** Where a link leads on a test's site, whose port the link does not know. */
export function pathOf(link: string): string {
  const { pathname, search } = new URL(link);
  return pathname + search;
}

/** Asks for a mail with a link, as a member, and opens that. */
export const followsMail =
  (form: string, subject: RegExp): Way =>
  async (page, site) => {
    const { email } = await new Visitor(site.url).register();
    await fills(form, { Email: email }, 'Make me a link')(page, site);
    await page.goto(pathIn(await waitForMail(site, email, subject)));
  };

export const followsMailToConfirm: Way = async (page, site) => {
  const script = new Script(site.url);
  const { email } = await script.register();
  await script.ask('/api/v1/users/me/email-verifications', { method: 'POST' });
  await page.goto(pathIn(await waitForMail(site, email, /^Confirm your email/)));
};

/** Lets a browser in whose member has an authenticator app and two passkeys. */
export async function enterWithFactors(visitor: Visitor, site: TestApp): Promise<void> {
  const { who, nextCode } = await setUpAuthenticator(site);
  await logInWithCode(visitor, who, nextCode);
  const path = '/account/factors/passkeys';
  for (const name of ['My phone', 'a-key-without-any-place-to-break-'.repeat(3)]) {
    const options = optionsIn((await visitor.visit(path)).html);
    const response = new SoftPasskey(site.settings.publicUrl).create(options);
    const { at } = await visitor.visit(path, { form: { name, response } });
    if (at !== '/account/factors') throw new Error(`The passkey landed on ${at}.`);
  }
}

export const mistakesPassword = fills(
  '/account/password',
  { 'Current password': 'not the one', 'New password': 'another sentence of my own' },
  'Change my password',
);

export const mistakesApp = fills('/account/factors/authenticator', { Code: '000000' }, 'Set up');

export const renewsRecoveryCodes = fills('/account/factors', {}, 'Make new recovery codes');

export const mistakesPasskeyName: Way = async (page, site) => {
  await follows('/account/factors', 'Rename')(page, site);
  await typeInto(page, { Name: '' });
  await sends(page, 'Keep this name');
};

export const makesToken = (days: string): Way =>
  fills(
    '/account/tokens',
    { Name: 'a-token-without-any-place-to-break '.repeat(2), 'Days until it ends': days },
    'Make the token',
  );

/** What another site can do: a link to ours. */
export const followsLinkFromElsewhere: Way = async (page, { url }) => {
  await page.goto('about:blank');
  await page.setContent(`<a href="${url}/logout">a present</a>`);
  await page.getByRole('link').click();
};

/** What another site can try: a form that posts to ours. */
export const postsFromElsewhere: Way = async (page, { url }) => {
  await page.goto('about:blank');
  await page.setContent(`<form method="post" action="${url}/logout"><button>a present</button></form>`);
  await page.getByRole('button').click();
};

/** Logs in with a form that is not as it came. */
const logsInOddly =
  (change: string): Way =>
  async (page) => {
    const { email, password } = person();
    await page.goto('/login');
    await page.evaluate(`document.querySelector("main form").${change}`);
    await typeInto(page, { Email: email, Password: password });
    await sends(page, 'Log in');
  };

export const postsWhereNothingListens = logsInOddly('action = "/download"');
export const postsPlainText = logsInOddly('enctype = "text/plain"');

/** A real fault: a table is gone for the length of one request. */
export const losesATable: Way = async (page, { app }) => {
  const database = app.get(DataSource);
  await database.query('ALTER TABLE "files" RENAME TO "lost"');
  try {
    await page.goto('/secrets');
  } finally {
    await database.query('ALTER TABLE "lost" RENAME TO "files"');
  }
};

export const comesInAStorm: Way = (page, site) => duringAStorm(site, () => logsIn()(page, site));

export const guessesTooOften: Way = async (page, site) => {
  const { email, password } = person();
  const guesser = new Visitor(site.url);
  for (let guess = 0; guess < 10; guess++) await guesser.ask('/login', { form: { email, password } });
  await logsIn({ email })(page, site);
};
