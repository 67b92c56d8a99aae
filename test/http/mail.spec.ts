import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SMTPServerOptions } from 'smtp-server';
import { DataSource } from 'typeorm';
import { dayMs, hourMs, minuteMs } from '../../src/config/durations.js';
import type { Letter } from '../../src/mail/letters.js';
import { MailService } from '../../src/mail/mail.service.js';
import { Outbox } from '../../src/mail/outbox.js';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite, startApp, type TestApp } from '../support/app.js';
import { eventually, makeLasting, type Lasting } from '../support/database.js';
import { faultsOf } from '../support/faults.js';
import { linkIn, mailsIn, startSmtp, waitForMail, type Mail, type Smtp } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';

const publicUrl = 'https://files.example.org';
const link = `${publicUrl}/password/reset?token=the-canary-opens-it`;
const ada = 'ada@example.com';

/** A letter with a link, to Ada or to whom it is said. */
const letterTo = (to: string | undefined = ada): Letter => ({ to, view: 'reset-password', data: { link } });
const decoy: Letter = { ...letterTo(), to: undefined };

const mailOf = ({ app }: TestApp) => app.get(MailService);

interface Row {
  readonly id: string;
  readonly letter: string;
  readonly createdAt: number;
  readonly tries: number;
  readonly dueAt: number;
}

/** What waits in the outbox. */
async function waiting({ app }: TestApp): Promise<Row[]> {
  // PostgreSQL gives a bigint as text
  const rows = await app
    .get(DataSource)
    .query<(Omit<Row, 'createdAt' | 'dueAt'> & Record<'createdAt' | 'dueAt', number | string>)[]>(
      'SELECT * FROM "outbox" ORDER BY "id"',
    );
  return rows.map((row) => ({ ...row, createdAt: Number(row.createdAt), dueAt: Number(row.dueAt) }));
}

/** Lets time pass for the letters that wait, and has them sent. */
async function makeDue(site: TestApp, changes = ''): Promise<void> {
  await site.app.get(DataSource).query(`\nUPDATE "outbox" SET "dueAt" = 0 ${changes}`);
  mailOf(site).sendDue();
}

/** Waits until every letter was tried so often that those left wait for another day, and gives them. */
async function tried(site: TestApp, tries: number): Promise<Row[]> {
  let rows: Row[] = [];
  await eventually(async () => {
    rows = await waiting(site);
    return rows.length > 0 && rows.every((row) => row.tries === tries && !isTaken(row));
  });
  return rows;
}

/** Who sends a letter has taken it for three minutes; no rest is as long. */
const isTaken = ({ dueAt }: Row) => Math.abs(dueAt - Date.now() - 3 * minuteMs) < 20_000;

const emptied = (site: TestApp) => eventually(async () => (await waiting(site)).length === 0);

const headerOf = (mail: Mail | undefined, key: string) =>
  mail?.headers.filter((header) => header.key === key).map(({ value }) => value);

