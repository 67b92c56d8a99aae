import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { RegistrationRules } from '../../src/users/registration-rules.js';
import { aSite, startApp } from '../support/app.js';
import { addAuthenticator, logInWithCode } from '../support/factors.js';
import { faultsOf } from '../support/faults.js';
import { fieldOf, linksOf, messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const admin = { email: 'keeper@example.com', password: 'the keeper of all the keys' };

const site = aSite(() => startApp({ RATE_LIMITS: 'on', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }));

interface Member {
  readonly who: Person;
  readonly browser: Visitor;
  readonly script: Script;
}

async function member(over: Partial<Person> = {}): Promise<Member> {
  const [browser, script] = [new Visitor(site.url), new Script(site.url)];
  const who = await browser.register(person(over));
  await script.logIn(who);
  return { who, browser, script };
}

const me = async (script: Script) => (await (await script.ask('/api/v1/users/me')).json()) as Record<string, unknown>;

const mailsTo = async (email: string) =>
  (await mailsIn(site)).filter(({ to }) => to?.some(({ address }) => address === email));

const openLink = (link: string) =>
  new Visitor(site.url).ask('/email/confirmation', {
    form: { token: new URL(link).searchParams.get('token') ?? '' },
  });

describe('the page of an account', () => {
  it('says who the member is, and leads to everything that they can do', async () => {
    const { who, browser } = await member();
    const { status, html } = await browser.visit('/account');
    expect(status).toBe(200);
    for (const words of [who.name, who.email, 'not confirmed', '<dd>Member</dd>', 'None yet'])
      expect(html).toContain(words);
    expect(html).toContain(`<time datetime="${new Date().toISOString().slice(0, 10)}T`);
    const pages = ['name', 'email', 'password', 'factors', 'sessions', 'tokens', 'activity', 'export', 'deletion'];
    expect(linksOf(html)).toEqual(expect.arrayContaining(pages.map((page) => `/account/${page}`)));
    for (const page of pages) expect([page, (await browser.ask(`/account/${page}`)).status]).toEqual([page, 200]);
  });

  it('says which second factor there is', async () => {
    const { who, browser, script } = await member();
    const { nextCode } = await addAuthenticator(site, script);
    await logInWithCode(browser, who, nextCode);
    expect((await browser.visit('/account')).html).toContain('An authenticator app; 10 recovery codes left.');
  });

  it('is in the menu, and an admin finds the administration there', async () => {
    const { browser } = await member();
    const { html } = await browser.visit('/secrets');
    expect(linksOf(html)).toContain('/account');
    expect(linksOf(html)).not.toContain('/admin');
    const keeper = new Visitor(site.url);
    const { html: asAdmin } = await keeper.visit('/login', { form: admin });
    expect(linksOf(asAdmin)).toEqual(expect.arrayContaining(['/account', '/admin']));
    expect((await keeper.visit('/account')).html).toContain('<dd>Admin</dd>');
  });
});

describe('a member who changes their name', () => {
  it('is called by it from then on', async () => {
    const { browser, script } = await member();
    expect(fieldOf((await browser.visit('/account/name')).html, 'name').value).toBe('Ada Lovelace');
    const { at, html } = await browser.visit('/account/name', { form: { name: '  Augusta Ada King ' } });
    expect([at, messageOf(html, 'status')]).toEqual(['/account', 'Your name is changed.']);
    expect(html).toContain('Augusta Ada King');
    expect(await me(script)).toMatchObject({ name: 'Augusta Ada King' });
  });

  it('is told what is wrong with it, and keeps the old one', async () => {
    const { browser, script } = await member();
    const { status, html } = await browser.visit('/account/name', { form: { name: 'x'.repeat(101) } });
    expect([status, fieldOf(html, 'name').fault]).toEqual([422, 'Please give a name of at most 100 characters.']);
    expect(await me(script)).toMatchObject({ name: 'Ada Lovelace' });
  });

  it('does so by the API too', async () => {
    const { who, script } = await member();
    const patch = (json: object) => script.ask('/api/v1/users/me', { method: 'PATCH', json });
    const answer = await patch({ name: 'Grace Hopper' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ ...(await me(script)), name: 'Grace Hopper', email: who.email });
    for (const bad of [{}, { name: '' }, { name: ['Grace'] }]) expect((await patch(bad)).status).toBe(422);
  });

  it('changes nothing else by it, whatever is sent along', async () => {
    const { who, script } = await member();
    const json = { name: 'Grace Hopper', role: 'admin', email: 'grace@example.com', id: 'another' };
    await script.ask('/api/v1/users/me', { method: 'PATCH', json });
    expect(await me(script)).toMatchObject({ role: 'member', email: who.email });
  });
});

describe('a member who wants another email address', () => {
  it('has it once the link is opened there, and the old address is told', async () => {
    const { who, browser, script } = await member();
    const email = `new-${who.email}`;
    const { at, html } = await browser.visit('/account/email', { form: { email: email.toUpperCase() } });
    expect(at).toBe('/account');
    expect(messageOf(html, 'status')).toContain(`Whoever runs it has the link for ${email}`);
    expect(await me(script)).toMatchObject({ email: who.email });
    expect((await openLink(linkIn(await waitForMail(site, email, /confirm/i)))).status).toBe(303);
    expect(await me(script)).toMatchObject({ email });
    expect((await waitForMail(site, who.email, /changed/i)).text).toContain(email);
    expect((await browser.visit('/account')).html).not.toContain('not confirmed');
  });

  it('asks for it by the API too', async () => {
    const { who, script } = await member();
    const ask = (json: object) => script.ask('/api/v1/users/me/email-changes', { json });
    const answer = await ask({ email: `api-${who.email}` });
    expect([answer.status, await answer.text()]).toEqual([202, '']);
    await openLink(linkIn(await waitForMail(site, `api-${who.email}`, /confirm/i)));
    expect(await me(script)).toMatchObject({ email: `api-${who.email}` });
    expect((await ask({ email: 'ada' })).status).toBe(422);
    expect((await ask({})).status).toBe(422);
  });

  it('is told where it is the one they have, or no address', async () => {
    const { who, browser } = await member();
    const faultOf = async (email: string) =>
      fieldOf((await browser.visit('/account/email', { form: { email } })).html, 'email').fault;
    expect(await faultOf(who.email)).toBe('That is the address you have already.');
    expect(await faultOf('ada at home')).toMatch(/^Please give an email address/);
  });

  it('learns nothing of who else has an account: the owner is told, and the answer is the same', async () => {
    const { browser } = await member();
    const { who: other, script: others } = await member();
    const free = person().email;
    const [forTaken, forFree] = [
      await browser.visit('/account/email', { form: { email: other.email } }),
      await browser.visit('/account/email', { form: { email: free } }),
    ];
    expect(forTaken.at).toBe(forFree.at);
    expect(messageOf(forTaken.html, 'status')?.replace(other.email, 'X')).toBe(
      messageOf(forFree.html, 'status')?.replace(free, 'X'),
    );
    await waitForMail(site, other.email, /have an account already/i);
    expect(await me(others)).toMatchObject({ email: other.email });
  });

  it('moves to no domain that nobody may register with', async () => {
    const { browser } = await member();
    const rules = site.app.get(RegistrationRules);
    await rules.set({ mode: 'open', domains: ['example.com'] });
    try {
      const { status, html } = await browser.visit('/account/email', { form: { email: 'ada@elsewhere.example' } });
      expect([status, fieldOf(html, 'email').fault]).toEqual([
        422,
        'This site takes email addresses of some domains only.',
      ]);
    } finally {
      await rules.set({ mode: 'open', domains: [] });
    }
    expect(await mailsTo('ada@elsewhere.example')).toEqual([]);
  });

  it('has five mails sent to one address in an hour, and no more', async () => {
    const { script } = await member();
    const { email } = person();
    const ask = async () => (await script.ask('/api/v1/users/me/email-changes', { json: { email } })).status;
    for (let mails = 0; mails < 5; mails++) expect(await ask()).toBe(202);
    expect(await ask()).toBe(429);
  });
});

describe('the mail that confirms an address', () => {
  it('is sent again to who asks for it, until the address is confirmed', async () => {
    const { who, browser, script } = await member();
    const { at, html } = await browser.visit('/account/email/verification', { form: {} });
    expect(at).toBe('/account');
    expect(messageOf(html, 'status')).toContain(`Whoever runs it has the link for ${who.email}`);
    const first = linkIn(await waitForMail(site, who.email, /confirm/i));
    const again = await script.ask('/api/v1/users/me/email-verifications', { method: 'POST' });
    expect([again.status, await again.text()]).toEqual([202, '']);
    const second = linkIn(await waitForMail(site, who.email, /confirm/i));
    expect((await openLink(first)).status).toBe(404);
    expect((await openLink(second)).status).toBe(303);

    const { html: account } = await browser.visit('/account');
    expect(account).not.toContain('/account/email/verification');
    expect((await script.ask('/api/v1/users/me/email-verifications', { method: 'POST' })).status).toBe(409);
    const { html: after } = await browser.visit('/account/email/verification', { form: {} });
    expect(messageOf(after, 'status')).toBe('Your email address is confirmed already.');
  });

  it('is sent five times in an hour, and no more', async () => {
    const { script, browser } = await member();
    const ask = async () => (await script.ask('/api/v1/users/me/email-verifications', { method: 'POST' })).status;
    for (let mails = 0; mails < 5; mails++) expect(await ask()).toBe(202);
    expect(await ask()).toBe(429);
    expect((await browser.ask('/account/email/verification', { form: {} })).status).toBe(429);
  });
});

describe('what was typed', () => {
  it('is shown as text on each page of the account', async () => {
    const markup = '<img src=x onerror=alert(1)>{{viewer.email}}';
    const { browser, script } = await member({ name: markup });
    await script.ask('/api/v1/users/me/tokens', { json: { name: markup, scope: 'read' } });
    await browser.ask('/account/name', { form: { name: `${markup}!` } });
    for (const page of ['', '/name', '/sessions', '/activity', '/password']) {
      const { html } = await browser.visit(`/account${page}`);
      expect(html).not.toContain('<img');
      expect(html).toContain('&lt;img');
    }
  });

  it('nothing of all that went wrong on the server’s side', async () => {
    const { script } = await member();
    // what no text column takes is refused, and is no fault
    expect((await script.ask('/api/v1/users/me', { method: 'PATCH', json: { name: 'a\u0000b' } })).status).toBe(422);
    expect((await script.ask('/api/v1/users/me/sessions/%00', { method: 'DELETE' })).status).toBe(404);
    expect(await site.app.get(DataSource).query('SELECT 1 AS "one"')).toHaveLength(1);
    expect(faultsOf(site)).toEqual([]);
  });
});
