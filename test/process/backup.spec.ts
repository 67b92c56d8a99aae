import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keeper } from '../support/admins.js';
import { newDatabase } from '../support/app.js';
import { gatehouseHere, query, type Environment } from '../support/command.js';
import { programOf } from '../support/counted.js';
import { sha256 } from '../support/hash.js';
import { person, Script, type Person } from '../support/people.js';
import { newFolder, startServer, type Server } from '../support/server.js';
import { tellSkipped } from '../support/suite.js';
import { startSystemPostgres } from '../support/system-postgres.js';
import { TusClient } from '../support/tus.js';

const admin = { ADMIN_EMAIL: keeper.email, ADMIN_PASSWORD: keeper.password };

interface Manifest {
  readonly folder: string;
}
const manifestOf = (target: string) =>
  JSON.parse(readFileSync(join(target, 'gatehouse-backup.json'), 'utf8')) as Manifest;
const databaseOf = (target: string) => join(target, manifestOf(target).folder, 'gatehouse.db');
const bytesIn = (target: string) =>
  readdirSync(join(target, 'files'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

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
    server = await startServer({ ...environment, ...admin });
    before = await new Script(server.url).register(person());
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
        await add(server, token, `load-${count}.bin`, Buffer.alloc(100_000, `load ${count}`));
      }
      return true;
    })();
    const made = await gatehouseHere(environment, `backup ${target} --json`);
    expect([made.code, made.remarks]).toEqual([0, '']);
    const again = await gatehouseHere(environment, `backup ${target} --json`);
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
    expect(bytesIn(next).map((path) => statSync(path).nlink)).toContain(2);
    const inodes = new Set(bytesIn(environment.DATA_DIR).map((path) => statSync(path).ino));
    for (const path of bytesIn(next)) expect(inodes.has(statSync(path).ino)).toBe(false);
    rmSync(next, { recursive: true });
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
      const other = await startServer(elsewhere);
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

  it('is lost by no kill: a backup that is killed leaves the one before', async () => {
    for (const delay of [500, 1_000]) {
      const child = command(environment, ['backup', target, '--full']);
      await sleep(delay);
      child.kill('SIGKILL');
      await once(child, 'close');
      expect((await gatehouseHere(environment, `backup verify ${target}`)).code).toBe(0);
    }
  });

  it('is lost by no kill: a restore that is killed leaves a whole site, or says to run it again', async () => {
    const elsewhere = { ...environment, DATA_DIR: join(newFolder(), 'data') };
    expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
    const mark = join(elsewhere.DATA_DIR, 'restore-unfinished');
    let broken = 0;
    for (const delay of [undefined, 700, undefined]) {
      const child = command(elsewhere, ['restore', target]);
      const ended = once(child, 'close');
      // in the very moment of the exchange, or at some time before it
      const watcher = watch(elsewhere.DATA_DIR, () => existsSync(mark) && child.kill('SIGKILL'));
      if (delay !== undefined) setTimeout(() => child.kill('SIGKILL'), delay);
      await ended;
      watcher.close();
      if (existsSync(mark)) {
        broken++;
        const refused = await gatehouseHere(elsewhere, 'members list');
        expect([refused.code, refused.remarks]).toEqual([1, expect.stringMatching(/Run it again: .*restore/)]);
        expect((await gatehouseHere(elsewhere, `restore ${target}`)).code).toBe(0);
      }
      expect((await gatehouseHere(elsewhere, 'files verify')).code).toBe(0);
      expect(await query(elsewhere, 'SELECT 1 AS "is" FROM "users" WHERE "email" = $1', [before.email])).toHaveLength(
        1,
      );
    }
    process.stdout.write(`${broken} of 3 kills hit the exchange\n`);
  }, 400_000);

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
