import { beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { minuteMs } from '../../src/config/durations.js';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { codeFor, setUpAuthenticator } from '../support/factors.js';
import { faultsOf } from '../support/faults.js';
import { messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
});

/** A member with a browser, a script and a personal token. */
async function newMember(over: Partial<Person> = {}) {
  const [browser, script, token] = [new Visitor(site.url), new Script(site.url), new Script(site.url)];
  const who = await browser.register(person(over));
  await script.logIn(who);
  const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'a script', scope: 'read' } });
  token.token = ((await made.json()) as { token: string }).token;
  const id = await idOf(site, who);
  return { who, browser, script, token, id, page: `/admin/members/${id}`, call: `/api/v1/users/${id}` };
}

type Member = Awaited<ReturnType<typeof newMember>>;

/** Whether the browser, the script and the personal token of a member get in. */
const whoGetsIn = async ({ browser, script, token }: Member) => [
  (await browser.ask('/secrets')).status === 200,
  (await script.ask('/api/v1/users/me')).status === 200,
  (await token.ask('/api/v1/users/me')).status === 200,
];

const everybody = [true, true, true];
const nobody = [false, false, false];

const change = (member: Member, json: object) => admin.script.ask(member.call, { method: 'PATCH', json });

/** Posts a form of the member's page, and gives the message that the page shows then. */
async function post(member: Member, act: string, form: Record<string, string> = {}) {
  const { at, html } = await admin.browser.visit(`${member.page}/${act}`, { form });
  expect(at).toBe(member.page);
  return messageOf(html, 'status') ?? `Alert: ${messageOf(html, 'alert') ?? 'none'}`;
}

/** What the log has of this member’s account that an admin did, the newest first. */
async function actsOn({ call }: Member) {
  const { items } = (await (await admin.script.ask(`${call}/activity`)).json()) as {
    items: { kind: string; actor: string | null; target: string | null; address: string; outcome: string }[];
  };
  return items.filter(({ actor }) => actor === keeper.email).map(({ kind, target }) => [kind, target]);
}

/** What was mailed to somebody so far. */
const textsTo = async ({ email }: Person) =>
  (await mailsIn(site)).flatMap(({ to, text }) => (to?.[0]?.address === email && text ? [text] : []));

const logsIn = async ({ who }: Member) =>
  (await new Script(site.url).ask('/api/v1/auth/login', { json: { email: who.email, password: who.password } })).status;

describe.each([
  ['on the page', async (member: Member) => expect(await post(member, 'disabling')).toContain('is disabled')],
  ['through the API', async (member: Member) => expect((await change(member, { disabled: true })).status).toBe(200)],
])('a member who is disabled %s', (_, disable) => {
  it('is out at once everywhere, with the password too, and no mailed link helps', async () => {
    const ada = await newMember();
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: ada.who.email } });
    const reset = linkIn(await waitForMail(site, ada.who.email, /new password/i)).replace('http://127.0.0.1', '');
    expect((await new Visitor(site.url).ask(reset)).status).toBe(200);
    expect(await whoGetsIn(ada)).toEqual(everybody);

    await disable(ada);

    expect(await whoGetsIn(ada)).toEqual(nobody);
    expect(await logsIn(ada)).toBe(401);
    expect((await new Visitor(site.url).ask(reset)).status).toBe(404);
    expect(await (await admin.script.ask(`${ada.call}/sessions`)).json()).toEqual({ items: [], nextCursor: null });
    expect(await (await admin.script.ask(ada.call)).json()).toMatchObject({ state: 'disabled' });
    expect((await admin.browser.visit(ada.page)).html).toContain('Disabled since');
    expect(await actsOn(ada)).toEqual([['account.disabled', ada.who.email]]);
  });
});

describe('a member who is enabled again', () => {
  it('can log in; what had ended stays ended', async () => {
    const [ada, grace] = [await newMember(), await newMember()];
    await post(ada, 'disabling');
    await change(grace, { disabled: true });
    expect(await post(ada, 'enabling')).toContain('can log in again');
    expect(await (await change(grace, { disabled: false })).json()).toMatchObject({ state: 'active' });
    for (const member of [ada, grace]) {
      expect(await logsIn(member)).toBe(200);
      expect(await whoGetsIn(member)).toEqual(nobody);
      expect((await actsOn(member)).map(([kind]) => kind)).toEqual(['account.enabled', 'account.disabled']);
    }
  });

  it('is told of nothing new where nothing changes', async () => {
    const ada = await newMember();
    expect(await post(ada, 'enabling')).toContain('enabled');
    await change(ada, { disabled: false, role: 'member' });
    expect((await change(ada, {})).status).toBe(200);
    expect(await actsOn(ada)).toEqual([]);
    expect(await whoGetsIn(ada)).toEqual(everybody);
  });
});