/** The lines of the log with these words, once there are any: they may come after what they tell of. */
async function linesOf(site: TestApp, words: RegExp): Promise<Record<string, unknown>[]> {
  const lines = () =>
    site
      .log()
      .split('\n')
      .filter((line) => words.test(line));
  await eventually(() => lines().length > 0);
  return lines().map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a site with a mail server', () => {
  let smtp: Smtp;
  let site: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    site = await startApp({
      SMTP_URL: smtp.url,
      PUBLIC_URL: publicUrl,
      MAIL_FROM: 'Tor für Dateien <gate@example.org>',
      LOG_LEVEL: 'trace',
    });
  });
  afterAll(async () => {
    await site.close();
    await smtp.close();
  });
  afterEach(async () => {
    smtp.mood = 'takes';
    await site.app.get(DataSource).query('\nDELETE FROM "outbox"');
  });

  const sent = async (to: string) => {
    await eventually(() => smtp.mails.some((mail) => mail.to?.[0]?.address === to));
    return smtp.mails.filter((mail) => mail.to?.[0]?.address === to);
  };

  it('sends a letter as text and HTML, and keeps nothing of it', async () => {
    const before = Date.now();
    await mailOf(site).send(letterTo());
    const [row] = await waiting(site);
    const [mail, ...more] = await sent(ada);
    expect(more).toEqual([]);
    expect(mail).toMatchObject({
      from: { name: 'Tor für Dateien', address: 'gate@example.org' },
      to: [{ address: ada, name: '' }],
      subject: 'Choose a new password · files.example.org',
      messageId: `<${row?.id}@files.example.org>`,
    });
    expect(mail?.text).toContain(`\n\n${link}\n\n`);
    expect(mail?.html).toContain('<h1');
    expect(headerOf(mail, 'content-type')).toEqual([expect.stringMatching(/^multipart\/alternative;/)]);
    expect(headerOf(mail, 'auto-submitted')).toEqual(['auto-generated']);
    expect(Math.abs(Date.parse(mail?.date ?? '') - before)).toBeLessThan(5_000);
    expect(mail?.headers.map(({ key }) => key)).not.toContain('x-mailer');
    await emptied(site);
  });

  it('has the letter in the database when it says so, and looks the same there for somebody who is not there', async () => {
    smtp.mood = 'refuses';
    await mailOf(site).send(letterTo());
    await mailOf(site).send(decoy);
    await mailOf(site).send({ to: 'a'.repeat(60) + ada, view: 'password-changed', data: {} });
    const rows = await waiting(site);
    expect(rows.map(({ letter }) => letter.length)).toEqual(Array.from({ length: 3 }, () => rows[0]?.letter.length));
    expect(new Set(rows.map(({ letter }) => letter)).size).toBe(3);
    expect(await tried(site, 1)).toHaveLength(2);
  });

  it('sends nobody anything for a decoy, and keeps nothing of it', async () => {
    const { connections } = smtp;
    await mailOf(site).send(decoy);
    expect(await waiting(site)).toHaveLength(1);
    await emptied(site);
    expect(smtp.connections).toBe(connections);
  });

  it('gives a letter to one of many who reach for it at the same moment', async () => {
    await site.app.get(Outbox).put(letterTo(), 0);
    const taken = await Promise.all(Array.from({ length: 10 }, () => site.app.get(Outbox).take()));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  it('sends a letter again that was refused, and it is the same letter', async () => {
    smtp.mood = 'refuses';
    const before = Date.now();
    const to = 'refused@example.com';
    await mailOf(site).send(letterTo(to));
    const [row] = await tried(site, 1);
    expect((row?.dueAt ?? 0) - before).toBeGreaterThanOrEqual(30_000);
    expect((row?.dueAt ?? 0) - before).toBeLessThan(40_000);
    const lines = await linesOf(site, new RegExp(`"letter":"${row?.id}"`));
    expect(lines).toEqual([
      expect.objectContaining({
        level: 40,
        letter: row?.id,
        code: 'EENVELOPE',
        responseCode: 451,
        command: 'RCPT TO',
        msg: 'a letter could not be sent and is tried again later',
      }),
    ]);

    smtp.mood = 'takes';
    mailOf(site).sendDue();
    await mailOf(site).send(decoy);
    await eventually(async () => (await waiting(site)).length === 1);
    expect(await waiting(site)).toEqual([row]);

    await makeDue(site);
    expect(await sent(to)).toEqual([expect.objectContaining({ messageId: `<${row?.id}@files.example.org>` })]);
    await emptied(site);
  });

  it.each([
    [2, 2 * minuteMs],
    [3, 10 * minuteMs],
    [4, hourMs],
    [5, 6 * hourMs],
    [6, 6 * hourMs],
    [12, 6 * hourMs],
  ])('lets a letter rest longer after its try number %i', async (tries, rest) => {
    smtp.mood = 'refuses';
    await mailOf(site).send(letterTo());
    await tried(site, 1);
    await makeDue(site, `, "tries" = ${tries - 1}`);
    const [row] = await tried(site, tries);
    expect(Math.abs((row?.dueAt ?? 0) - Date.now() - rest)).toBeLessThan(10_000);
  });

  it('gives a letter up that nobody took for three days, and says so once', async () => {
    smtp.mood = 'refuses';
    await mailOf(site).send(letterTo('gone@example.com'));
    const [row] = await tried(site, 1);
    await makeDue(site, `, "createdAt" = ${Date.now() - 3 * dayMs + 7 * hourMs}, "tries" = 11`);
    await tried(site, 12);
    await makeDue(site, `, "createdAt" = ${Date.now() - 3 * dayMs + 5 * hourMs}`);
    await emptied(site);
    expect(await linesOf(site, /given up/)).toEqual([
      expect.objectContaining({ level: 50, letter: row?.id, tries: 13, responseCode: 451 }),
    ]);
  });

  it('gives a letter up at once that is refused for good, and tells the admins', async () => {
    smtp.mood = 'refuses for good';
    const script = new Script(site.url);
    const who = await script.register();
    const letters: [string, string][] = [
      [who.email, who.email],
      ['nobody@elsewhere.example', 'somebody at elsewhere.example'],
    ];
    for (const [to, target] of letters) {
      await mailOf(site).send(letterTo(to));
      await emptied(site);
      expect((await linesOf(site, /refused for good/)).at(-1)).toMatchObject({
        level: 50,
        tries: 1,
        responseCode: 550,
      });
      const [event] = await site.app
        .get(DataSource)
        .query<object[]>(`SELECT * FROM "events" WHERE "kind" = 'mail.given-up' ORDER BY "id" DESC LIMIT 1`);
      expect(event).toMatchObject({ outcome: 'refused', actor: null, target });
    }
  });

  it('is not held up by a letter that cannot be read, nor forgets it', async () => {
    await site.app
      .get(DataSource)
      .query(
        `\nINSERT INTO "outbox" VALUES ('a-letter-of-another-key', 'c2VhbGVkIG90aGVyd2lzZSwgYW5kIGxvbmc', 0, 0, 0)`,
      );
    await site.app.get(DataSource).query(`\nUPDATE "outbox" SET "createdAt" = ${Date.now()}`);
    await mailOf(site).send(letterTo('next@example.com'));
    await sent('next@example.com');
    expect(await tried(site, 1)).toEqual([expect.objectContaining({ id: 'a-letter-of-another-key' })]);
  });

  it('writes to the very address that it is told', async () => {
    const { length } = smtp.recipients;
    await mailOf(site).send(letterTo('"a,b"@example.com'));
    await mailOf(site).send(letterTo('"a\\"b"@example.com'));
    await emptied(site);
    expect(smtp.recipients.slice(length)).toEqual(['"a,b"@example.com', '"a\\"b"@example.com']);
  });

  it('tells neither its log nor its database what is in a letter and whom it is for', async () => {
    smtp.mood = 'refuses';
    await mailOf(site).send(letterTo('canary@example.com'));
    await tried(site, 1);
    const { entityMetadatas } = site.app.get(DataSource);
    const cells = await Promise.all(
      entityMetadatas.map(({ tableName }) => site.app.get(DataSource).query(`SELECT * FROM "${tableName}"`)),
    );
    expect(JSON.stringify(cells)).toContain('"dueAt"');
    for (const told of [JSON.stringify(cells), site.log()])
      for (const secret of ['canary', 'the-canary-opens-it', ada, 'is not taken now', 'Choose a new'])
        expect(told).not.toContain(secret);
  });
});

