import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { LoginsService } from '../../src/auth/logins.service.js';
import { UsersService } from '../../src/users/users.service.js';
import { aSite } from '../support/app.js';
import { addPasskey, codeFor, setUpAuthenticator } from '../support/factors.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { Visitor, type Person } from '../support/people.js';

const site = aSite();

const factors = '/account/factors';

/** A browser into which all cookies of another were copied. */
function copyOf({ cookies }: Visitor): Visitor {
  const copy = new Visitor(site.url);
  for (const [name, value] of cookies) copy.cookies.set(name, value);
  return copy;
}

const isIn = async (visitor: Visitor) => (await visitor.ask('/secrets')).status === 200;

async function addApp(browser: Visitor) {
  const { html } = await browser.visit(`${factors}/authenticator`);
  const secret = (/<dd><code>([A-Z2-7 ]+)<\/code><\/dd>/.exec(html)?.[1] ?? '').replaceAll(' ', '');
  const { status } = await browser.visit(`${factors}/authenticator`, { form: { code: codeFor(secret) } });
  expect(status).toBe(200);
}

type Act = (browser: Visitor, who: Person) => Promise<unknown>;
const nothing: Act = () => Promise.resolve();
/** What a member does, and what must have been done before. */
const acts: readonly [what: string, act: Act, before?: Act][] = [
  [
    'changes the password',
    (browser, { password }) =>
      browser.ask('/account/password', { form: { currentPassword: password, password: 'another sentence of my own' } }),
  ],
  ['sets up a first second factor', (browser) => addApp(browser)],
  ['adds a first passkey', (browser) => addPasskey(site, browser)],
  ['adds a passkey to an app', (browser) => addPasskey(site, browser), (browser) => addApp(browser)],
  [
    'removes an app',
    (browser) => browser.ask(`${factors}/authenticator/removal`, { method: 'POST' }),
    (browser) => addApp(browser),
  ],
  [
    'removes a passkey',
    async (browser) => {
      const { html } = await browser.visit(factors);
      const path = /\/account\/factors\/passkeys\/[\w-]+\/removal/.exec(html)?.[0] ?? '';
      expect((await browser.ask(path, { method: 'POST' })).status).toBe(303);
    },
    (browser) => addPasskey(site, browser),
  ],
  [
    'makes new recovery codes',
    (browser) => browser.ask(`${factors}/recovery-codes`, { method: 'POST' }),
    (browser) => addApp(browser),
  ],
  ['proves who it is', (browser, { password }) => browser.ask('/account/proof', { form: { password } })],
  ['ends all other sessions', (browser) => browser.ask('/account/sessions/end-others', { method: 'POST' })],
  [
    'moves to another address',
    async (browser, { email }) => {
      await browser.ask('/account/email', { form: { email: `new-${email}` } });
      const token =
        new URL(linkIn(await waitForMail(site, `new-${email}`, /confirm/i))).searchParams.get('token') ?? '';
      expect((await browser.ask('/email/confirmation', { form: { token } })).status).toBe(303);
    },
  ],
];

describe('the cookie of a session that was copied opens nothing once its member', () => {
  it.each(acts.map(([what, act, before = nothing]) => [what, act, before] as const))(
    '%s, who stays in',
    async (_what, act, before) => {
      const browser = new Visitor(site.url);
      const who = await browser.register();
      await before(browser, who);
      const copy = copyOf(browser);
      expect([await isIn(browser), await isIn(copy)]).toEqual([true, true]);
      await act(browser, who);
      expect([await isIn(browser), await isIn(copy)]).toEqual([true, false]);
    },
  );

  it('changes the password, and a wrong current one changes nothing', async () => {
    const browser = new Visitor(site.url);
    await browser.register();
    const copy = copyOf(browser);
    const form = { currentPassword: 'not the one', password: 'another sentence of my own' };
    expect((await browser.ask('/account/password', { form })).status).toBe(422);
    expect([await isIn(browser), await isIn(copy)]).toEqual([true, true]);
  });

  it('changes the password, and a session that outlasts the browser still does', async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    const { email, password } = who;
    await browser.ask('/logout', { method: 'POST' });
    await browser.ask('/login', { form: { email, password, remember: 'yes' } });
    const form = { currentPassword: password, password: 'another sentence of my own' };
    const answer = await browser.ask('/account/password', { form });
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('gatehouse-session-'));
    expect(cookie).toMatch(/max-age=2\d{6}/i);
  });
});

it('a login begins no session where a second factor was set up after it looked for one', async () => {
  const { who } = await setUpAuthenticator(site);
  const user = await site.app.get(UsersService).findByEmail(who.email);
  if (!user) throw new Error('There is no such member.');
  const caller = { address: '127.0.0.1', userAgent: 'a test', requestId: 'a request' };
  const begin = (hasShownFactor?: boolean) =>
    site.app
      .get(LoginsService)
      .begin(user, { kind: 'browser', caller, ...(hasShownFactor !== undefined && { hasShownFactor }) });
  const count = () =>
    site.app.get(DataSource).query<unknown[]>('SELECT "id" FROM "sessions" WHERE "userId" = $1', [user.id]);
  const before = (await count()).length;
  // as a login that has seen the password alone, and no factor to ask for
  for (const hasShownFactor of [undefined, false])
    await expect(begin(hasShownFactor)).rejects.toThrow('Your account changed while you logged in');
  expect(await count()).toHaveLength(before);
  await expect(begin(true)).resolves.toMatchObject({ token: expect.any(String) });
  expect(await count()).toHaveLength(before + 1);
});
