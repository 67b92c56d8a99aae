import { describe, expect, it } from '@jest/globals';
import { aSite, startApp } from '../support/app.js';
import { codeFor, optionsIn, setUpAuthenticator, SoftPasskey } from '../support/factors.js';
import { from } from '../support/guessing.js';
import { messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const tokenOf = (link: string) => new URL(link).searchParams.get('token') ?? '';

describe('where an email address must be confirmed', () => {
  const site = aSite(() => startApp({ EMAIL_VERIFICATION: 'required' }));

  const confirm = (token: string) => new Visitor(site.url).ask('/email/confirmation', { form: { token } });

  it('a new member comes in, but downloads nothing until the link of the mail was opened', async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    const script = new Script(site.url);
    await script.logIn(who);
    const { items } = (await (await script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
    const id = items[0]?.id ?? '';
    const tries = async () => [
      (await browser.ask('/download')).status,
      (await browser.ask(`/files/${id}/download`)).status,
      (await script.ask(`/api/v1/files/${id}/content`)).status,
    ];
    expect((await browser.ask('/secrets')).status).toBe(200);
    expect(await tries()).toEqual([403, 403, 403]);
    expect(await (await browser.ask('/download')).text()).toContain('confirm your email address');

    const link = new URL(linkIn(await waitForMail(site, who.email, /confirm/i)));
    const page = await new Visitor(site.url).visit(link.pathname + link.search);
    expect(page.status).toBe(200);
    expect(page.html).toContain(who.email);
    expect(await tries()).toEqual([403, 403, 403]);
    expect((await confirm(tokenOf(link.href))).headers.get('location')).toBe('/secrets');
    expect(await tries()).toEqual([200, 200, 200]);
    expect((await confirm(tokenOf(link.href))).status).toBe(404);
  });

  it('the API confirms too, and the mail does not carry the name that was given', async () => {
    const script = new Script(site.url);
    const who = await script.register(person({ name: 'Buy now at evil.example' }));
    const mail = await waitForMail(site, who.email, /confirm/i);
    expect(`${mail.text} ${mail.html}`).not.toContain('evil.example');
    const put = () =>
      new Script(site.url).ask('/api/v1/email-confirmations', {
        method: 'PUT',
        json: { token: tokenOf(linkIn(mail)) },
      });
    expect((await put()).status).toBe(204);
    expect((await put()).status).toBe(404);
  });

  it('the owner is told where somebody registers with an address again', async () => {
    const who = await new Script(site.url).register();
    await waitForMail(site, who.email, /confirm/i);
    const again = await new Script(site.url).ask('/api/v1/auth/register', { json: { ...person(), email: who.email } });
    expect(again.status).toBe(409);
    await waitForMail(site, who.email, /have an account already/i);
  });

  it('a reset by mail confirms the address as well', async () => {
    const script = new Script(site.url);
    const who = await script.register();
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    const token = tokenOf(linkIn(await waitForMail(site, who.email, /password/i)));
    const password = 'another sentence of my own';
    await script.ask('/api/v1/password-resets', { method: 'PUT', json: { token, password } });
    const browser = new Visitor(site.url);
    await browser.visit('/login', { form: { email: who.email, password } });
    expect((await browser.ask('/download')).status).toBe(200);
  });
});

describe('an account that somebody made with an address that is not theirs', () => {
  const site = aSite(() => startApp({ EMAIL_VERIFICATION: 'required' }));

  const factors = '/account/factors';
  const password = 'another sentence of my own';

  /** Sets a passkey up on its page. */
  async function addPasskey(browser: Visitor): Promise<SoftPasskey> {
    const passkey = new SoftPasskey(site.settings.publicUrl);
    const response = passkey.create(optionsIn((await browser.visit(`${factors}/passkeys`)).html));
    const { status } = await browser.visit(`${factors}/passkeys`, { form: { response, name: 'My phone' } });
    expect(status).toBe(200);
    return passkey;
  }

  const logInWith = async (passkey: SoftPasskey) => {
    const response = passkey.get(optionsIn((await new Visitor(site.url).visit('/login')).html));
    return (await new Visitor(site.url).visit('/login/passkey', { form: { response } })).at;
  };

  /** Whoever has the mailbox chooses a password by a mailed link, and logs in with it: where that leads. */
  async function resetAndLogIn(email: string): Promise<string> {
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email } });
    const token = tokenOf(linkIn(await waitForMail(site, email, /choose a new password/i)));
    const json = { token, password };
    expect((await new Script(site.url).ask('/api/v1/password-resets', { method: 'PUT', json })).status).toBe(204);
    return (await new Visitor(site.url).visit('/login', { form: { email, password } })).at;
  }

  it('is the owner’s after a reset by mail, with no second factor of the other’s left', async () => {
    const squatter = new Visitor(site.url);
    const { email } = await squatter.register();
    const passkey = await addPasskey(squatter);
    expect(await logInWith(passkey)).toBe('/secrets');
    expect(await resetAndLogIn(email)).toBe('/secrets');
    expect(await logInWith(passkey)).toBe('/login');
    expect((await squatter.ask('/secrets')).status).toBe(303);
    const script = new Script(site.url);
    await script.logIn(person({ email, password }));
    expect(await (await script.ask('/api/v1/users/me/factors')).json()).toMatchObject({
      authenticator: false,
      passkeys: [],
      recoveryCodesLeft: 0,
    });
  });

  it('has no authenticator app of the other’s left either', async () => {
    const { who, secret } = await setUpAuthenticator(site);
    expect(await resetAndLogIn(who.email)).toBe('/secrets');
    const json = { email: who.email, password, code: codeFor(secret) };
    const script = new Script(site.url);
    expect((await script.ask('/api/v1/auth/login', { json })).status).toBe(200);
  });

  it('is not one whose address was confirmed: a reset leaves its second factor in place', async () => {
    const browser = new Visitor(site.url);
    const { email } = await browser.register();
    const token = tokenOf(linkIn(await waitForMail(site, email, /confirm/i)));
    await browser.ask('/email/confirmation', { form: { token } });
    const passkey = await addPasskey(browser);
    expect(await resetAndLogIn(email)).toBe('/login/factor');
    expect(await logInWith(passkey)).toBe('/secrets');
  });
});