describe('a mail server with TLS', () => {
  let site: TestApp | undefined;
  let smtp: Smtp;
  /** `user password` of those who logged in, and over what. */
  const logins: string[] = [];
  const options: SMTPServerOptions = {
    disabledCommands: [],
    allowInsecureAuth: true,
    onAuth({ username, password }, { secure }, answer) {
      logins.push(`${username} ${password} ${secure ? 'over TLS' : 'in the clear'}`);
      answer(null, { user: 'gate' });
    },
  };
  beforeEach(() => void logins.splice(0));
  afterEach(async () => {
    await site?.close();
    await smtp.close();
  });
  const address = (scheme: 'smtp' | 'smtps', query = '') =>
    smtp.url.replace('smtp://', `${scheme}://gate%40example.org:pass%2Fword@`) + query;
  const sendThrough = async (SMTP_URL: string) => {
    site = await startApp({ SMTP_URL, LOG_LEVEL: 'trace' });
    await mailOf(site).send(letterTo());
    return site;
  };

  it.each([
    ['smtp', false],
    ['smtps', true],
  ] as const)('gets nothing by %s where its certificate is not one to trust', async (scheme, secure) => {
    smtp = await startSmtp({ ...options, secure });
    const there = await sendThrough(address(scheme));
    await tried(there, 1);
    expect([smtp.mails, logins]).toEqual([[], []]);
    expect(await linesOf(there, /tried again/)).toEqual([
      expect.objectContaining({ cause: 'DEPTH_ZERO_SELF_SIGNED_CERT', command: 'CONN' }),
    ]);
    expect(there.log()).not.toMatch(/pass.{1,3}word/);
  });

  it.each([
    ['smtp', false],
    ['smtps', true],
  ] as const)('gets the mail and the password over TLS by %s', async (scheme, secure) => {
    smtp = await startSmtp({ ...options, secure });
    await emptied(await sendThrough(address(scheme, '/?tls.rejectUnauthorized=false')));
    expect(smtp.mails).toHaveLength(1);
    expect(logins).toEqual(['gate@example.org pass/word over TLS']);
  });

  it('that offers none gets no password, unless the operator says so', async () => {
    smtp = await startSmtp({ ...options, disabledCommands: ['STARTTLS'] });
    const there = await sendThrough(address('smtp'));
    await tried(there, 1);
    expect([smtp.mails, logins]).toEqual([[], []]);
    await there.close();
    await emptied(await sendThrough(address('smtp', '?requireTLS=false')));
    expect(logins).toEqual(['gate@example.org pass/word in the clear']);
  });
});

