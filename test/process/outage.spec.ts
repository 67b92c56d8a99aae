import { afterAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import pg from 'pg';
import type sqlite3 from 'sqlite3';
import { PostgresClient, withoutQueryTimeout, withQueryTimeout } from '../../src/database/postgres-client.js';
import { keeper } from '../support/admins.js';
import { newDatabase } from '../support/app.js';
import { query } from '../support/command.js';
import { eventually } from '../support/database.js';
import { Line } from '../support/line.js';
import { person, Script, Visitor } from '../support/people.js';
import { need } from '../support/programs.js';
import { cookieOf, freePort, newFolder, startServer } from '../support/server.js';
import { launchPostgres } from '../support/start-postgres.js';
import { tellSkipped } from '../support/suite.js';

const sqlite = createRequire(import.meta.url)('sqlite3') as typeof sqlite3;

/** Asks, and gives up after as long as nobody shall wait for an answer. */
const inTime = (url: string, options: RequestInit = {}) =>
  fetch(url, { ...options, signal: AbortSignal.timeout(20_000) });

const register = (url: string) => {
  const { name, email, password } = person();
  return inTime(`${url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, email, password }),
  });
};

/** What a member asks who is in: for a page with the cookie of a browser, and of the API with a token. */
async function memberOf(url: string): Promise<() => [page: Promise<Response>, api: Promise<Response>]> {
  const [browser, script] = [new Visitor(url), new Script(url)];
  await script.logIn(await browser.register());
  return () => [
    inTime(`${url}/account`, { redirect: 'manual', headers: { accept: 'text/html', ...cookieOf(browser) } }),
    inTime(`${url}/api/v1/users/me`, { headers: { authorization: `Bearer ${script.token ?? ''}` } }),
  ];
}

/** Sees that many at once are told in time to come back; those who only read may be given what they ask for. */
async function tellsToComeBack(url: string, ask: Awaited<ReturnType<typeof memberOf>>, read?: 200): Promise<void> {
  const registrations = Array.from({ length: 10 }, () => register(url));
  const reads = Array.from({ length: 3 }, ask);
  for (const answer of await Promise.all(registrations)) expectToldToComeBack(answer, 'application/problem+json');
  for (const [page, api] of reads) {
    const [html, json] = [await page, await api];
    if (html.status !== read) expectToldToComeBack(html, 'text/html');
    if (json.status !== read) expectToldToComeBack(json, 'application/problem+json');
  }
  expect((await inTime(`${url}/ready`)).status).toBe(503);
  expect((await inTime(`${url}/health`)).status).toBe(200);
}

function expectToldToComeBack({ status, headers }: Response, type: string): void {
  expect([status, headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
  expect(headers.get('content-type')).toMatch(type);
}

const comesBack = (url: string) =>
  eventually(async () => (await fetch(`${url}/ready`)).status === 200 && (await register(url)).status === 201);

describe('a database that does not answer', () => {
  let own: (() => Promise<void>) | undefined;
  afterAll(() => own?.());

  it('is 503 while another program has SQLite locked, and goes on by itself', async () => {
    const server = await startServer();
    const other = new sqlite.Database(join(server.dataDir, 'gatehouse.db'));
    const run = (sql: string) =>
      new Promise<void>((resolve, reject) => other.exec(sql, (e) => (e ? reject(e) : resolve())));
    const ask = await memberOf(server.url);
    await run('BEGIN IMMEDIATE');
    // who only reads need not wait for who writes
    await tellsToComeBack(server.url, ask, 200);
    await run('ROLLBACK');
    await comesBack(server.url);
    other.close();
    expect(await server.stop()).toBe(0);
  });

  it('is 503 while PostgreSQL is away, and goes on by itself', async () => {
    const database = await newDatabase('postgres');
    const address = new URL(database?.url ?? '');
    const line = await Line.to(`http://${address.host}`);
    address.host = new URL(line.url).host;
    const server = await startServer({ DATABASE_URL: address.href });
    const ask = await memberOf(server.url);
    line.cut();
    await tellsToComeBack(server.url, ask);
    line.mend();
    await comesBack(server.url);
    expect(await server.stop()).toBe(0);
    await line.close();
    await database?.drop();
  });

  it('is 503 while PostgreSQL hangs, and no connection keeps an answer or a transaction for the next', async () => {
    const { server: postgres, folder, url: address } = await launchPostgres();
    own = async () => {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    };
    const DATABASE_URL = `${address}/postgres`;
    const other = new pg.Client(DATABASE_URL);
    other.on('error', () => undefined);
    const server = await startServer({
      DATABASE_URL,
      ADMIN_EMAIL: keeper.email,
      ADMIN_PASSWORD: keeper.password,
    });
    const admin = new Script(server.url);
    await admin.logIn(keeper);
    const ask = await memberOf(server.url);
    const ada = new Script(server.url);
    await ada.register();
    const { id } = (await (await ada.ask('/api/v1/users/me')).json()) as { id: string };
    await Promise.all(Array.from({ length: 12 }, () => ada.ask('/api/v1/users/me')));

    // one is within a transaction, and waits there for what somebody else has
    await other.connect();
    await other.query('SELECT pg_advisory_lock(4283467382)');
    const waiting = admin.ask(`/api/v1/users/${id}`, { method: 'PATCH', json: { disabled: true } });
    await eventually(async () => {
      const { rowCount } = await other.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
      return rowCount === 1;
    });
    const main = Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
    const children = readFileSync(`/proc/${main}/task/${main}/children`, 'utf8').split(' ').filter(Boolean);
    const all = [main, ...children.map(Number)];
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    try {
      await tellsToComeBack(server.url, ask);
      expect((await waiting).status).toBe(503);
    } finally {
      for (const pid of all) process.kill(pid, 'SIGCONT');
    }
    await other.query('SELECT pg_advisory_unlock(4283467382)');
    await comesBack(server.url);
    const people = Array.from({ length: 20 }, () => person());
    const told = people.map(async (who) => {
      const script = new Script(server.url);
      await script.register(who);
      return ((await (await script.ask('/api/v1/users/me')).json()) as { email: string }).email;
    });
    const emails = people.map(({ email }) => email);
    expect(await Promise.all(told)).toEqual(emails);
    // what was acknowledged is there for everybody
    const { rowCount } = await other.query('SELECT 1 FROM "users" WHERE "email" = ANY($1)', [emails]);
    expect(rowCount).toBe(people.length);
    await other.end();
    expect(await server.stop()).toBe(0);
  });
});

