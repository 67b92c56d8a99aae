import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { DataSource } from 'typeorm';
import { tooFewFiles } from '../../src/start.js';
import { keeper } from '../support/admins.js';
import { gatehouse, gatehouseHere } from '../support/command.js';
import { eventually } from '../support/database.js';
import { newDatabase } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';
import { need } from '../support/programs.js';
import { freePort, newFolder, startInVain, startServer, type Ending, type Server } from '../support/server.js';
import { sized, tellSkipped } from '../support/suite.js';

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
}

describe('an operator who sets nothing', () => {
  let site: Server;
  let port: string;
  beforeAll(async () => {
    port = await freePort();
    // an empty variable counts as unset: only the data folder and the port are not what they would be
    site = await startServer({ PORT: port, PUBLIC_URL: '', RATE_LIMITS: '' });
  });

  it('gets a site with a database, a key and a file of its own, that only its user and group can read', async () => {
    expect(Object.fromEntries(modesIn(site.dataDir))).toEqual({
      '.': '750',
      'app-secret': '600',
      files: '750',
      'files/incoming': '750',
      'files/unsettled': '750',
      'files/xx': '750',
      'files/xx/xxx': '640',
      'gatehouse.db': '640',
      'gatehouse.db-shm': '640',
      'gatehouse.db-wal': '640',
      outbox: '750',
      'site.lock': '640',
    });
    const ada = new Script(site.url);
    await ada.register();
    const { items } = (await (await ada.ask('/api/v1/files')).json()) as { items: unknown[] };
    expect(items).toEqual([expect.objectContaining({ name: 'welcome.pdf', contentType: 'application/pdf' })]);
  });

  it('reads in the log where the site and its data are, and how to become admin', async () => {
    // the link is a chore, which begins when the site listens
    await eventually(() => messages(site.log()).includes('There is no admin yet'));
    const log = messages(site.log());
    expect(log).toContain(`Gatehouse is open: http://localhost:${port}`);
    expect(log).toContain(
      `Everything that lasts is in ${site.dataDir}; the database is sqlite:${site.dataDir}/gatehouse.db.`,
    );
    expect(log).toMatch(/There is no admin yet\. Become it, once and within a day: http:\S+\/setup\?token=[\w-]{43}$/m);
    expect(log).not.toContain('RATE_LIMITS');
    expect(site.log()).not.toContain(readFileSync(`${site.dataDir}/app-secret`, 'utf8').trim());
  });

  it('has the link for the first admin printed again by a command, until there is one', async () => {
    const environment = { DATA_DIR: site.dataDir, PORT: port };
    const { code, output } = await gatehouse(environment, 'setup-link');
    expect([code, output]).toEqual([0, expect.stringMatching(/^http:\/\/localhost:\d+\/setup\?token=[\w-]{43}\n$/)]);
    const { pathname, search } = new URL(output.trim());
    expect((await fetch(site.url + pathname + search)).status).toBe(200);
    const settled = await startServer({ ADMIN_EMAIL: keeper.email, ADMIN_PASSWORD: keeper.password });
    const refused = await gatehouse({ DATA_DIR: settled.dataDir }, 'setup-link');
    expect([refused.code, refused.output, refused.remarks]).toEqual([
      1,
      '',
      expect.stringMatching(/^There is an admin/),
    ]);
  });

  it('has no account that came with the site', async () => {
    for (const email of ['admin@example.com', 'admin@localhost.localdomain', 'root@example.com'])
      expect((await new Visitor(site.url).visit('/login', { form: { email, password: 'password' } })).at).toBe(
        '/login',
      );
    const database = await new DataSource({ type: 'sqlite', database: `${site.dataDir}/gatehouse.db` }).initialize();
    try {
      expect(await database.query(`SELECT "email" FROM "users" WHERE "role" <> 'member'`)).toEqual([]);
    } finally {
      await database.destroy();
    }
  });
});

