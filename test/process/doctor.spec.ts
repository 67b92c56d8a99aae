import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { examine } from '../../src/commands/examination.js';
import { newDatabase } from '../support/app.js';
import { gatehouse, query, type Environment } from '../support/command.js';
import { startSmtp } from '../support/mail.js';
import { newFolder } from '../support/server.js';

/** What the doctor finds, by what it looked at; the last, where it found two things of one. */
const diagnose = async (environment: Environment) =>
  Object.fromEntries((await examine(environment)).map((finding) => [finding.check, finding]));

const fine = { state: 'ok' };
const problem = (words: string) => ({ state: 'problem', words: expect.stringMatching(words) as unknown });
const warning = (words: string) => ({ state: 'warning', words: expect.stringMatching(words) as unknown });

const template = join(newFolder(), 'data');
const PUBLIC_URL = 'http://127.0.0.1:1';

/** A site with an admin that does not run. */
function asleep(): { DATA_DIR: string; PUBLIC_URL: string; file: string } {
  const DATA_DIR = join(newFolder(), 'data');
  cpSync(template, DATA_DIR, { recursive: true });
  chmodSync(DATA_DIR, 0o750);
  return { DATA_DIR, PUBLIC_URL, file: join(DATA_DIR, 'gatehouse.db') };
}

beforeAll(async () => {
  const environment = { DATA_DIR: template, PUBLIC_URL };
  expect((await gatehouse(environment, 'members add ada@example.com --name Ada --admin')).code).toBe(0);
  // all of it in the one file
  await query(environment, 'PRAGMA wal_checkpoint(TRUNCATE)');
});