describe('a mail server that hangs', () => {
  let smtp: Smtp;
  let lasting: Lasting;
  let site: TestApp | undefined;
  beforeAll(async () => {
    smtp = await startSmtp();
    lasting = await makeLasting();
  });
  afterAll(async () => {
    await site?.close();
    await smtp.close();
    await lasting.drop();
  });

  it('holds up no page and no end, and gets the letter after the next start', async () => {
    smtp.mood = 'hangs';
    const first = (site = await startApp({ ...lasting.environment, SMTP_URL: smtp.url }));
    await mailOf(first).send(letterTo());
    await eventually(() => smtp.connections === 1);

    const beginning = Date.now();
    expect((await new Visitor(first.url).ask('/login')).status).toBe(200);
    await mailOf(first).send(letterTo());
    expect(await waiting(first)).toHaveLength(2);
    expect(Date.now() - beginning).toBeLessThan(2_000);
    await first.close();
    site = undefined;
    expect(Date.now() - beginning).toBeLessThan(8_000);
    expect(smtp.connections).toBe(1);
    expect(faultsOf(first)).toEqual([]);

    smtp.mood = 'takes';
    site = await startApp({ ...lasting.environment, SMTP_URL: smtp.url });
    await emptied(site);
    expect(smtp.mails).toHaveLength(2);
  });
});

describe('a site without a mail server', () => {
  const site = aSite(() => startApp({ PUBLIC_URL: publicUrl, LOG_LEVEL: 'trace' }));

  const filesOf = () => readdirSync(join(site.settings.dataDir, 'outbox')).toSorted();

  it('keeps each mail as a file, and says where but not what', async () => {
    await mailOf(site).send(letterTo());
    const mail = await waitForMail(site, ada, /new password/i);
    expect(linkIn(mail)).toBe(link);
    expect(mail).toMatchObject({
      from: { name: 'Gatehouse', address: 'gatehouse@files.example.org' },
      subject: 'Choose a new password · files.example.org',
    });
    await emptied(site);

    const [file = '', ...more] = filesOf();
    expect(more).toEqual([]);
    expect(file).toMatch(/^20\d{6}T\d{6}-[0-9a-f-]{36}\.eml$/);
    const path = join(site.settings.dataDir, 'outbox', file);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o750);
    expect(await linesOf(site, /SMTP_URL/)).toEqual([
      expect.objectContaining({ level: 30, file: path, msg: expect.stringMatching(/^SMTP_URL is not set: .*\.eml$/) }),
    ]);
    expect(site.log()).not.toMatch(/canary|ada@|Choose a new/i);
  });

  it('keeps the link of each mail whole, on a line of its own', async () => {
    const at = `${publicUrl}/path?token=${'a-long_secret'.repeat(8)}&more=1`;
    const facts = {
      what: 'ä',
      left: '1',
      device: 'ü',
      address: '::1',
      at: 'now',
      email: 'é@example.com',
      file: '“ß”.pdf',
    };
    const data = { ...facts, days: '7', link: at };
    const views = ['verify-email', 'confirm-new-email', 'reset-password', 'login-link', 'account-approved'] as const;
    const more = ['account-awaits', 'registered-again', 'file-reminder', 'invite'] as const;
    for (const view of [...views, ...more]) await mailOf(site).send({ to: `${view}@example.com`, view, data });
    await emptied(site);
    const folder = join(site.settings.dataDir, 'outbox');
    const texts = filesOf().map((file) => readFileSync(join(folder, file), 'utf8'));
    for (const view of [...views, ...more]) {
      const text = texts.find((one) => one.includes(`To: ${view}@example.com`)) ?? '';
      expect([view, text.split('\r\n').includes(at)]).toEqual([view, true]);
      expect(text).toContain(`href="${at.replaceAll('&', '&amp;')}"`);
      expect(text).not.toMatch(/=3D|[^?]=\r\n|base64/);
    }
  });

  it('keeps them in their order, and none for a decoy', async () => {
    const before = await mailsIn(site);
    for (const to of ['one@example.com', undefined, 'two@example.com', 'three@example.com'])
      await mailOf(site).send({ ...letterTo(), to });
    await emptied(site);
    const mails = (await mailsIn(site)).slice(before.length);
    expect(mails.map((mail) => mail.to?.[0]?.address)).toEqual([
      'one@example.com',
      'two@example.com',
      'three@example.com',
    ]);
  });

  it('keeps a mail once, though a crash has it written twice', async () => {
    await mailOf(site).send(letterTo('twice@example.com'));
    const [row] = await waiting(site);
    await emptied(site);
    const before = filesOf();
    const { id, letter, createdAt } = row ?? {};
    await site.app.get(DataSource).query(`\nINSERT INTO "outbox" VALUES ('${id}', '${letter}', ${createdAt}, 1, 0)`);
    mailOf(site).sendDue();
    await emptied(site);
    expect(filesOf()).toEqual(before);
  });

  it('writes to nobody rather than to an address that is not quite the one it was told', async () => {
    const before = filesOf();
    await mailOf(site).send(letterTo('"<b"@example.com'));
    expect(await tried(site, 1)).toHaveLength(1);
    expect(filesOf()).toEqual(before);
  });
});

