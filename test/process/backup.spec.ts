import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrations } from '../../src/database/migrations.js';
import { keeper } from '../support/admins.js';
import { newDatabase } from '../support/app.js';
import { gatehouseHere, query, type Environment } from '../support/command.js';
import { programOf } from '../support/counted.js';
import { eventually } from '../support/database.js';
import { sha256 } from '../support/hash.js';
import { person, Script, type Person } from '../support/people.js';
import { newFolder, startServer, type Server } from '../support/server.js';
import { chance, tellSkipped } from '../support/suite.js';
import { startSystemPostgres } from '../support/system-postgres.js';
import { TusClient } from '../support/tus.js';

const admin = { ADMIN_EMAIL: keeper.email, ADMIN_PASSWORD: keeper.password };

interface Manifest {
  readonly createdAt: string;
  readonly folder: string;
  readonly database: { readonly path: string };
  readonly rows: Readonly<Record<string, number>>;
}
const manifestOf = (target: string) =>
  JSON.parse(readFileSync(join(target, 'gatehouse-backup.json'), 'utf8')) as Manifest;
const databaseOf = (target: string) => join(target, manifestOf(target).folder, 'gatehouse.db');
const bytesIn = (target: string) =>
  readdirSync(join(target, 'files'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

const inodesIn = (folder: string) =>
  new Map(bytesIn(folder).map((path) => [path.slice(folder.length), statSync(path).ino]));

/** Writes into a manifest what the database of its backup is now. */
function describeAnew(target: string): void {
  const { database, rows, ...rest } = manifestOf(target);
  const bytes = readFileSync(databaseOf(target));
  const what = { ...rest, database: { ...database, size: bytes.length, sha256: sha256(bytes) } };
  const changed = { ...what, rows: { ...rows, migrations: migrations.length - 1 } };
  writeFileSync(join(target, 'gatehouse-backup.json'), JSON.stringify(changed));
}

async function logIn({ url }: Server, who: { email: string; password: string }): Promise<Script> {
  const script = new Script(url);
  await script.logIn(who as Person);
  return script;
}

async function add({ url }: Server, token: string | undefined, name: string, bytes: Buffer): Promise<string> {
  const answer = await fetch(`${url}/api/v1/uploads/${name}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token ?? ''}` },
    body: new Uint8Array(bytes),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

async function change({ url }: Server, token: string | undefined, path: string, init: RequestInit): Promise<void> {
  const answer = await fetch(url + path, { ...init, headers: { authorization: `Bearer ${token ?? ''}` } });
  expect([path, answer.ok]).toEqual([path, true]);
}

function replace(server: Server, token: string | undefined, id: string, bytes: Buffer): Promise<void> {
  const body = new FormData();
  body.append('file', new Blob([new Uint8Array(bytes)]), 'again.bin');
  return change(server, token, `/api/v1/files/${id}/versions`, { method: 'POST', body });
}

const takeOff = (server: Server, token: string | undefined, id: string) =>
  change(server, token, `/api/v1/files/${id}`, { method: 'DELETE' });

const keptMail = '20270101T120000-kept.eml';

/** How many letters wait in the database. */
async function lettersOf(environment: Environment): Promise<number> {
  const [row] = await query<{ count: number }>(environment, 'SELECT COUNT(*) AS "count" FROM "outbox"');
  return Number(row?.count);
}

const mailsTo = (email: string, { DATA_DIR = '' }: Environment) =>
  readdirSync(join(DATA_DIR, 'outbox'))
    .filter((name) => name.endsWith('.eml'))
    .map((name) => readFileSync(join(DATA_DIR, 'outbox', name), 'utf8'))
    .filter((mail) => mail.includes(email));

/** Begins an upload that does not come to its end; gives its address. */
async function addHalf({ url }: Server, token: string | undefined): Promise<string> {
  const client = new TusClient(url, { authorization: `Bearer ${token ?? ''}` });
  const address = await client.begun(1_000, { filename: 'half.bin' });
  expect((await client.send(address, 0, Buffer.alloc(400, 'half'))).status).toBe(204);
  return address;
}

/** An upload that was not in the backup is not known to the restored site, and can be begun again. */
async function beginsAgain(server: Server, environment: Environment, address: string): Promise<void> {
  const { token } = await logIn(server, keeper);
  const client = new TusClient(server.url, { authorization: `Bearer ${token ?? ''}` });
  expect((await client.find(address)).status).toBe(404);
  expect((await client.send(address, 400, Buffer.alloc(600, 'half'))).status).toBe(404);
  // nor does it take room
  expect(await query(environment, 'SELECT "id" FROM "uploads"')).toEqual([]);
  const again = await client.begun(1_000, { filename: 'half.bin' });
  expect((await client.send(again, 0, Buffer.alloc(1_000, 'half'))).status).toBe(204);
}

/** Sees that each file on the shelf can be had and is what it says. */
async function provesWhole(server: Server): Promise<number> {
  const script = await logIn(server, keeper);
  const headers = { authorization: `Bearer ${script.token ?? ''}` };
  const list = await fetch(`${server.url}/api/v1/files?limit=100`, { headers });
  const { items } = (await list.json()) as { items: { id: string; sha256: string }[] };
  for (const { id, sha256: expected } of items) {
    const content = await fetch(`${server.url}/api/v1/files/${id}/content`, { headers });
    expect(sha256(Buffer.from(await content.arrayBuffer()))).toBe(expected);
  }
  return items.length;
}

describe('a backup', () => {
  const home = newFolder();
  const environment = { DATA_DIR: join(home, 'data'), PUBLIC_URL: 'http://127.0.0.1:1' };
  const target = join(home, 'backup');
  const archive = join(home, 'backup.tar');
  let server: Server;
  let before: Person;
  let half: string;

  beforeAll(async () => {
    // no mail server is there: letters wait
    server = await startServer({ ...environment, ...admin, SMTP_URL: 'smtp://127.0.0.1:1' });
    before = await new Script(server.url).register(person());
    await new Script(server.url).ask('/api/v1/password-resets', { json: { email: before.email } });
    await eventually(async () => (await lettersOf(environment)) > 0);
    mkdirSync(join(environment.DATA_DIR, 'outbox'), { recursive: true, mode: 0o750 });
    writeFileSync(join(environment.DATA_DIR, 'outbox', keptMail), 'To: ada@example.com\r\n\r\nA mail from before.\r\n');
    const { token } = await logIn(server, keeper);
    await add(server, token, 'old.bin', Buffer.alloc(2_000_000, 'old'));
    half = await addHalf(server, token);
  });
  afterAll(() => server.kill());

  it('is made of a site under load, at one point, into a folder and into a file', async () => {
    const load = { isOver: false };
    const { token } = await logIn(server, keeper);
    const loading = (async () => {
      for (let count = 0; !load.isOver; count++) {
        await new Script(server.url).register(person());
        const id = await add(server, token, `load-${count}.bin`, Buffer.alloc(100_000, `load ${count}`));
        await replace(server, token, id, Buffer.alloc(90_000, `again ${count}`));
        if (count % 2 === 1) await takeOff(server, token, id);
      }
      return true;
    })();
    const made = await gatehouseHere(environment, `backup ${target} --json`);
    expect([made.code, made.remarks]).toEqual([0, '']);
    const inodes = inodesIn(target);
    const again = await gatehouseHere(environment, `backup ${target} --json`);
    // each of them is the very file that was there
    for (const [path, inode] of inodes) expect([path, inodesIn(target).get(path)]).toEqual([path, inode]);
    const [first, second] = [made, again].map(({ output }) => JSON.parse(output) as { files: number; copied: number });
    // what was there is not copied again
    expect(second?.copied).toBe((second?.files ?? 0) - (first?.files ?? 0));
    expect((await gatehouseHere(environment, `backup ${archive}`)).code).toBe(0);
    load.isOver = true;
    expect(await loading).toBe(true);
    for (const one of [target, archive]) {
      const { code, output, remarks } = await gatehouseHere(environment, `backup verify ${one}`);
      expect([code, output, remarks]).toEqual([0, '', 'The backup is whole, and can be restored.\n']);
    }
  });

  it('shares the bytes with the newest backup beside it, and none with the site', async () => {
    const next = join(home, 'backup-2');
    expect((await gatehouseHere(environment, `backup ${next}`)).code).toBe(0);
    const [former, shared] = [inodesIn(target), inodesIn(next)];
    expect(former.size).toBeGreaterThan(1);
    for (const [path, inode] of former) expect([path, shared.get(path)]).toEqual([path, inode]);
    const ofTheSite = new Set(inodesIn(environment.DATA_DIR).values());
    for (const inode of shared.values()) expect(ofTheSite.has(inode)).toBe(false);
    rmSync(next, { recursive: true });
  });

  it('carries no flipped byte of the one before on unseen, and is whole again by --full', async () => {
    const [path = ''] = bytesIn(target);
    const { atime, mtime, ino } = statSync(path);
    const flipped = readFileSync(path);
    flipped[7] = (flipped[7] ?? 0) ^ 1;
    writeFileSync(path, flipped);
    utimesSync(path, atime, mtime);
    const next = join(home, 'backup-3');
    for (const one of [target, next]) {
      expect((await gatehouseHere(environment, `backup ${one}`)).code).toBe(0);
      expect(inodesIn(one).get(path.slice(target.length))).toBe(ino);
      const { code, output } = await gatehouseHere(environment, `backup verify ${one}`);
      expect([code, output]).toEqual([1, expect.stringMatching(/^changed {3}files\S+ {2}has other bytes.*\n$/)]);
    }
    rmSync(next, { recursive: true });
    expect((await gatehouseHere(environment, `backup ${target} --full`)).code).toBe(0);
    expect((await gatehouseHere(environment, `backup verify ${target}`)).code).toBe(0);
  });

  it('of an older version is brought up to date as a copy, and one that cannot be is found out', async () => {
    const older = join(newFolder(), 'backup');
    cpSync(target, older, { recursive: true });
    const path = databaseOf(older);
    const ask = (sql: string) => query({ ...environment, DATABASE_URL: `sqlite:${path}` }, sql);
    const name = 'VersionsOutOfSight1795564800009';
    await ask(`DELETE FROM "migrations" WHERE "name" = '${name}'`);
    describeAnew(older);
    // its column is there already
    const refused = await gatehouseHere(environment, `backup verify ${older}`);
    expect([refused.code, refused.output]).toEqual([
      1,
      expect.stringMatching(/^database {2}gatehouse.db {2}cannot be opened and brought up to date: .*wasOut\n$/),
    ]);

    await ask('DROP TRIGGER "files_replaced"');
    await ask(`CREATE TRIGGER "files_back" AFTER UPDATE OF "expiresAt" ON "files" BEGIN SELECT 1; END`);
    await ask('ALTER TABLE "file_versions" DROP COLUMN "wasOut"');
    describeAnew(older);
    const asItWas = sha256(readFileSync(path));
    const { code, output, remarks } = await gatehouseHere(environment, `backup verify ${older}`);
    expect([code, output, remarks]).toEqual([0, '', 'The backup is whole, and can be restored.\n']);
    expect(sha256(readFileSync(path))).toBe(asItWas);
    const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
    expect((await gatehouseHere(elsewhere, `restore ${older}`)).code).toBe(0);
    expect((await gatehouseHere(elsewhere, 'members list')).output).toContain(before.email);
    const ran = await query(elsewhere, `SELECT 1 AS "is" FROM "migrations" WHERE "name" = '${name}'`);
    expect(ran).toHaveLength(1);
  });

  it('is never restored over a running site', async () => {
    for (const one of [target, archive]) {
      const { code, remarks } = await gatehouseHere(environment, `restore ${one}`);
      expect([code, remarks]).toEqual([1, expect.stringMatching(/runs, or a command works on it: stop it first/)]);
    }
    expect(await provesWhole(server)).toBeGreaterThan(0);
  });

  it('is restored elsewhere, with its members, files and key', async () => {
    for (const one of [target, archive]) {
      const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
      expect((await gatehouseHere(elsewhere, `restore ${one}`)).code).toBe(0);
      const secrets = [environment, elsewhere].map(({ DATA_DIR }) => readFileSync(join(DATA_DIR, 'app-secret')));
      expect(secrets[0]).toEqual(secrets[1]);
      const mails = [environment, elsewhere].map(({ DATA_DIR }) => join(DATA_DIR, 'outbox', keptMail));
      expect(readFileSync(mails[1] ?? '')).toEqual(readFileSync(mails[0] ?? ''));
      await query(elsewhere, 'UPDATE "outbox" SET "dueAt" = 1');
      const other = await startServer(elsewhere);
      // the letter that waited is opened with the key, and leaves as a site without a mail server lets it leave
      await eventually(() => mailsTo(before.email, elsewhere).some((mail) => mail.includes('/password/reset?token=')));
      await logIn(other, before);
      expect(await provesWhole(other)).toBeGreaterThan(1);
      await beginsAgain(other, elsewhere, half);
      expect(await other.stop()).toBe(0);
      expect((await gatehouseHere(elsewhere, 'files verify')).code).toBe(0);
    }
  });

  it('is restored over a site that was killed, whose -wal does not outlive it', async () => {
    const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
    const { DATA_DIR } = elsewhere;
    expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
    const other = await startServer(elsewhere);
    const after = await new Script(other.url).register(person());
    await other.kill();
    expect(statSync(join(DATA_DIR, 'gatehouse.db-wal')).size).toBeGreaterThan(0);
    // as a restore leaves it that is killed while it settles the new database
    cpSync(join(DATA_DIR, 'gatehouse.db-wal'), join(DATA_DIR, 'gatehouse-restoring.db-wal'));
    // SIGKILL has freed the lock
    expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
    expect(existsSync(join(DATA_DIR, 'gatehouse.db-wal'))).toBe(false);
    expect(await query(elsewhere, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    const again = await startServer(elsewhere);
    await logIn(again, before);
    await expect(logIn(again, after)).rejects.toThrow();
    expect(await again.stop()).toBe(0);
    // a clean stop leaves all in the one file
    expect(readdirSync(DATA_DIR).filter((name) => /-(wal|shm)$/.test(name))).toEqual([]);
  });

  it('is found out by one flipped byte of any of its files', async () => {
    const [bytes = ''] = bytesIn(target);
    for (const path of [bytes, join(target, manifestOf(target).folder, 'app-secret'), databaseOf(target)]) {
      const whole = readFileSync(path);
      const flipped = Buffer.from(whole);
      const place = whole.length >> 1;
      flipped[place] = (flipped[place] ?? 0) ^ 1;
      writeFileSync(path, flipped);
      const { code, output } = await gatehouseHere(environment, `backup verify ${target}`);
      expect([path, code]).toEqual([path, 1]);
      expect(output).toMatch(/^changed {3}\S/m);
      const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
      expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(1);
      writeFileSync(path, whole);
    }
    const tar = readFileSync(archive);
    writeFileSync(archive, tar.subarray(0, tar.length >> 1));
    expect((await gatehouseHere(environment, `backup verify ${archive}`)).code).toBe(1);
    writeFileSync(archive, tar);
    expect((await gatehouseHere(environment, `backup verify ${target}`)).code).toBe(0);
  });

  it('is found out by one row or one file that it lacks', async () => {
    const path = databaseOf(target);
    const whole = readFileSync(path);
    await query({ ...environment, DATABASE_URL: `sqlite:${path}` }, 'DELETE FROM "users" WHERE "email" = $1', [
      before.email,
    ]);
    const rows = await gatehouseHere(environment, `backup verify ${target}`);
    expect([rows.code, rows.output]).toEqual([1, expect.stringMatching(/^rows {6}users {2}has \d+ rows and had \d+/m)]);
    for (const rest of ['-wal', '-shm']) rmSync(path + rest, { force: true });
    writeFileSync(path, whole);
    const [bytes = ''] = bytesIn(target);
    const content = readFileSync(bytes);
    rmSync(bytes);
    const files = await gatehouseHere(environment, `backup verify ${target}`);
    expect([files.code, files.output]).toEqual([1, expect.stringMatching(/^missing {3}files/m)]);
    writeFileSync(bytes, content);
  });

  it('is lost by no kill: a backup that is killed leaves the one before, or none that is taken for one', async () => {
    const [fresh, freshArchive] = [join(newFolder(), 'new'), join(newFolder(), 'new.tar')];
    let broken = 0;
    for (const [one, given, stage] of [
      [fresh, [], /^data-\d+$/],
      [target, ['--full'], /^files\/.*\.draft$/],
      [target, ['--full'], /^gatehouse-backup\.json\.draft$/],
      [freshArchive, [], /^\.new\.tar-\w+\/backup\/files\//],
      [archive, [], /^\.backup\.tar-\w+\/archive\.tar$/],
    ] as const) {
      const isNew = !existsSync(one);
      const former = isNew ? '' : markOf(one);
      const isFolder = !one.endsWith('.tar');
      if (isFolder) mkdirSync(one, { recursive: true });
      await killWhen(environment, ['backup', one, ...given], isFolder ? one : dirname(one), stage);
      const { code, remarks } = await gatehouseHere(environment, `backup verify ${one}`);
      if (isNew && !existsSync(isFolder ? join(one, 'gatehouse-backup.json') : one)) {
        broken++;
        expect([code, remarks]).toEqual([
          1,
          expect.stringMatching(/^There is no whole backup in|cannot be unpacked: /),
        ]);
      } else {
        expect([one, code]).toEqual([one, 0]);
        if (markOf(one) === former) broken++;
      }
      // what is left beside an archive goes with the first backup after a day
      const leftovers = () => readdirSync(dirname(one)).filter((name) => name.startsWith(`.${basename(one)}-`));
      for (const name of leftovers()) utimesSync(join(dirname(one), name), 1, 1);
      expect((await gatehouseHere(environment, `backup ${one}`)).code).toBe(0);
      expect((await gatehouseHere(environment, `backup verify ${one}`)).code).toBe(0);
      expect(leftovers()).toEqual([]);
      if (isFolder) expect(within(one).filter((path) => /\.draft$|^data-\d+$/.test(path))).toHaveLength(1);
    }
    process.stdout.write(`${broken} of 5 kills hit the middle of a backup\n`);
    expect(broken).toBeGreaterThan(1);
    expect(await provesWhole(server)).toBeGreaterThan(1);
  });

  it('keeps the bytes that it still wants from the sweep, and lets no other one begin', async () => {
    const { DATA_DIR } = environment;
    const { token } = await logIn(server, keeper);
    // the last that are copied
    const [replaced, deleted] = [
      await add(server, token, 'replaced.bin', Buffer.alloc(100_000, 'replaced')),
      await add(server, token, 'deleted.bin', Buffer.alloc(100_000, 'deleted')),
    ];
    await replace(server, token, replaced, Buffer.alloc(100_000, 'next'));
    await takeOff(server, token, deleted);
    const doomed = await query<{ storageKey: string }>(
      environment,
      `SELECT "storageKey" FROM "file_versions" WHERE "fileId" IN ($1, $2) ORDER BY "createdAt" LIMIT 2`,
      [replaced, deleted],
    );
    const paths = doomed.map(({ storageKey }) => join('files', storageKey.slice(0, 2), storageKey.slice(2)));
    const there = () => paths.map((path) => existsSync(join(DATA_DIR, path)));
    const held = join(newFolder(), 'held');
    mkdirSync(held);
    const child = command(environment, ['backup', held]);
    const ended = once(child, 'close');
    await seen(child, held, /^data-\d+\/gatehouse\.db$/, 'SIGSTOP');
    expect(paths.map((path) => existsSync(join(held, path)))).toEqual([false, false]);
    const other = await gatehouseHere(environment, `backup ${join(newFolder(), 'other')}`);
    expect([other.code, other.remarks]).toEqual([
      1,
      expect.stringMatching(/^Another backup of this site is being made/),
    ]);

    // the time of both has come: the first thing that a server does is to sweep
    const month = 31 * 86_400_000;
    await query(environment, 'UPDATE "files" SET "deletedAt" = "deletedAt" - $1 WHERE "id" = $2', [month, deleted]);
    await query(environment, 'UPDATE "file_versions" SET "createdAt" = "createdAt" - $1 WHERE "fileId" = $2', [
      month,
      replaced,
    ]);
    const second = await startServer(environment);
    expect(await second.stop()).toBe(0);
    expect(there()).toEqual([true, true]);
    child.kill('SIGCONT');
    expect((await ended)[0]).toBe(0);
    expect((await gatehouseHere(environment, `backup verify ${held}`)).code).toBe(0);
    expect(paths.map((path) => existsSync(join(held, path)))).toEqual([true, true]);
    const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
    expect((await gatehouseHere(elsewhere, `restore ${held}`)).code).toBe(0);
    expect((await gatehouseHere(elsewhere, 'files verify')).code).toBe(0);

    const third = await startServer(environment);
    await eventually(() => there().every((is) => !is));
    expect(await third.stop()).toBe(0);
  });

  it('is lost by no kill: a restore that is killed leaves a whole site, or says to run it again', async () => {
    const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
    expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
    const mark = join(elsewhere.DATA_DIR, 'restore-unfinished');
    let [unfinished, early] = [0, 0];
    for (const [one, stage] of [
      [target, /^restoring\/files/],
      [target, /^restore-unfinished$/],
      [archive, /^gatehouse-restoring\.db$/],
      [archive, /^restore-unfinished$/],
    ] as const) {
      rmSync(join(elsewhere.DATA_DIR, 'restoring'), { recursive: true, force: true });
      await killWhen(elsewhere, ['restore', one], elsewhere.DATA_DIR, stage);
      if (existsSync(mark)) {
        unfinished++;
        const refused = await gatehouseHere(elsewhere, 'members list');
        expect([refused.code, refused.remarks]).toEqual([1, expect.stringMatching(/Run it again: .*restore/)]);
        expect((await gatehouseHere(elsewhere, `restore ${one}`)).code).toBe(0);
      } else if (existsSync(join(elsewhere.DATA_DIR, 'restoring'))) early++;
      expect((await gatehouseHere(elsewhere, 'files verify')).code).toBe(0);
      expect(await query(elsewhere, 'SELECT 1 AS "is" FROM "users" WHERE "email" = $1', [before.email])).toHaveLength(
        1,
      );
    }
    expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
    expect(readdirSync(elsewhere.DATA_DIR).filter((name) => /restor|replaced/.test(name))).toEqual([]);
    process.stdout.write(`${unfinished} of 4 kills hit the exchange, ${early} the copying before it\n`);
    expect(unfinished).toBeGreaterThan(0);
    expect(early).toBeGreaterThan(0);
  });

  it('refuses a wrong command line, a target that is something else, and one in the data folder', async () => {
    expect((await gatehouseHere(environment, 'backup')).code).toBe(2);
    expect((await gatehouseHere(environment, 'restore')).code).toBe(2);
    const other = newFolder();
    writeFileSync(join(other, 'notes.txt'), 'mine');
    const inside = join(environment.DATA_DIR, 'backup');
    for (const one of [`backup ${other}`, `backup ${inside}`, `backup verify ${other}`, `restore ${other}`])
      expect([one, (await gatehouseHere(environment, one)).code]).toEqual([one, 1]);
    expect(readdirSync(other)).toEqual(['notes.txt']);
  });
});

describe('a backup of a PostgreSQL', () => {
  it('is made while the site runs, proved, and restored elsewhere and over the old site', async () => {
    const postgres = await startSystemPostgres();
    if (!postgres) {
      tellSkipped('a backup of a PostgreSQL', 'it needs one with a pg_dump of its own version in /usr/lib/postgresql');
      return;
    }
    try {
      const target = join(newFolder(), 'backup');
      const environment = {
        DATA_DIR: join(newFolder(), 'data'),
        DATABASE_URL: await postgres.newDatabase('site'),
        PUBLIC_URL: 'http://127.0.0.1:1',
      };
      const server = await startServer({ ...environment, ...admin });
      const before = await new Script(server.url).register(person());
      const { token } = await logIn(server, keeper);
      await add(server, token, 'old.bin', Buffer.alloc(200_000, 'old'));
      const half = await addHalf(server, token);
      expect((await gatehouseHere(environment, `backup ${target}`)).code).toBe(0);
      expect(await gatehouseHere(environment, `backup verify ${target}`)).toEqual({
        code: 0,
        output: '',
        remarks: 'The backup is whole, and can be restored.\n',
      });
      const after = await new Script(server.url).register(person());

      const beside = { ...environment, DATA_DIR: join(newFolder(), 'data') };
      for (const [site, words] of [
        [environment, /runs, or a command works on it: stop it first/],
        [beside, /A site runs on the database of DATABASE_URL: stop it first/],
      ] as const)
        expect(await gatehouseHere(site, `restore ${target}`)).toMatchObject({
          code: 1,
          remarks: expect.stringMatching(words) as unknown,
        });

      const elsewhere = { ...beside, DATABASE_URL: await postgres.newDatabase('elsewhere') };
      expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
      const other = await startServer(elsewhere);
      await logIn(other, before);
      await expect(logIn(other, after)).rejects.toThrow();
      expect(await provesWhole(other)).toBe(2);
      await beginsAgain(other, elsewhere, half);
      expect(await other.stop()).toBe(0);

      expect(await server.stop()).toBe(0);
      expect((await gatehouseHere(environment, `restore ${target}`)).code).toBe(0);
      expect(await query(environment, 'SELECT "email" FROM "users" WHERE "email" = $1', [after.email])).toEqual([]);
      expect((await gatehouseHere(environment, 'files verify')).code).toBe(0);

      // a row less: the first is that of an event, the last is the member's, whom other rows name
      const dump = join(target, manifestOf(target).folder, 'database.sql');
      const lines = readFileSync(dump, 'utf8').split('\n');
      const isOfMember = (line: string) => line.includes(`\t${before.email}\t`);
      for (const [place, words] of [
        [lines.findIndex(isOfMember), /^changed {3}database.sql.*\nrows {6}events {2}has 2 rows and had 3/],
        [lines.findLastIndex(isOfMember), /^changed {3}database.sql.*\ndatabase {2}database.sql {2}cannot be opened/],
      ] as const) {
        writeFileSync(dump, lines.toSpliced(place, 1).join('\n'));
        const { code, output } = await gatehouseHere(environment, `backup verify ${target}`);
        expect([code, output]).toEqual([1, expect.stringMatching(words)]);
      }
    } finally {
      await postgres.stop();
    }
  });

  it('of a later version than pg_dump is refused with a word on which to install', async () => {
    const database = await newDatabase('postgres');
    const environment = { DATA_DIR: join(newFolder(), 'data'), DATABASE_URL: database?.url ?? '' };
    const [row] = await query<{ version: string }>(
      environment,
      `SELECT current_setting('server_version_num') AS "version"`,
    );
    const major = Math.floor(Number(row?.version) / 10_000);
    expect((await gatehouseHere(environment, 'members list')).code).toBe(0);
    const target = join(newFolder(), 'backup');
    const { code, remarks } = await gatehouseHere(environment, `backup ${target}`);
    const needed = `install its client, such as Debian's postgresql-client-${major}.\n`;
    if (code === 0) tellSkipped('a pg_dump that is too old', `here it is of version ${major} or later`);
    else
      expect(remarks).toMatch(
        new RegExp(`^(pg_dump \\d+ cannot read|There is no pg_dump for) a PostgreSQL .*${needed}$`),
      );
    // what was not made is not taken for a backup
    expect((await gatehouseHere(environment, `backup verify ${target}`)).code).toBe(code);
    await database?.drop();
  });
});

const command = (environment: Environment, given: string[]) =>
  spawn(process.execPath, [...programOf('gatehouse'), ...given], { env: environment, stdio: 'ignore' });

/** What is in a folder at this moment, by paths from there; it may change while it is read. */
function within(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/** Of a backup, what tells it from the next: when it was made, or which file its archive is. */
const markOf = (target: string) =>
  target.endsWith('.tar') ? String(statSync(target).ino) : manifestOf(target).createdAt;

/** Sends a signal to a process as soon as something is in a folder that was not there before; no later than at its end. */
async function seen(child: ChildProcess, folder: string, stage: RegExp, signal: NodeJS.Signals, delay = 0) {
  const old = new Set(within(folder));
  while (child.exitCode === null && child.signalCode === null) {
    if (within(folder).some((path) => !old.has(path) && stage.test(path))) {
      if (delay > 0) await sleep(delay);
      child.kill(signal);
      return;
    }
    await sleep(1);
  }
}

const random = chance('kills of backup and restore');

/** Runs a command, and kills it at most 4 ms after something is seen on the disk; how soon is drawn from the seed. */
async function killWhen(environment: Environment, given: string[], folder: string, stage: RegExp): Promise<void> {
  const child = command(environment, given);
  const ended = once(child, 'close');
  await seen(child, folder, stage, 'SIGKILL', Math.floor(random() * 5));
  await ended;
}