it('members, their sessions and the key are there after a restart', async () => {
  const first = await startServer();
  const ada = new Script(first.url);
  const who = await ada.register();
  expect(await first.stop()).toBe(0);
  const second = await startServer({ DATA_DIR: first.dataDir });
  const returned = new Script(second.url);
  returned.token = ada.token;
  expect(await (await returned.ask('/api/v1/users/me')).json()).toMatchObject({ email: who.email });
  expect(messages(second.log())).not.toContain('was imported');
});

describe('the log', () => {
  it('is one JSON object a line, with its time and its level, and says loudly that the limits are off', async () => {
    const site = await startServer({ RATE_LIMITS: 'off' });
    await new Visitor(site.url).register();
    await site.stop();
    const lines = linesOf(site.log());
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      expect(line.level).toMatch(/^(info|warn)$/);
      expect(new Date(line.time).toISOString()).toBe(line.time);
      expect(line.msg.length).toBeGreaterThan(0);
    }
    expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual([
      expect.stringContaining('RATE_LIMITS is off'),
    ]);
  });

  const levelsOf: readonly [asked: string, levels: string[]][] = [
    ['debug', ['debug', 'info']],
    ['warn', []],
    ['info', ['info']],
  ];
  it.each(sized('three levels of the log, one of them', levelsOf.slice(0, 1), levelsOf))(
    'says as much as LOG_LEVEL=%s asks for',
    async (LOG_LEVEL, levels) => {
      const site = await startServer({ PORT: await freePort(), LOG_LEVEL, RATE_LIMITS: '' });
      await new Visitor(site.url).visit('/');
      await site.stop();
      expect([...new Set(linesOf(site.log()).map(({ level }) => level))].toSorted()).toEqual(levels);
    },
  );
});

it('who listens on all addresses reads by which ones others reach the site', async () => {
  const site = await startServer({ HOST: '0.0.0.0' });
  expect(await site.stop()).toBe(0);
  const { port } = new URL(site.url);
  const outer = Object.values(networkInterfaces()).flatMap((all = []) => all.filter(({ internal }) => !internal));
  const expected = outer.filter(({ family }) => family === 'IPv4').map(({ address }) => `http://${address}:${port}`);
  const told = linesOf(site.log()).filter(({ msg }) => msg.startsWith('Others in your network'));
  const sentence = `Others in your network reach it at ${expected.join(' or ')}`;
  expect(told.map(({ msg }) => msg)).toEqual(expected.length > 0 ? [sentence] : []);
  expect(messages(site.log()).includes('Links in mails lead to http://127.0.0.1: set PUBLIC_URL')).toBe(
    expected.length > 0,
  );
});

it('in a terminal a page is one line in words, and what no person asked for is none', async () => {
  let script: string;
  try {
    script = need('script');
  } catch (error) {
    tellSkipped('the log in a terminal', (error as Error).message);
    return;
  }
  const PORT = await freePort();
  const site = await startServer({ PORT }, undefined, {
    through: ['sh', '-c', `exec ${script} -qec "exec $*" /dev/null`, 'sh'],
  });
  const visitor = new Visitor(site.url);
  const { html } = await visitor.visit('/');
  const asset = /href="(\/assets\/[^"]+)"/.exec(html)?.[1] ?? '';
  for (const path of [asset, '/health', '/ready']) expect((await visitor.ask(path)).status).toBe(200);
  await visitor.ask('/favicon.ico');
  expect((await visitor.ask('/nothing/here')).status).toBe(404);
  await eventually(() => site.log().includes('/nothing/here'));
  await site.stop();
  const lines = stripVTControlCharacters(site.log()).trim().split(/\r?\n/);
  expect(lines.filter((line) => /\bGET\b|answered/.test(line))).toEqual([
    expect.stringMatching(/^\[\d\d:\d\d:\d\d\] INFO: GET \/ 200 in \d+(\.\d+)? ms$/),
    expect.stringMatching(/^\[\d\d:\d\d:\d\d\] INFO: GET \/nothing\/here 404 in \d+(\.\d+)? ms$/),
  ]);
  expect(lines.filter((line) => /^\s*\{|"level"/.test(line))).toEqual([]);
  expect(lines.join('\n')).toContain('INFO: Gatehouse is open: ');
});