describe('the doctor', () => {
  it('finds nothing where nothing was set up, and makes nothing', async () => {
    const DATA_DIR = join(newFolder(), 'data');
    expect(await diagnose({ DATA_DIR })).toMatchObject({
      'data folder': problem('ENOENT.*Start the site'),
      database: problem('ENOENT.*DATA_DIR'),
    });
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('finds settings that are wrong, and says no secret', async () => {
    const wrong = { PORT: 'eighty', APP_SECRET: 'canary-too-short', ADMIN_PASSWORD: 'canary-of-the-admin' };
    const { code, output, remarks } = await gatehouse(wrong, 'doctor');
    expect([code, remarks]).toEqual([1, '']);
    expect(output.match(/^problem {2}settings {2,}[A-Z_]+/gm)).toHaveLength(3);
    expect(output).not.toContain('canary');
  });

  it('finds a folder in it that the site cannot use, and a welcome file that is not there', async () => {
    const site = asleep();
    rmSync(join(site.DATA_DIR, 'files'), { recursive: true });
    writeFileSync(join(site.DATA_DIR, 'files'), '');
    rmSync(join(site.DATA_DIR, 'outbox'), { recursive: true });
    writeFileSync(join(site.DATA_DIR, 'outbox'), '');
    expect(await diagnose({ ...site, WELCOME_FILE: join(site.DATA_DIR, 'nothing.pdf') })).toMatchObject({
      'files folder': problem('files cannot be used|files is no folder'),
      'mail folder': problem('outbox cannot be used|outbox is no folder'),
      'welcome file': warning('WELCOME_FILE cannot be read: ENOENT'),
    });
  });

  it('finds a data folder that is none', async () => {
    const DATA_DIR = join(newFolder(), 'file');
    writeFileSync(DATA_DIR, '');
    expect(await diagnose({ DATA_DIR })).toMatchObject({ 'data folder': problem('is no folder') });
  });

  it('finds what others can look into, and leaves it to the operator', async () => {
    const site = asleep();
    // as systemd's StateDirectory= makes it: there is nothing in it that others could read
    chmodSync(site.DATA_DIR, 0o755);
    expect(await diagnose(site)).toMatchObject({ permissions: fine });
    chmodSync(join(site.DATA_DIR, 'files'), 0o755);
    expect(await diagnose(site)).toMatchObject({ permissions: warning('files .mode 0755.: chmod 750') });
    chmodSync(join(site.DATA_DIR, 'files'), 0o750);
    chmodSync(site.DATA_DIR, 0o775);
    chmodSync(join(site.DATA_DIR, 'app-secret'), 0o640);
    expect(await diagnose(site)).toMatchObject({
      permissions: warning('others can change.*mode 0775.*chmod 750'),
      secret: problem('mode 0640.*chmod 600'),
      answer: warning('Nobody answers at http://127.0.0.1:1'),
    });
    expect(statSync(site.DATA_DIR).mode & 0o777).toBe(0o775);

    chmodSync(site.DATA_DIR, 0o750);
    chmodSync(site.file, 0o644);
    rmSync(join(site.DATA_DIR, 'app-secret'));
    expect(await diagnose(site)).toMatchObject({
      permissions: warning('others can read .*gatehouse.db'),
      secret: problem('There is no .*app-secret: restore it'),
    });
    expect(existsSync(join(site.DATA_DIR, 'app-secret'))).toBe(false);
    expect((await diagnose({ ...site, APP_SECRET: '0f8a1c6d94b7e23f5d60a9c81b3e74f2' })).secret).toMatchObject(fine);
  });

  it('finds a key that is not the database’s, and bytes that are not there, without touching them', async () => {
    const site = asleep();
    expect(await diagnose(site)).toMatchObject({ key: fine, bytes: fine });
    const [bytes = ''] = readdirSync(join(site.DATA_DIR, 'files'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => /^[0-9a-f]{2}.[0-9a-f]{30}$/.test(path),
    );
    writeFileSync(join(site.DATA_DIR, 'files', bytes), 'cut short');
    const other = { ...site, APP_SECRET: 'd41f8c39b7a2460e95bd83c7f1e6a052' };
    expect(await diagnose(other)).toMatchObject({
      key: problem('another key than APP_SECRET.*key accept'),
      bytes: problem('Those of 1 of 1 versions of files are missing or cut short'),
    });
    rmSync(join(site.DATA_DIR, 'files', bytes));
    expect(await diagnose(site)).toMatchObject({ key: fine, bytes: problem('Those of 1 of 1') });
  });

  it('finds a database that is damaged', async () => {
    const site = asleep();
    const page = Buffer.alloc(4_096, 0xff);
    const file = openSync(site.file, 'r+');
    for (const number of [10, 11, 12, 13]) writeSync(file, page, 0, page.length, number * page.length);
    closeSync(file);
    expect(await diagnose(site)).toMatchObject({ integrity: problem('damaged.*restore a backup') });
    writeFileSync(site.file, page, { flag: 'r+' });
    expect(await diagnose(site)).toMatchObject({ database: problem('SQLITE_NOTADB') });
  });

  it('finds a database that is something else or is not there, and leaves it so', async () => {
    const site = asleep();
    const notes = 'These are notes, and no database at all.\n'.repeat(100);
    writeFileSync(site.file, notes);
    expect(await diagnose(site)).toMatchObject({ database: problem('SQLITE_NOTADB') });
    expect(readFileSync(site.file, 'utf8')).toBe(notes);
    expect(await diagnose({ ...site, DATABASE_URL: 'sqlite:other.db' })).toMatchObject({ database: problem('ENOENT') });
    expect(existsSync(join(site.DATA_DIR, 'other.db'))).toBe(false);
  });

  it('finds a schema that is not this version’s, and does not change it', async () => {
    const site = asleep();
    const later = `INSERT INTO "migrations" ("timestamp", "name") VALUES (9999999999999, 'Tomorrow9999999999999')`;
    await query(site, later);
    expect(await diagnose(site)).toMatchObject({
      schema: problem('later version of Gatehouse .Tomorrow9999999999999'),
    });
    await query(site, `DELETE FROM "migrations" WHERE "timestamp" > 1795305600001`);
    expect(await diagnose(site)).toMatchObject({ schema: problem('It lacks AccountsThatHold1795392000001') });
    expect(await query(site, 'SELECT "name" FROM "migrations"')).toHaveLength(1);
  });

  it('finds a clock that was set back, mails that wait, and admins who have not all they need', async () => {
    const site = { ...asleep(), REQUIRE_MFA: 'admins' };
    expect(await diagnose(site)).toMatchObject({
      clock: fine,
      outbox: fine,
      admins: fine,
      'second factor': warning('REQUIRE_MFA is admins.*ada@example.com'),
    });
    await query(site, `UPDATE "events" SET "at" = $1`, [Date.now() + 60_000]);
    await query(site, `INSERT INTO "outbox" ("id", "letter", "createdAt", "dueAt") VALUES ('1', '', 0, 0)`);
    await query(site, `UPDATE "users" SET "disabledAt" = 1`);
    expect(await diagnose(site)).toMatchObject({
      clock: problem('newest event is \\d\\d s ahead'),
      outbox: warning('waited for more than an hour'),
      admins: warning('There is none'),
    });
  });

  it('finds mails that nobody took, and old accounts whose mailbox opens another', async () => {
    const site = asleep();
    const found = await diagnose(site);
    for (const check of ['mails lost', 'emails']) expect(found).not.toHaveProperty([check]);
    const day = 24 * 60 * 60 * 1_000;
    for (const [email, days] of [
      ['grace@example.com', 1],
      ['long-ago@example.com', 8],
    ] as const)
      await query(
        site,
        `INSERT INTO "events" ("id", "at", "kind", "outcome", "target", "requestId", "searchText")
         VALUES ($1, $2, 'mail.given-up', 'refused', $3, '', '')`,
        [email, Date.now() - days * day, email],
      );
    await query(site, `UPDATE "users" SET "email" = 'ada@EXAMPLE.com'`);
    const then = await diagnose(site);
    expect(then).toMatchObject({
      'mails lost': warning('no mail server took it: grace@example.com$'),
      emails: warning('opens another account.*: ada@EXAMPLE.com.*Disable them'),
    });
  });

  it('finds a PostgreSQL that does not answer, does not know the password, or is empty; and tells nobody of it', async () => {
    const database = await newDatabase('postgres');
    try {
      const url = database?.url ?? '';
      const about = (given: string) => gatehouse({ DATA_DIR: newFolder(), DATABASE_URL: given }, 'doctor');
      const away = await about('postgres://gatehouse:sesame@127.0.0.1:1/gatehouse');
      const refused = await about(url.replace(':gatehouse@', ':sesame@'));
      const empty = await about(url);
      expect([away.code, refused.code, empty.code]).toEqual([1, 1, 1]);
      expect(away.output).toMatch(/^problem {2}database {2,}It cannot be used: connect ECONNREFUSED/m);
      expect(refused.output).toMatch(/^problem {2}database {2,}It cannot be used: .*password/m);
      expect(empty.output).toMatch(/^problem {2}schema {2,}It lacks AccountsAndFiles/m);
      expect(away.output + refused.output + empty.output).not.toContain('sesame');
    } finally {
      await database?.drop();
    }
  });

  it('asks the mail server, sending nothing, and whoever answers at PUBLIC_URL', async () => {
    const smtp = await startSmtp();
    const other = createServer((_, answer) => answer.end('a page of somebody else')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const site = { ...asleep(), SMTP_URL: smtp.url, PUBLIC_URL: `http://127.0.0.1:${port}` };
    expect(await diagnose(site)).toMatchObject({ mail: fine, answer: warning('is no Gatehouse .200') });
    expect([smtp.connections, smtp.mails.length]).toEqual([1, 0]);
    await smtp.close();
    other.close();
    expect(await diagnose(site)).toMatchObject({ mail: problem('ECONNREFUSED'), answer: warning('Nobody answers') });
  });

  it('warns of a site older than a day without a backup, and of a last one that is a week old or more', async () => {
    const site = asleep();
    const last = join(site.DATA_DIR, 'last-backup.json');
    const madeHoursAgo = (hours: number) =>
      writeFileSync(last, JSON.stringify({ at: new Date(Date.now() - hours * 3_600_000).toISOString(), target: '/b' }));
    const backup = async () => (await diagnose(site)).backup;
    expect(await backup()).toMatchObject({
      ...fine,
      words: expect.stringMatching('none yet.*backup FOLDER') as unknown,
    });
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * 86_400_000);
    const { backup: none } = await diagnose(site).finally(() => now.mockRestore());
    expect(none).toMatchObject(warning('There is none.*backup FOLDER makes one'));
    madeHoursAgo(7 * 24 - 1);
    expect(await backup()).toMatchObject({
      ...fine,
      words: expect.stringMatching('the last is of .*, in /b$') as unknown,
    });
    madeHoursAgo(7 * 24 + 1);
    expect(await backup()).toMatchObject(warning('in /b, 7 days ago: .*backup FOLDER makes one'));
    for (const broken of ['{', '{}', 'null', '{"at":"then"}']) {
      writeFileSync(last, broken);
      expect([broken, await backup()]).toMatchObject([broken, warning('last-backup.json cannot be understood')]);
    }
  });

  it('tells of settings that may not be meant so', async () => {
    const DATA_DIR = newFolder();
    const plain = { DATA_DIR, PUBLIC_URL: 'http://gate.invalid', BREACH_LIST: join(DATA_DIR, 'none.txt') };
    const found = await diagnose({ ...plain, RATE_LIMITS: 'off' });
    expect(found).toMatchObject({
      PUBLIC_URL: warning('is not https'),
      BREACH_LIST: warning('ENOENT'),
      RATE_LIMITS: warning('anyone may guess'),
    });
    expect(found).not.toHaveProperty('TRUST_PROXY');
    const lines = { SMTP_URL: 'smtp://mail.invalid', BREACH_LIST: 'http://breaches.invalid/range' };
    expect(await diagnose({ ...plain, ...lines, DATABASE_URL: 'postgres://gate@db.invalid/gate' })).toMatchObject({
      SMTP_URL: warning('plain text'),
      BREACH_LIST: warning('use https'),
      DATABASE_URL: warning('without TLS'),
    });
    const secure = await diagnose({ DATA_DIR, PUBLIC_URL: 'https://gate.invalid' });
    expect(secure).toMatchObject({ PUBLIC_URL: fine, TRUST_PROXY: warning('not set') });
    expect(secure).not.toHaveProperty('RATE_LIMITS');
  });
});
