import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { DataSource } from 'typeorm';
import { aSite, startApp } from '../support/app.js';
import { fieldOf, messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail, type Mail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';

const site = aSite(() => startApp({ PUBLIC_URL: 'http://gate.example' }));

const asks = (email: string, visitor = new Visitor(site.url)) =>
  visitor.visit('/password/forgot', { form: { email }, headers: { origin: 'http://gate.example' } });

const post = (path: string, form: Record<string, string>) =>
  new Visitor(site.url).ask(path, { form, headers: { origin: 'http://gate.example' } });

/** A member who has asked for a link: its secret, and the newest of several. */
async function memberWithLink(): Promise<{ who: Person; script: Script; token: string }> {
  const script = new Script(site.url);
  const who = await script.register();
  return { who, script, token: await askForLink(who) };
}

async function askForLink(who: Person): Promise<string> {
  await asks(who.email);
  return secretIn(await waitForMail(site, who.email, /choose a new password/i));
}

const secretIn = (mail: Mail) => new URL(linkIn(mail)).searchParams.get('token') ?? '';

const logsIn = async ({ email }: Person, password: string) =>
  (await new Script(site.url).ask('/api/v1/auth/login', { json: { email, password } })).status;

const newPassword = 'another sentence of my own';

describe('a forgotten password', () => {
  it('is replaced through a mailed link, and the old one opens nothing any more', async () => {
    const { who, token } = await memberWithLink();
    expect(await logsIn(who, who.password)).toBe(200);

    const page = await new Visitor(site.url).visit(`/password/reset?token=${token}`);
    expect(page.status).toBe(200);
    expect(fieldOf(page.html, 'token').value).toBe(token);
    const answer = await post('/password/reset', { token, password: newPassword });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login']);
    expect(await logsIn(who, who.password)).toBe(401);
    expect(await logsIn(who, newPassword)).toBe(200);
    await waitForMail(site, who.email, /changed/i);
  });

  it('is kept by a password manager under the email of the account, also after one that was refused', async () => {
    const { who, token } = await memberWithLink();
    const shown = await new Visitor(site.url).visit(`/password/reset?token=${token}`);
    const username = /<input[^>]* autocomplete="username"[^>]*>/.exec(shown.html)?.[0] ?? '';
    expect(username).toContain(`value="${who.email}"`);
    const sent = { token, username: fieldOf(shown.html, 'username').value ?? '' };
    const refused = await post('/password/reset', { ...sent, password: 'short' });
    expect(refused.status).toBe(422);
    const html = await refused.text();
    expect(/<input[^>]* autocomplete="username"[^>]*>/.exec(html)?.[0]).toBe(username);
    expect(html).toContain('autocomplete="new-password"');
    expect(fieldOf(html, 'token').value).toBe(token);
  });

  it('ends every session of the account', async () => {
    const { script, token } = await memberWithLink();
    expect((await script.ask('/api/v1/users/me')).status).toBe(200);
    await post('/password/reset', { token, password: newPassword });
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
  });

  it('is asked for and replaced by the API too', async () => {
    const script = new Script(site.url);
    const who = await script.register();
    const asked = await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    expect([asked.status, await asked.text()]).toEqual([202, '']);
    const mail = await waitForMail(site, who.email, /choose a new password/i);
    const token = new URL(linkIn(mail)).searchParams.get('token');
    const reset = await script.ask('/api/v1/password-resets', {
      method: 'PUT',
      json: { token, password: newPassword },
    });
    expect(reset.status).toBe(204);
    expect(await logsIn(who, newPassword)).toBe(200);
  });
});

describe('the link of a reset', () => {
  it('works once', async () => {
    const { who, token } = await memberWithLink();
    expect((await post('/password/reset', { token, password: newPassword })).status).toBe(303);
    expect((await post('/password/reset', { token, password: 'a third sentence of mine' })).status).toBe(404);
    expect((await new Visitor(site.url).ask(`/password/reset?token=${token}`)).status).toBe(404);
    expect(await logsIn(who, newPassword)).toBe(200);
  });

  it('works once for twenty who use it at the same time', async () => {
    const { who, token } = await memberWithLink();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => post('/password/reset', { token, password: `a sentence of number ${n}` })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 303)).toHaveLength(1);
    expect(statuses.filter((status) => status === 404)).toHaveLength(19);
    expect(await logsIn(who, `a sentence of number ${statuses.indexOf(303)}`)).toBe(200);
  });

  it('is worth nothing once a newer one was asked for', async () => {
    const { who, token } = await memberWithLink();
    const newer = await askForLink(who);
    expect((await post('/password/reset', { token, password: newPassword })).status).toBe(404);
    expect((await post('/password/reset', { token: newer, password: newPassword })).status).toBe(303);
  });

  it('works for one of several that were asked for at the same moment, and once it was used for none', async () => {
    const look = async (token: string) => (await new Visitor(site.url).ask(`/password/reset?token=${token}`)).status;
    for (let round = 0; round < 10; round++) {
      const who = await new Script(site.url).register();
      const count = 2 + (round % 3);
      await Promise.all(Array.from({ length: count }, () => asks(who.email)));
      const tokens: string[] = [];
      while (tokens.length < count) tokens.push(secretIn(await waitForMail(site, who.email, /choose a new password/i)));
      const statuses = await Promise.all(tokens.map(look));
      expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: count - 1 }, () => 404)]);
      const token = tokens[statuses.indexOf(200)] ?? '';
      expect((await post('/password/reset', { token, password: newPassword })).status).toBe(303);
      expect(await logsIn(who, newPassword)).toBe(200);
      expect(new Set(await Promise.all(tokens.map(look)))).toEqual(new Set([404]));
    }
  });

  it('opens nothing where it was mailed before the member’s address changed', async () => {
    const { who, token } = await memberWithLink();
    const move = (from: string, to: string) =>
      site.app.get(DataSource).query('UPDATE "users" SET "email" = $1 WHERE "email" = $2', [to, from]);
    const look = async () => (await new Visitor(site.url).ask(`/password/reset?token=${token}`)).status;
    const { email } = person();
    expect(await look()).toBe(200);
    await move(who.email, email);
    expect(await look()).toBe(404);
    await move(email, who.email);
    expect(await look()).toBe(200);

    // who has the old mailbox has no account by it
    await move(who.email, email);
    expect((await post('/password/reset', { token, password: newPassword })).status).toBe(404);
    expect([await logsIn({ ...who, email }, newPassword), await logsIn({ ...who, email }, who.password)]).toEqual([
      401, 200,
    ]);
  });

  it('is worth nothing after half an hour', async () => {
    const { who, token } = await memberWithLink();
    const links = await site.app
      .get(DataSource)
      .query<{ createdAt: string; expiresAt: string }[]>(
        `SELECT l."createdAt", l."expiresAt" FROM "links" l JOIN "users" u ON u."id" = l."userId" WHERE u."email" = $1`,
        [who.email],
      );
    expect(links.map(({ createdAt, expiresAt }) => Number(expiresAt) - Number(createdAt))).toEqual([30 * 60_000]);
    await site.app
      .get(DataSource)
      .query(`UPDATE "links" SET "expiresAt" = $1 WHERE "userId" = (SELECT "id" FROM "users" WHERE "email" = $2)`, [
        Date.now() - 1,
        who.email,
      ]);
    expect((await post('/password/reset', { token, password: newPassword })).status).toBe(404);
    expect(await logsIn(who, who.password)).toBe(200);
  });

  it('is not spent by looking at it, nor by a password that will not do', async () => {
    const { who, token } = await memberWithLink();
    for (let looks = 0; looks < 3; looks++)
      expect((await new Visitor(site.url).ask(`/password/reset?token=${token}`)).status).toBe(200);
    const bad = await post('/password/reset', { token, password: 'password' });
    expect(bad.status).toBe(422);
    const html = await bad.text();
    expect(fieldOf(html, 'password').fault).toContain('commonest');
    expect(fieldOf(html, 'token').value).toBe(token);
    expect(await logsIn(who, who.password)).toBe(200);
    expect((await post('/password/reset', { token, password: newPassword })).status).toBe(303);
  });

  it('leads to the site that the operator named, whatever the request says', async () => {
    const who = await new Script(site.url).register();
    const { port } = new URL(site.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        {
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/api/v1/password-resets',
          headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'content-type': 'application/json' },
        },
        (answer) => resolve(answer.resume().statusCode),
      );
      asked.on('error', reject);
      asked.end(JSON.stringify({ email: who.email }));
    });
    expect(status).toBe(202);
    const mail = await waitForMail(site, who.email, /choose a new password/i);
    expect(linkIn(mail)).toMatch(/^http:\/\/gate\.example\/password\/reset\?token=[\w-]{43}$/);
    expect(mail.text).not.toContain('evil');
  });

  it('opens nothing else, and nothing else opens it', async () => {
    const { token } = await memberWithLink();
    expect((await new Visitor(site.url).ask(`/email/confirmation?token=${token}`)).status).toBe(404);
    expect((await new Visitor(site.url).ask(`/login/open?token=${token}`)).status).toBe(404);
    expect((await new Visitor(site.url).ask('/password/reset?token=nothing')).status).toBe(404);
    expect((await new Visitor(site.url).ask('/password/reset')).status).toBe(404);
  });
});