/** A page that speaks of a mail, or the answer to its form. */
type Spoken = readonly [who: 'stranger' | 'member' | 'admin', path: string, form?: Record<string, string>];

const spoken: readonly Spoken[] = [
  ['stranger', '/password/forgot'],
  ['stranger', '/password/forgot', { email: 'grace@example.com' }],
  ['stranger', '/login/link'],
  ['stranger', '/login/link', { email: 'grace@example.com' }],
  ['stranger', '/register', { name: 'Joan', email: 'joan@example.com', password: 'a sentence of many words' }],
  ['member', '/account'],
  ['member', '/account/email'],
  ['member', '/account/email', { email: 'grace@example.com' }],
  ['member', '/account/email/verification', {}],
  ['admin', '/admin/members/:id'],
  ['admin', '/admin/members/:id/reset-link', {}],
  ['admin', '/admin/members/:id/factors/reset', {}],
  ['admin', '/admin/members/:id/approval', {}],
  ['admin', '/admin/files/:fileId/receipts'],
  ['admin', '/admin/files/:fileId/reminders', {}],
  ['admin', '/admin/invites'],
  ['admin', '/admin/invites', { days: '7', email: 'grace@example.com' }],
];

describe.each(['with', 'without'])('what pages say of a mail, %s a mail server', (which) => {
  const promise =
    /on its way|mail you|mailed there|get a mail|address is told|told so by mail|mail tells|by mail|goes to|letters go to|a letter goes|mail we sent/i;
  let smtp: Smtp;
  let site: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    site = await startWithAdmin({ PUBLIC_URL: 'http://127.0.0.1', ...(which === 'with' && { SMTP_URL: smtp.url }) });
  });
  afterAll(() => site.close());
  afterAll(() => smtp.close());

  it('is a promise if it can leave, and else none', async () => {
    const [stranger, member] = [new Visitor(site.url), new Visitor(site.url)];
    const id = await idOf(site, await member.register());
    const { browser: admin, script } = await adminOf(site);
    await script.ask('/api/v1/registration', { method: 'PUT', json: { mode: 'approval', domains: [] } });
    const waiting = person();
    await new Visitor(site.url).visit('/register', { form: { ...waiting } });
    const { items } = (await (await script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
    const said: [what: string, promises: boolean, denies: boolean][] = [];
    for (const [who, path, form] of spoken) {
      const about = path.includes('approval') ? await idOf(site, waiting) : id;
      const address = path.replace(':id', about).replace(':fileId', items[0]?.id ?? 'none');
      const { html, status } = await { stranger, member, admin }[who].visit(address, form && { form });
      expect([path, status]).toEqual([path, 200]);
      const main = html.slice(html.indexOf('<main'));
      said.push([`${path}${form ? ' sent' : ''}`, promise.test(main), /sends no mail/i.test(main)]);
    }
    // what these say is on a button
    const isSilent = (path: string, form?: object) =>
      !form && ['/account', '/admin/files/:fileId/receipts'].includes(path);
    expect(said).toEqual(
      spoken.map(([, path, form]) => {
        const speaks = !isSilent(path, form);
        return [`${path}${form ? ' sent' : ''}`, speaks && which === 'with', speaks && which === 'without'];
      }),
    );
  });
});