describe('a role', () => {
  it('counts from the next request on, without a new login, and back again', async () => {
    const ada = await newMember();
    const sees = async () => [
      (await ada.browser.ask('/admin/members')).status,
      (await ada.script.ask('/api/v1/users')).status,
      (await ada.token.ask('/api/v1/users')).status,
    ];
    expect(await sees()).toEqual([403, 403, 403]);
    expect(await post(ada, 'role', { role: 'admin' })).toContain('is an admin now');
    // the token has the scope that it was made with
    expect(await sees()).toEqual([200, 200, 403]);
    expect(await (await change(ada, { role: 'member' })).json()).toMatchObject({ role: 'member' });
    expect(await sees()).toEqual([403, 403, 403]);
    expect(await actsOn(ada)).toEqual([
      ['account.role-changed', `${ada.who.email}: member`],
      ['account.role-changed', `${ada.who.email}: admin`],
    ]);
  });

  it('takes from a token of an admin what its member may not do any more', async () => {
    const ada = await newMember();
    await change(ada, { role: 'admin' });
    const made = await ada.script.ask('/api/v1/users/me/tokens', { json: { name: 'for admins', scope: 'admin' } });
    ada.token.token = ((await made.json()) as { token: string }).token;
    expect((await ada.token.ask('/api/v1/users')).status).toBe(200);
    await change(ada, { role: 'member' });
    expect((await ada.token.ask('/api/v1/users')).status).toBe(403);
  });

  it.each(['owner', ''])('is member or admin, and not “%s”', async (role) => {
    const ada = await newMember();
    expect((await admin.browser.ask(`${ada.page}/role`, { form: { role } })).status).toBe(422);
    expect((await change(ada, { role })).status).toBe(422);
    expect(await (await admin.script.ask(ada.call)).json()).toMatchObject({ role: 'member' });
  });
});

describe('the sessions of a member', () => {
  it.each([
    ['on the page', async (member: Member) => expect(await post(member, 'sessions/end')).toContain('have ended')],
    [
      'through the API',
      async ({ call }: Member) =>
        expect((await admin.script.ask(`${call}/sessions`, { method: 'DELETE' })).status).toBe(204),
    ],
  ])('end all at once %s, and the password opens a new one', async (_, end) => {
    const ada = await newMember();
    expect(await whoGetsIn(ada)).toEqual(everybody);
    await end(ada);
    expect(await whoGetsIn(ada)).toEqual(nobody);
    expect(await logsIn(ada)).toBe(200);
    expect(await actsOn(ada)).toEqual([['session.others-ended', ada.who.email]]);
  });
});

describe('a second factor that is lost', () => {
  it.each([
    ['on the page', async (member: Member) => expect(await post(member, 'factors/reset')).toContain('is gone')],
    [
      'through the API',
      async ({ call }: Member) =>
        expect((await admin.script.ask(`${call}/factors`, { method: 'DELETE' })).status).toBe(204),
    ],
  ])('is taken away %s: the password is enough again, and a mail says so', async (_, reset) => {
    const { who, secret } = await setUpAuthenticator(site);
    const id = await idOf(site, who);
    const ada = { ...(await newMember()), who, id, page: `/admin/members/${id}`, call: `/api/v1/users/${id}` };
    expect(await logsIn(ada)).toBe(401);
    expect((await admin.browser.visit(ada.page)).html).toContain('Reset the second factor');

    await reset(ada);

    expect(await logsIn(ada)).toBe(200);
    await eventually(async () =>
      (await textsTo(who)).some((text) => text.includes('an admin took your second factor away')),
    );
    expect(await (await admin.script.ask(ada.call)).json()).toMatchObject({ hasFactor: false });
    expect((await admin.browser.visit(ada.page)).html).not.toContain('Reset the second factor');
    expect(await actsOn(ada)).toEqual([['factor.reset', who.email]]);
    // the app that was lost proves nothing any more
    const script = new Script(site.url);
    await script.logIn(who);
    const proof = await script.ask('/api/v1/users/me/proof', { method: 'PUT', json: { code: codeFor(secret) } });
    expect(proof.status).toBe(422);
  });

  it('is none where there was none, and nobody is told', async () => {
    const ada = await newMember();
    expect(await post(ada, 'factors/reset')).toContain('has no second factor');
    expect(await actsOn(ada)).toEqual([]);
  });
});