it('what nobody waits for at a page may take longer on PostgreSQL; who was not answered in time ends their connection', async () => {
  const database = await newDatabase('postgres');
  const connect = async () => {
    const client: pg.Client = new PostgresClient({ connectionString: database?.url, query_timeout: 300 });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const [page, chore] = [await connect(), await connect()];
  await withQueryTimeout(60_000, () => chore.query('SELECT pg_sleep(1)'));
  const within = withQueryTimeout(60_000, () => withoutQueryTimeout(() => page.query('SELECT pg_sleep(60)')));
  await expect(within).rejects.toThrow('Query read timeout');
  await expect(page.query('SELECT 1')).rejects.toThrow(/not queryable|terminated/);
  // the server has stopped it too
  await eventually(async () => {
    const { rowCount } = await chore.query(`SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'
      AND state = 'active'`);
    return rowCount === 0;
  });
  expect((await chore.query('SELECT 1 AS "one"')).rows).toEqual([{ one: 1 }]);
  await chore.end();
  await database?.drop();
});

it('a data folder that is moved away is told, takes no upload, and heals when it is back', async () => {
  const server = await startServer({ ADMIN_EMAIL: keeper.email, ADMIN_PASSWORD: keeper.password });
  const admin = new Script(server.url);
  await admin.logIn(keeper);
  const put = () =>
    fetch(`${server.url}/api/v1/uploads/a.txt`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${admin.token ?? ''}` },
      body: 'bytes',
    });
  renameSync(server.dataDir, `${server.dataDir}-away`);
  const refused = await put();
  expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('data folder')]);
  // a mail that is kept as a file waits for the folder as well
  expect((await new Visitor(server.url).ask('/password/forgot', { form: { email: keeper.email } })).status).toBe(303);
  await eventually(() => server.log().includes('a letter could not be sent and is tried again later'));
  expect(existsSync(server.dataDir)).toBe(false);
  const ready = await fetch(`${server.url}/ready`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('data folder')]);
  // it fails where the site has made it anew meanwhile
  renameSync(`${server.dataDir}-away`, server.dataDir);
  expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  expect((await put()).status).toBe(201);
  expect(await server.stop()).toBe(0);
});

it('leaves no lock behind pgbouncer, which lends connections for a transaction', async () => {
  let program: string;
  try {
    program = need('pgbouncer');
  } catch (error) {
    tellSkipped('a site behind pgbouncer', (error as Error).message);
    return;
  }
  const database = await newDatabase('postgres');
  const { hostname, port, username, password, pathname } = new URL(database?.url ?? '');
  const folder = newFolder();
  chmodSync(folder, 0o755);
  const listen = await freePort();
  const name = pathname.slice(1);
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(
    config,
    `[databases]
${name} = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
`,
    { mode: 0o644 },
  );
  const nobody =
    process.getuid?.() === 0 ? Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' })) : undefined;
  const pooler = spawn(program, [config], {
    stdio: 'ignore',
    ...(nobody !== undefined && { uid: nobody, gid: nobody }),
  });
  const ended = once(pooler, 'close');
  try {
    const through = `postgres://${username}@127.0.0.1:${listen}/${name}`;
    await eventually(() =>
      query({ DATABASE_URL: through }, 'SELECT 1').then(
        () => true,
        () => false,
      ),
    );
    const dataDir = newFolder();
    // two that start at once take turns at the migrations
    const servers = await Promise.all([1, 2].map(() => startServer({ DATABASE_URL: through, DATA_DIR: dataDir })));
    const made = await Promise.all(Array.from({ length: 12 }, (_, one) => register(servers[one % 2]?.url ?? '')));
    expect(made.map(({ status }) => status)).toEqual(made.map(() => 201));
    for (const server of servers) expect(await server.stop()).toBe(0);
    const held = await query(
      { DATABASE_URL: database?.url ?? '' },
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory'`,
    );
    expect(held).toEqual([]);
  } finally {
    pooler.kill('SIGKILL');
    await ended;
    await database?.drop();
  }
});