describe('a start that may open few files', () => {
  const withFiles = (count: number) => ({ through: ['sh', '-c', `ulimit -n ${count}; exec "$@"`, 'sh'] }) as const;

  // as it loads, Node takes what it cannot open for missing
  it.each([40, 200, 400])('ends with a sentence if %i are too few', async (count) => {
    const { code, output } = await startInVain({ LOG_LEVEL: 'warn' }, undefined, withFiles(count));
    expect([code, output]).toEqual([1, `${tooFewFiles}\n`]);
  });

  it('serves with as many connections as there can be if they are enough, and says so', async () => {
    const site = await startServer({ RATE_LIMITS: '' }, undefined, withFiles(512));
    const visitor = new Visitor(site.url);
    await visitor.register();
    expect((await visitor.ask('/download')).status).toBe(200);
    expect(await site.stop()).toBe(0);
    expect(linesOf(site.log()).filter(({ level }) => level !== 'info')).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: expect.stringMatching(
          /^The system lets this process open 512 files, so it takes 206 connections .*ulimit -n/,
        ),
      }),
    ]);
  });
});

it.each([['dist/main.js'], ['dist/gatehouse.js', '--help'], ['scripts/setup.js'], ['scripts/setup.js', '--build']])(
  'on an old Node one sentence is all that %s says',
  (...command) => {
    const project = newFolder();
    for (const part of ['dist', 'scripts']) cpSync(join(projectFolder, part), join(project, part), { recursive: true });
    const whole = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as object;
    writeFileSync(join(project, 'package.json'), JSON.stringify({ ...whole, engines: { node: '>=99.1' } }));
    // nothing is installed there: it is the version that is looked at first
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: project, encoding: 'utf8' });
    const sentence = `Gatehouse needs Node 99.1 or later, and this is Node ${process.versions.node}: install a newer one.\n`;
    expect([status, stdout, stderr]).toEqual([1, '', sentence]);
    expect(readdirSync(project).sort()).toEqual(['dist', 'package.json', 'scripts']);
  },
);

