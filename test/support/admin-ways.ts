import type { Page } from 'playwright-core';
import { RegistrationRules, type RegistrationMode } from '../../src/users/registration-rules.js';
import { adminOf, idOf, keeper } from './admins.js';
import type { TestApp } from './app.js';
import { eventually } from './database.js';
import { setUpAuthenticator } from './factors.js';
import { person, Script, type Person } from './people.js';
import { send, typeInto } from './walks.js';
import { fills, pathOf, unfolds, type Way } from './ways.js';

export const longName =
  'Wolfeschlegelsteinhausenbergerdorff Pourtoujoursetencore, the Hundred-and-Third of Her Name, Esq.';

/** Where the link leads that the log of a site without an admin has, soon after its start. */
export async function setupPathOf(site: TestApp): Promise<string> {
  const find = () => /http[^"\s]+\/setup\?token=[\w-]+/.exec(site.log())?.[0];
  await eventually(() => find() !== undefined);
  return pathOf(find() ?? '');
}

export const followsSetupLink: Way = async (page, site) => page.goto(await setupPathOf(site));

export const mistakesSetup: Way = async (page, site) => {
  await followsSetupLink(page, site);
  await typeInto(page, { Name: 'Ada Lovelace', Email: person().email, Password: 'password' });
  await send(page, 'Become the admin');
};

/** Does something while other rules of registration count. */
async function underRule<Result>(
  { app }: TestApp,
  mode: RegistrationMode,
  work: () => Promise<Result>,
): Promise<Result> {
  const rules = app.get(RegistrationRules);
  await rules.set({ mode, domains: [] });
  try {
    return await work();
  } finally {
    await rules.set({ mode: 'open', domains: [] });
  }
}

/** Opens a page while other rules of registration count. */
export const findsRule =
  (mode: RegistrationMode, path: string): Way =>
  (page, site) =>
    underRule(site, mode, () => page.goto(path));

async function makeInvite(site: TestApp) {
  const { script } = await adminOf(site);
  const made = await script.ask('/api/v1/invites', { json: { email: person().email } });
  return { script, ...((await made.json()) as { id: string; link: string }) };
}

export const followsInvite: Way = async (page, site) => page.goto(pathOf((await makeInvite(site)).link));

/** Has the form of an invite open that is withdrawn before it is sent. */
export const comesLateWithInvite: Way = async (page, site) => {
  const { id, link, script } = await makeInvite(site);
  await page.goto(pathOf(link));
  await script.ask(`/api/v1/invites/${id}`, { method: 'DELETE' });
  await typeInto(page, { Name: 'Grace Hopper', Password: person().password });
  await underRule(site, 'invite', () => send(page, 'Register'));
};

export const memberPathOf = async (site: TestApp, who: Pick<Person, 'email'>) =>
  `/admin/members/${await idOf(site, who)}`;

/** Opens the page of a member who has much, and unfolds all that an admin can do. */
export const opensMember: Way = async (page, site) => {
  const { who, script } = await setUpAuthenticator(site, person({ name: longName }));
  const token = { name: 'a-token-without-any-place-to-break', scope: 'read' };
  await script.ask('/api/v1/users/me/tokens', { json: token });
  await unfolds(await memberPathOf(site, who))(page, site);
};

/** Opens the page of somebody who waits to be let in. */
export const opensWaiting: Way = async (page, site) => page.goto(await memberPathOf(site, await asksToBeLetIn(site)));

export const opensOneself: Way = async (page, site) => unfolds(await memberPathOf(site, keeper))(page, site);

/** Does one of the things that an admin can do, on the member's page. */
export async function acts(page: Page, summary: string, button = summary): Promise<void> {
  await page.locator('summary').getByText(summary, { exact: true }).click();
  await send(page, button);
}

export const disablesMember: Way = async (page, site) => {
  const who = await new Script(site.url).register();
  await page.goto(await memberPathOf(site, who));
  await acts(page, 'Disable');
};

/** Steps down as the last admin, in vain. */
export const stepsDown: Way = async (page, site) => {
  await page.goto(await memberPathOf(site, keeper));
  await acts(page, 'Make a member like others', 'Step down');
};

/** Wants to delete the account of the last admin, in vain. */
export const wantsToLeave = fills('/account/deletion', { 'Your password': keeper.password }, 'Delete my account');

export const invites = (email: string, days: string): Way =>
  fills('/admin/invites', { 'Email, if you like': email, 'Days until it expires': days }, 'Make the invite');

export const mistakesRules: Way = async (page) => {
  await page.goto('/admin/registration');
  await typeInto(page, { 'Email domains': 'example.org\nno-domain' });
  await page.evaluate('for (const choice of document.querySelectorAll("[type=radio]")) choice.disabled = true');
  await send(page, 'Save');
};

/** Somebody who waits for an admin. */
async function asksToBeLetIn(site: TestApp, who = person()): Promise<Person> {
  await underRule(site, 'approval', () => new Script(site.url).ask('/api/v1/auth/register', { json: who }));
  return who;
}

/** All kinds of members, with names that a page must bear, invites, and what an admin has done so far. */
export async function populate(site: TestApp): Promise<void> {
  const { script } = await adminOf(site);
  const change = async (who: Person, json: object) =>
    script.ask(`/api/v1/users/${await idOf(site, who)}`, { method: 'PATCH', json });

  await setUpAuthenticator(site, person({ name: longName, email: `${'a-long-name.'.repeat(5)}ada@example.com` }));
  const names = ['عائشة بنت يوسف', '山田 花子', '<img src=x onerror=alert(1)> {{viewer.email}}'];
  const [aisha, hanako] = names.map((name) => person({ name }));
  for (const who of [aisha, hanako]) if (who) await new Script(site.url).register(who);
  // and no admin again, so that the keeper is the last one
  for (const role of ['admin', 'member']) if (aisha) await change(aisha, { role });
  if (hanako) await change(hanako, { disabled: true });
  await asksToBeLetIn(site, person({ name: names[2] ?? '' }));
  await new Script(site.url).ask('/api/v1/auth/login', { json: { ...aisha, password: 'not the one' } });
  for (const email of [undefined, person().email, `${'somebody-with-a-long-address.'.repeat(2)}x@example.com`])
    await script.ask('/api/v1/invites', { json: { email } });
}