describe('a stranger who asks for somebody’s link', () => {
  it('is told the same for a known and an unknown email, and no mail goes to nobody', async () => {
    const who = await new Script(site.url).register();
    const unknown = person().email;
    const [forKnown, forUnknown] = [await asks(who.email), await asks(unknown)];
    expect([forKnown.status, forKnown.at]).toEqual([forUnknown.status, forUnknown.at]);
    expect(messageOf(forKnown.html, 'status')?.replace(who.email, 'X')).toBe(
      messageOf(forUnknown.html, 'status')?.replace(unknown, 'X'),
    );
    await waitForMail(site, who.email, /choose a new password/i);
    expect((await mailsIn(site)).filter(({ to }) => to?.some(({ address }) => address === unknown))).toEqual([]);
  });

  it('gets none sent to a member who is disabled', async () => {
    const who = await new Script(site.url).register();
    await site.app
      .get(DataSource)
      .query(`UPDATE "users" SET "disabledAt" = $1 WHERE "email" = $2`, [Date.now(), who.email]);
    await asks(who.email);
    const other = await new Script(site.url).register();
    await asks(other.email);
    await waitForMail(site, other.email, /choose a new password/i);
    expect((await mailsIn(site)).filter(({ to }) => to?.some(({ address }) => address === who.email))).toEqual([]);
  });
});