describe('a start that cannot go well ends with 1, and says why in words', () => {
  it('names every faulty setting at once, and none that was not set', async () => {
    const ending = await startInVain({
      PORT: 'eighty',
      PUBLIC_URL: 'not an address',
      DATABASE_URL: 'mysql://root:sesame@db/site',
      APP_SECRET: 'too short',
      ADMIN_EMAIL: 'ada',
      TRUST_PROXY: 'everyone',
      RATE_LIMITS: 'maybe',
      LOG_LEVEL: 'loud',
      SESSION_IDLE_MINUTES: '-1',
      SESSION_MAX_HOURS: '1e3',
      SHUTDOWN_SECONDS: 'soon',
      MAX_CONNECTIONS: '0',
    });
    expectWords(ending);
    const faults = ending.errors.match(/(?<=^ {2}- )[A-Z_]+/gm);
    expect(new Set(faults)).toEqual(
      new Set([
        'PORT',
        'PUBLIC_URL',
        'DATABASE_URL',
        'APP_SECRET',
        'ADMIN_EMAIL',
        'TRUST_PROXY',
        'RATE_LIMITS',
        'LOG_LEVEL',
        'SESSION_IDLE_MINUTES',
        'SESSION_MAX_HOURS',
        'SHUTDOWN_SECONDS',
        'MAX_CONNECTIONS',
      ]),
    );
  });

  it.each([
    ['one character, again and again', 'x'.repeat(40)],
    ['a word, again and again', 'secretsecretsecretsecretsecretsecret'],
    ['what stands in an example', 'changeme-changeme-changeme-changeme'],
  ])('names APP_SECRET where that is %s, and does not repeat it', async (_what, secret) => {
    const ending = await startInVain({ APP_SECRET: secret });
    expectWords(ending);
    expect(ending.errors).toContain('APP_SECRET is easy to guess');
    expect(ending.errors).toContain('openssl rand -hex 32');
    expect(ending.output).not.toContain(secret);
  });

  it('names PORT alone where that is the only fault', async () => {
    const ending = await startInVain({ PORT: '70000', PUBLIC_URL: '' });
    expectWords(ending);
    expect(ending.errors.match(/[A-Z]+_?[A-Z]+/g)).toEqual(['PORT']);
  });

  it('where another program listens on the port', async () => {
    const { url } = await startServer();
    const { port } = new URL(url);
    const ending = await startInVain({ PORT: port });
    expectWords(ending);
    expect(ending.errors).toContain(
      `Another program listens on port ${port} already, maybe another Gatehouse: end it, or set PORT to another port.`,
    );
  });

  it('where the data folder is none', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    for (const DATA_DIR of [file, join(file, 'data')]) {
      const ending = await startInVain({ DATA_DIR });
      expectWords(ending);
      expect(ending.errors).toMatch(/DATA_DIR cannot be used: \w+: .*file/);
    }
  });

  it('where the kept key is damaged, which it leaves as it is', async () => {
    const DATA_DIR = newFolder();
    writeFileSync(join(DATA_DIR, 'app-secret'), 'half of a k');
    const ending = await startInVain({ DATA_DIR });
    expectWords(ending);
    expect(ending.errors).toContain(`${DATA_DIR}/app-secret holds no secret of 32 characters`);
    expect(ending.output).not.toContain('half of a k');
    expect(readFileSync(join(DATA_DIR, 'app-secret'), 'utf8')).toBe('half of a k');
  });

  it.each(['127.0.0.1:1', 'localhost:1'])('where no PostgreSQL answers at %s', async (host) => {
    const ending = await startInVain({ DATABASE_URL: `postgres://gatehouse:sesame@${host}/gatehouse` });
    expectWords(ending);
    expect(ending.errors).toContain('DATABASE_URL cannot be opened: connect ECONNREFUSED');
    expect(ending.output).not.toContain('sesame');
  });

  it('where PostgreSQL does not know the password', async () => {
    const database = await newDatabase('postgres');
    try {
      const ending = await startInVain({ DATABASE_URL: (database?.url ?? '').replace(':gatehouse@', ':sesame@') });
      expectWords(ending);
      expect(ending.errors).toMatch(/DATABASE_URL cannot be opened: .*password/);
      expect(ending.output).not.toContain('sesame');
    } finally {
      await database?.drop();
    }
  });

  it('where the SQLite file is something else', async () => {
    const file = join(newFolder(), 'notes.txt');
    const notes = 'These are notes, and no database at all.\n'.repeat(100);
    writeFileSync(file, notes);
    const ending = await startInVain({ DATABASE_URL: `sqlite:${file}` });
    expectWords(ending);
    expect(ending.errors).toContain('DATABASE_URL cannot be opened: SQLITE_NOTADB');
    expect(readFileSync(file, 'utf8')).toBe(notes);
  });

  it('where the first admin would have a password that anyone could guess', async () => {
    const ending = await startInVain({ ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD: 'password1' });
    expectWords(ending);
    expect(ending.errors).toContain('ADMIN_PASSWORD');
    expect(ending.output).not.toContain('password1');
  });
});

