import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

const tokenOf = (link: string) => new URL(link).searchParams.get('token') ?? '';

describe('where an email address must be confirmed', () => {
  let site: TestApp;
  beforeAll(async () => void (site = await startApp({ EMAIL_VERIFICATION: 'required' })));
  afterAll(() => site.close());

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

describe('where it need not be', () => {
  let site: TestApp;
  beforeAll(async () => void (site = await startApp()));
  afterAll(() => site.close());

  it('no mail is sent to who registers, and downloads are open', async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    expect((await browser.ask('/download')).status).toBe(200);
    expect((await mailsIn(site)).filter(({ to }) => to?.some(({ address }) => address === who.email))).toEqual([]);
  });
});