describe('many registrations with an address that is taken', () => {
  const site = aSite(() => startApp({ EMAIL_VERIFICATION: 'required', RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }));

  const subjectsTo = async (email: string) =>
    (await mailsIn(site))
      .filter(({ to }) => to?.some(({ address }) => address === email))
      .map(({ subject }) => subject ?? '');

  /** Once a mail that was taken on later has left, so have those before it. */
  async function lastMail(): Promise<void> {
    const script = new Script(site.url);
    const { email } = await script.register();
    await waitForMail(site, email, /confirm/i);
  }

  it('send the owner five mails from one address, and are answered alike, with a mail or without', async () => {
    const { email } = await new Script(site.url).register();
    const asks = async (over: Partial<Person>) => {
      const headers = from('203.0.113.50');
      const api = await new Script(site.url).ask('/api/v1/auth/register', { json: person(over), headers });
      const page = await new Visitor(site.url).visit('/register', { form: { ...person(over) }, headers });
      const { detail } = (await api.json()) as { detail: string };
      return [api.status, detail, page.status, page.at, messageOf(page.html, 'alert')].join(' ');
    };
    const answers = new Set<string>();
    for (let round = 0; round < 5; round++) answers.add(await asks({ email }));
    const taken = 'That email is registered already. Log in instead.';
    expect([...answers]).toEqual([`409 ${taken} 200 /login ${taken}`]);
    await lastMail();
    const again = (await subjectsTo(email)).filter((subject) => /have an account already/i.test(subject));
    expect(again).toHaveLength(5);
  });

  it('leave the mail that confirms the owner’s address to the owner', async () => {
    const script = new Script(site.url);
    const { email } = await script.register();
    await waitForMail(site, email, /confirm/i);
    for (let round = 0; round < 6; round++)
      await new Script(site.url).ask('/api/v1/auth/register', {
        json: person({ email }),
        headers: from('203.0.113.51'),
      });
    const asked = await script.ask('/api/v1/users/me/email-verifications', { method: 'POST' });
    expect(asked.status).toBe(202);
    await waitForMail(site, email, /confirm/i);
  });

  it('of new members from one address all are let in, and mailed no more than thirty times', async () => {
    const members: { who: Person; script: Script }[] = [];
    for (let round = 0; round < 32; round++) {
      const script = new Script(site.url);
      const who = person();
      const answer = await script.ask('/api/v1/auth/register', { json: who, headers: from('203.0.113.52') });
      expect(answer.status).toBe(201);
      script.token = ((await answer.json()) as { access_token: string }).access_token;
      members.push({ who, script });
    }
    await lastMail();
    const mailed = await Promise.all(members.map(async ({ who }) => (await subjectsTo(who.email)).length));
    expect(mailed).toEqual([...Array<number>(30).fill(1), 0, 0]);
    // who got none asks for one when logged in
    const last = members.at(-1);
    await last?.script.ask('/api/v1/users/me/email-verifications', { method: 'POST' });
    await waitForMail(site, last?.who.email ?? '', /confirm/i);
  });
});

describe('where it need not be', () => {
  const site = aSite();

  it('no mail is sent to who registers, and downloads are open', async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    expect((await browser.ask('/download')).status).toBe(200);
    expect((await mailsIn(site)).filter(({ to }) => to?.some(({ address }) => address === who.email))).toEqual([]);
  });
});