describe('a data folder whose parts are not whole, or not of one site', () => {
  const template = join(newFolder(), 'data');
  let copies = 0;
  /** The settings of a stopped site with two files. */
  const asleep = () => {
    const DATA_DIR = join(newFolder(), `data-${copies++}`);
    cpSync(template, DATA_DIR, { recursive: true });
    return { DATA_DIR, PUBLIC_URL: 'http://127.0.0.1', file: join(DATA_DIR, 'gatehouse.db') };
  };
  const bytesIn = (folder: string) =>
    readdirSync(join(folder, 'files'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /^[0-9a-f]{2}.[0-9a-f]{30}$/.test(path))
      .map((path) => join(folder, 'files', path));

  /** The server and each command refuse it with one sentence, and leave every file as it is. */
  async function refusedBy(environment: Record<string, string>, words: RegExp): Promise<void> {
    const before = readFileSync(join(environment.DATA_DIR ?? '', 'gatehouse.db'));
    const ending = await startInVain(environment);
    expectWords(ending);
    expect(ending.errors).toMatch(words);
    const target = join(newFolder(), 'backup');
    for (const command of ['members list', 'setup-link']) {
      const { code, output, remarks } = await gatehouseHere(environment, command);
      expect([command, code, output, remarks]).toEqual([command, 1, '', expect.stringMatching(words)]);
    }
    const backup = await gatehouseHere(environment, `backup ${target}`);
    expect([backup.code, backup.remarks]).toEqual([
      1,
      expect.stringMatching(/(of another key|no key in|damaged).*\n$/),
    ]);
    expect(readFileSync(join(environment.DATA_DIR ?? '', 'gatehouse.db')).equals(before)).toBe(true);
  }

  beforeAll(async () => {
    const file = join(newFolder(), 'more.txt');
    writeFileSync(file, 'more');
    const environment = { DATA_DIR: template, PUBLIC_URL: 'http://127.0.0.1' };
    expect((await gatehouseHere(environment, 'files add', file)).code).toBe(0);
  });

  it('a database with damaged pages, and one that was cut off', async () => {
    const damaged = asleep();
    const file = openSync(damaged.file, 'r+');
    for (const page of [10, 11, 12, 13]) writeSync(file, Buffer.alloc(4_096, 0xff), 0, 4_096, page * 4_096);
    closeSync(file);
    await refusedBy(damaged, /^The database is damaged \(.+\): .*restore a backup.*\n$/);
    const cut = asleep();
    truncateSync(cut.file, statSync(cut.file).size >> 1);
    expect((await startInVain(cut)).errors).toMatch(/^The database is damaged/);
  });

  it('a database beside the -wal of another, which is not written into it', async () => {
    const site = asleep();
    const old = readFileSync(site.file);
    const script = `
      const { Database } = require('sqlite3');
      new Database(process.argv[1]).exec(\`
        PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
        CREATE TABLE more (a, b); CREATE INDEX "of_more" ON more (b);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO more SELECT i, hex(randomblob(50)) FROM n; PRAGMA wal_checkpoint(TRUNCATE);
        UPDATE more SET b = hex(randomblob(50)) WHERE a % 2 = 0; DELETE FROM more WHERE a % 3 = 0;
      \`, () => process.kill(process.pid, 'SIGKILL'));`;
    spawnSync(process.execPath, ['-e', script, site.file], { cwd: projectFolder });
    expect(statSync(`${site.file}-wal`).size).toBeGreaterThan(0);
    writeFileSync(site.file, old);
    await refusedBy(site, /^The database is damaged/);
    rmSync(`${site.file}-wal`);
    expect((await gatehouseHere(site, 'members list')).code).toBe(0);
  });

  it('another key, or none, until the right one is back or the other is accepted', async () => {
    const site = asleep();
    const APP_SECRET = 'd41f8c39b7a2460e95bd83c7f1e6a052';
    await refusedBy({ ...site, APP_SECRET }, /^The database was made with another key than APP_SECRET holds: .*\n$/);
    const kept = join(site.DATA_DIR, 'app-secret');
    renameSync(kept, `${kept}-away`);
    await refusedBy(site, /^There is no \S+app-secret, and the database was made with the key that it held: .*\n$/);
    expect(existsSync(kept)).toBe(false);
    renameSync(`${kept}-away`, kept);
    const back = await startServer(site);
    const running = await gatehouseHere({ ...site, APP_SECRET }, 'key accept');
    expect([running.code, running.remarks]).toEqual([1, expect.stringMatching(/runs.*stop it first/)]);
    // what was refused leaves no key behind
    renameSync(kept, `${kept}-away`);
    expect((await gatehouseHere(site, 'key accept')).code).toBe(1);
    expect(existsSync(kept)).toBe(false);
    renameSync(`${kept}-away`, kept);
    expect(await back.stop()).toBe(0);
    rmSync(kept);
    const accepted = await gatehouseHere(site, 'key accept');
    expect([accepted.code, accepted.output]).toEqual([0, expect.stringContaining(`goes on with the key in ${kept}`)]);
    expect((await gatehouseHere(site, 'members list')).code).toBe(0);
  });

  it('the files of a site whose database is not where it was, which is made by no command', async () => {
    const site = asleep();
    rmSync(site.file);
    for (const command of ['key accept', 'members list', 'setup-link', 'key accept']) {
      const { code, remarks } = await gatehouseHere(site, command);
      expect([command, code, remarks]).toEqual([
        command,
        1,
        expect.stringMatching(/There is no site here|holds the files of a site/),
      ]);
    }
    expectWords(await startInVain(site));
  });

  it('files of which some are missing are told; if all are, it does not start, and commands say which', async () => {
    const site = asleep();
    const [first = '', ...others] = bytesIn(site.DATA_DIR);
    rmSync(first);
    const server = await startServer(site);
    await eventually(() => messages(server.log()).includes('The bytes of 1 of 2 versions of files are missing'));
    expect(await server.stop()).toBe(0);
    for (const other of others) rmSync(other);
    const ending = await startInVain(site);
    expectWords(ending);
    expect(ending.errors).toMatch(
      /^None of the files of this site is in \S+\/files, where they are expected \(2 are /m,
    );
    const more = join(newFolder(), 'more.txt');
    writeFileSync(more, 'more');
    expect((await gatehouseHere(site, 'files add', more)).code).toBe(1);
    expect((await gatehouseHere(site, 'files verify')).output.match(/^missing/gm)).toHaveLength(2);
    // who has lost them for good goes on without them
    const ids = (await gatehouseHere(site, 'files list')).output.match(/^[0-9a-f-]{36}/gm) ?? [];
    expect((await gatehouseHere(site, 'files remove', ...ids)).code).toBe(0);
    expect((await gatehouseHere(site, 'files add', more)).code).toBe(0);
  });
});

const projectFolder = resolve(import.meta.dirname, '../..');

/** It ended with 1, with a few lines for people: no stack, and nothing of the framework. */
function expectWords({ code, output, errors }: Ending): void {
  expect(code).toBe(1);
  expect(errors.trim().split('\n').length).toBeLessThan(20);
  expect(output).not.toMatch(/^\s+at |\\n\s+at |node_modules|undefined/m);
}

const linesOf = (log: string): Line[] =>
  log
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

const messages = (log: string) =>
  linesOf(log)
    .map(({ msg }) => msg)
    .join('\n');

/** The mode of each file and folder, in octal; random names stand as x. */
function modesIn(folder: string): [string, string][] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return ['.', ...entries].map((entry) => [
    entry.replace(/^files\/[0-9a-f]{2}(?=\/|$)/, 'files/xx').replace(/xx\/[0-9a-f]{30}$/, 'xx/xxx'),
    (statSync(join(folder, entry)).mode & 0o777).toString(8),
  ]);
}

it('a signal that makes Node open a debugger opens none, and the site serves on', async () => {
  const site = await startServer();
  site.signal('SIGUSR1');
  // Node says so as soon as it listens; each answer shows that the process has gone on since
  for (let round = 0; round < 20; round++) expect((await new Visitor(site.url).ask('/')).status).toBe(200);
  expect(site.log()).not.toContain('Debugger');
  await expect(fetch('http://127.0.0.1:9229/json')).rejects.toThrow();
  expect(await site.stop()).toBe(0);
});
