import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { DataSource } from 'typeorm';
import { createApp } from '../../src/app.js';
import { readSettings, SettingsError } from '../../src/config/settings.js';
import { aSite, startApp } from '../support/app.js';
import { fieldOf } from '../support/html.js';
import { linkIn, waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

const me = '/api/v1/users/me';
const next = 'another sentence of my own';

describe('a new password that is little more than a word of this site, or of its member', () => {
  const site = aSite(() => startApp({ PUBLIC_URL: 'http://files.example.org' }));

  const guessable = ['Gatehouse1', 'example files', 'Lovelace1815'];
  const words = expect.stringContaining('little more than your own name or this site’s');

  it.each(guessable)('makes no account, on the page or through the API: %s', async (password) => {
    const who = person({ password });
    const page = await new Visitor(site.url).visit('/register', { form: { ...who } });
    expect([page.status, fieldOf(page.html, 'password').fault]).toEqual([422, words]);
    const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: who });
    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [{ field: 'password', message: words }] }),
    ]);
    const found: unknown = await site.app
      .get(DataSource)
      .query('SELECT 1 FROM "users" WHERE "email" = $1', [who.email]);
    expect(found).toEqual([]);
  });

  it('makes no account where it is the email itself, in any case, with spaces around', async () => {
    const { email, ...who } = person();
    for (const password of [email, ` ${email.toUpperCase()} `, email.slice(0, email.indexOf('@'))]) {
      const page = await new Visitor(site.url).visit('/register', { form: { ...who, email, password } });
      expect([page.status, fieldOf(page.html, 'password').fault]).toEqual([422, words]);
      const answer = await new Script(site.url).ask('/api/v1/auth/register', { json: { ...who, email, password } });
      expect(answer.status).toBe(422);
    }
  });

  it('is not changed to, on the page or through the API', async () => {
    const [browser, script] = [new Visitor(site.url), new Script(site.url)];
    const [ada, grace] = [await browser.register(), await script.register()];
    for (const password of [...guessable, ada.email]) {
      const form = { currentPassword: ada.password, password };
      const page = await browser.visit('/account/password', { form });
      expect([page.status, fieldOf(page.html, 'password').fault]).toEqual([422, words]);
      const json = { currentPassword: grace.password, password: password === ada.email ? grace.email : password };
      expect((await script.ask(`${me}/password`, { method: 'PUT', json })).status).toBe(422);
    }
    for (const who of [ada, grace]) await new Script(site.url).logIn(who);
  });

  it('is set by no mailed link, which stays good', async () => {
    const who = await new Script(site.url).register();
    await new Script(site.url).ask('/api/v1/password-resets', { json: { email: who.email } });
    const link = new URL(linkIn(await waitForMail(site, who.email, /choose a new password/i)));
    const token = link.searchParams.get('token') ?? '';
    const reset = (password: string) => new Visitor(site.url).visit('/password/reset', { form: { token, password } });
    for (const password of [...guessable, who.email]) {
      const { status, html } = await reset(password);
      expect([status, fieldOf(html, 'password').fault]).toEqual([422, words]);
    }
    expect((await reset(next)).at).toBe('/login');
    await new Script(site.url).logIn({ ...who, password: next });
  });

  it('opens the gate all the same where a member has it from before', async () => {
    const who = await new Script(site.url).register();
    const stranger = await new Script(site.url).register(person({ password: next }));
    const data = site.app.get(DataSource);
    await data.query(
      `UPDATE "users" SET "name" = 'Another Sentence', "passwordHash" =
        (SELECT "passwordHash" FROM "users" WHERE "email" = $1) WHERE "email" = $2`,
      [stranger.email, who.email],
    );
    await new Script(site.url).logIn({ ...who, password: next });
  });
});

describe('a first admin with a password that guessers try first', () => {
  const leaked = 'a sentence that was leaked';
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'gatehouse-admin-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['a word of the site', 'gatehouse1', 'little more than'],
    ['one from a breach', leaked, 'data breach'],
    ['one of the commonest', 'password1', 'commonest'],
    ['the email', 'ada@example.com', 'little more than'],
  ])('stops the start in words: %s', async (_what, password, words) => {
    const list = join(folder, 'list.txt');
    writeFileSync(list, createHash('sha1').update(leaked).digest('hex').toUpperCase());
    const settings = readSettings({
      DATA_DIR: folder,
      BREACH_LIST: list,
      ADMIN_EMAIL: 'ada@example.com',
      ADMIN_PASSWORD: password,
    });
    const fault: unknown = await createApp(settings, pino({ level: 'silent' })).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(SettingsError);
    expect((fault as Error).message).toMatch(new RegExp(`ADMIN_PASSWORD will not do\\. .*${words}`));
    expect((fault as Error).message).not.toContain(password);
  });
});