describe('a link for a new password', () => {
  it('goes to the member, and works once', async () => {
    const ada = await newMember();
    const shown = await admin.browser.visit(`${ada.page}/reset-link`, { form: {} });
    const link = linkIn(await waitForMail(site, ada.who.email, /new password/i));
    // without a mail server the admin passes it on
    expect(shown.html.replaceAll('&#x3D;', '=')).toContain(`<code>${link}</code>`);
    const token = new URL(link).searchParams.get('token') ?? '';
    const password = 'another sentence of my own';
    const form = { token, password };
    expect((await new Visitor(site.url).visit('/password/reset', { form })).at).toBe('/login');
    expect((await new Visitor(site.url).ask('/password/reset', { form })).status).toBe(404);
    expect([await logsIn(ada), await logsIn({ ...ada, who: { ...ada.who, password } })]).toEqual([401, 200]);
    expect(await actsOn(ada)).toEqual([['password.reset-asked', ada.who.email]]);
  });

  it('goes out through the API too', async () => {
    const ada = await newMember();
    const answer = await admin.script.ask(`${ada.call}/password-resets`, { method: 'POST' });
    const link = linkIn(await waitForMail(site, ada.who.email, /new password/i));
    expect([answer.status, await answer.json()]).toEqual([202, { link }]);
  });

  it('is not sent to who may not come in anyway', async () => {
    const ada = await newMember();
    await change(ada, { disabled: true });
    expect((await admin.script.ask(`${ada.call}/password-resets`, { method: 'POST' })).status).toBe(409);
    expect(await post(ada, 'reset-link')).toContain('Alert: ');
    expect((await textsTo(ada.who)).filter((text) => text.includes('/password/reset'))).toEqual([]);
  });
});

describe('an admin, with themselves', () => {
  const oneself = async () => {
    const id = await idOf(site, keeper);
    return { page: `/admin/members/${id}`, call: `/api/v1/users/${id}` } as Member;
  };

  it('ends all other sessions, and goes on with the one at hand', async () => {
    const elsewhere = await adminOf(site);
    expect(await post(await oneself(), 'sessions/end')).toBe('All your other sessions have ended.');
    expect((await elsewhere.browser.ask('/admin')).status).toBe(303);
    expect((await elsewhere.script.ask('/api/v1/users')).status).toBe(401);
    expect((await admin.script.ask('/api/v1/users')).status).toBe(401);
    admin.script.token = undefined;
    await admin.script.logIn(keeper);
    const { call } = await oneself();
    expect((await admin.script.ask(`${call}/sessions`, { method: 'DELETE' })).status).toBe(204);
    expect((await admin.script.ask('/api/v1/users')).status).toBe(200);
    admin = await adminOf(site);
  });

  it('is not disabled, and keeps the second factor for the account page', async () => {
    const me = await oneself();
    expect(await post(me, 'disabling')).toContain('Alert: You cannot disable yourself.');
    expect(await post(me, 'factors/reset')).toContain('Alert: You change your own second factor on your account page.');
    const refused = await change(me, { disabled: true, role: 'member' });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      409,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    expect((await admin.script.ask(`${me.call}/factors`, { method: 'DELETE' })).status).toBe(409);
    expect(await (await admin.script.ask(me.call)).json()).toMatchObject({ role: 'admin', state: 'active' });
    const { html } = await admin.browser.visit(me.page);
    expect(html).toContain('This is you');
    expect(html).not.toContain(`${me.page}/disabling`);
  });

  it('steps down where another admin is left, and is led to where a member may be', async () => {
    const ada = await newMember();
    await change(ada, { role: 'admin' });
    const { at, html } = await ada.browser.visit(`${ada.page}/role`, { form: { role: 'member' } });
    expect([at, messageOf(html, 'status')]).toEqual(['/secrets', `${ada.who.name} is no admin any more.`]);
    expect((await ada.browser.ask('/admin')).status).toBe(403);
  });
});

describe('what is sensitive', () => {
  const age = (milliseconds: number) =>
    site.app.get(DataSource).query('UPDATE "sessions" SET "provenAt" = $1', [Date.now() - milliseconds]);

  it('asks the admin again who they are, and leads back to the member', async () => {
    const ada = await newMember();
    await age(10 * minuteMs + 1);
    for (const act of ['approval', 'disabling', 'enabling', 'role', 'sessions/end', 'factors/reset', 'reset-link']) {
      const answer = await admin.browser.ask(`${ada.page}/${act}`, { form: { role: 'admin' } });
      expect([act, answer.headers.get('location')]).toEqual([
        act,
        `/account/proof?next=${encodeURIComponent(ada.page)}&again=yes`,
      ]);
    }
    for (const page of ['/admin/registration', '/admin/invites']) {
      const answer = await admin.browser.ask(page, { form: { mode: 'closed' } });
      expect(answer.headers.get('location')).toBe(`/account/proof?next=${encodeURIComponent(page)}&again=yes`);
    }
    for (const [method, path, json] of [
      ['PATCH', ada.call, { disabled: true }],
      ['DELETE', `${ada.call}/sessions`],
      ['DELETE', `${ada.call}/factors`],
      ['POST', `${ada.call}/password-resets`],
      ['PUT', '/api/v1/registration', { mode: 'closed' }],
      ['POST', '/api/v1/invites', {}],
    ] as const) {
      const answer = await admin.script.ask(path, { method, ...(json && { json }) });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
    expect(await whoGetsIn(ada)).toEqual(everybody);
    expect((await admin.browser.ask(ada.page)).status).toBe(200);

    const form = { password: keeper.password, next: ada.page };
    expect((await admin.browser.visit('/account/proof', { form })).at).toBe(ada.page);
    expect(await post(ada, 'disabling')).toContain('is disabled');
    await age(0);
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
