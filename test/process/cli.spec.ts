import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { projectFolder, readSettings } from '../../src/config/settings.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { newDatabase } from '../support/app.js';
import { codeFor } from '../support/factors.js';
import { startSmtp, waitForMail } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { freePort, newFolder, startServer, type Server } from '../support/server.js';

interface Ran {
  readonly code: number | null;
  /** What a script would read. */
  readonly output: string;
  /** What is said beside it. */
  readonly remarks: string;
}

type Environment = Record<string, string>;

/** Runs a program to its end, with nothing in its environment but what is given, and what it is sent as its input. */
async function runs(program: string, given: string[], environment: Environment, cwd: string, input = ''): Promise<Ran> {
  const child = spawn(program, given, { env: environment, cwd, stdio: 'pipe' });
  let [output, remarks] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (remarks += chunk.toString()));
  // who reads no input may end before it is sent
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, remarks };
}

const gatehouse = (environment: Environment, command: string, ...more: string[]) =>
  runs(
    process.execPath,
    [join(projectFolder, 'dist/gatehouse.js'), ...command.split(' '), ...more],
    environment,
    newFolder(),
  );

/** A refusal: exit code 1, one sentence to standard error, and nothing for a script. */
function expectRefusal({ code, output, remarks }: Ran, sentence: string): void {
  expect({ code, output, remarks }).toEqual({ code: 1, output: '', remarks: `${sentence}\n` });
}

function expectDone({ code, output, remarks }: Ran, sentence: string): void {
  expect({ code, output, remarks }).toEqual({ code: 0, output: `${sentence}\n`, remarks: '' });
}

/** Asks the database of a site, beside its processes. */
async function query<Row>(environment: Environment, sql: string, values: unknown[] = []): Promise<Row[]> {
  const dataSource = await new DataSource(dataSourceOptions(readSettings(environment))).initialize();
  try {
    return await dataSource.query<Row[]>(sql, values);
  } finally {
    await dataSource.destroy();
  }
}

interface Finding {
  readonly state: 'ok' | 'warning' | 'problem';
  readonly check: string;
  readonly words: string;
}

/** What the doctor finds, by what it looked at; the last where it found two things of one. */
async function diagnose(environment: Environment): Promise<{ code: number | null; found: Record<string, Finding> }> {
  const { code, output, remarks } = await gatehouse(environment, 'doctor --json');
  expect(remarks).toBe('');
  const findings = JSON.parse(output) as Finding[];
  expect(code).toBe(findings.some(({ state }) => state === 'problem') ? 1 : 0);
  return { code, found: Object.fromEntries(findings.map((finding) => [finding.check, finding])) };
}

const problemWith = (words: string | RegExp): unknown =>
  expect.objectContaining({ state: 'problem', words: expect.stringMatching(words) as unknown });
const warningOf = (words: string | RegExp): unknown =>
  expect.objectContaining({ state: 'warning', words: expect.stringMatching(words) as unknown });

describe.each(['sqlite', 'postgres'] as const)('an operator beside a running server on %s', (kind) => {
  let database: Awaited<ReturnType<typeof newDatabase>>;
  let environment: Environment;
  let site: Server;
  const chief = person({ name: 'Grace Hopper' });
  const admin = () => asScript(chief);

  beforeAll(async () => {
    database = await newDatabase(kind);
    const port = await freePort();
    environment = {
      PORT: port,
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      DATA_DIR: join(newFolder(), 'data'),
      RATE_LIMITS: 'on',
      ...(database && { DATABASE_URL: database.url }),
    };
    site = await startServer(environment);
    const added = await runsWithInput(
      `${chief.password}\n`,
      'members add',
      chief.email,
      '--name',
      chief.name,
      '--admin',
      '--password-stdin',
    );
    expectDone(added, `${chief.email} is an admin now.`);
  });
  afterAll(async () => {
    expect(await site.stop()).toBe(0);
    await database?.drop();
  });

  const run = (command: string, ...more: string[]) => gatehouse(environment, command, ...more);
  const runsWithInput = (input: string, command: string, ...more: string[]) =>
    runs(
      process.execPath,
      [join(projectFolder, 'dist/gatehouse.js'), ...command.split(' '), ...more],
      environment,
      newFolder(),
      input,
    );

  async function asScript(who: Person): Promise<Script> {
    const script = new Script(site.url);
    await script.logIn(who);
    return script;
  }
  async function member(): Promise<{ who: Person; script: Script }> {
    const script = new Script(site.url);
    return { who: await script.register(), script };
  }
  const statusOf = async (script: Script, path = '/api/v1/users/me') => (await script.ask(path)).status;
  const logsIn = async ({ email, password }: Person) =>
    (await new Script(site.url).ask('/api/v1/auth/login', { json: { email, password } })).status;

  it('makes an admin with a password from a pipe, who is one at once', async () => {
    expect(await statusOf(await admin(), '/api/v1/activity')).toBe(200);
  });

  it('makes a member, and hands them a link under which they choose a password, once', async () => {
    const who = person();
    const { code, output, remarks } = await run('members add', ` ${who.email.toUpperCase()}`, '--name', who.name);
    expect([code, remarks]).toEqual([
      0,
      `${who.email} is a member now, and chooses a password here, once and within a day:\n`,
    ]);
    expect(output).toMatch(new RegExp(`^${environment.PUBLIC_URL}/password/reset\\?token=[\\w-]{43}\\n$`));
    const token = new URL(output).searchParams.get('token') ?? '';
    const choose = () => new Visitor(site.url).ask('/password/reset', { form: { token, password: who.password } });
    expect((await choose()).status).toBe(303);
    expect((await choose()).status).toBe(404);
    const script = await asScript(who);
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ name: who.name, role: 'member' });
    expect(await statusOf(script, '/api/v1/activity')).toBe(403);
  });

  it('makes no account that the site would refuse', async () => {
    const add = (email: string, name: string) => run('members add', email, '--name', name);
    expectRefusal(await add(chief.email, 'Ada'), `${chief.email} has an account already.`);
    expectRefusal(await add('ada', 'Ada'), 'Please give an email address, such as ada@example.com.');
    expectRefusal(await add('ada@example.com', ' '), 'Please give your name.');
    const { email } = person();
    const common = await runsWithInput('password1', 'members add', email, '--name', 'Ada', '--password-stdin');
    expectRefusal(
      common,
      'That password is one of the commonest, the first that anyone would try. Please choose another.',
    );
    expect((await run('members list', '--search', email)).remarks).toBe('There is no such member.\n');
    expect(await logsIn(chief)).toBe(200);
  });

  it('reads who there is, as a table and as JSON, and finds them by name and email', async () => {
    const { who } = await member();
    const all = JSON.parse((await run('members list --json')).output) as { email: string }[];
    expect(all.map(({ email }) => email)).toEqual(expect.arrayContaining([chief.email, who.email]));
    expect(all[0]).toEqual({
      id: expect.any(String) as unknown,
      name: who.name,
      email: who.email,
      role: 'member',
      state: 'active',
      emailVerified: false,
      hasFactor: false,
      createdAt: expect.any(String) as unknown,
    });

    const { code, output, remarks } = await run('members list', '--search', 'hopper');
    expect([code, remarks]).toEqual([0, '']);
    const [headings, row, ...others] = output.trimEnd().split('\n');
    expect(others).toEqual([]);
    expect(headings?.split(/ {2,}/)).toEqual(['EMAIL', 'NAME', 'ROLE', 'STATE', 'SECOND FACTOR', 'SINCE']);
    expect(row?.split(/ {2,}/)).toEqual([
      chief.email,
      chief.name,
      'admin',
      'active',
      'no',
      new Date().toISOString().slice(0, 10),
    ]);
  });

  it('reads everybody where there are more than one part of the list', async () => {
    const rows = Array.from({ length: 101 }, (_, n) => {
      const id = `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
      return `('${id}', 'Crowd', 'crowd-${n}@example.com', 'crowd', '', 'member', 0)`;
    });
    await query(
      environment,
      `INSERT INTO "users" ("id", "name", "email", "searchText", "passwordHash", "role", "createdAt") VALUES ${rows.join(', ')}`,
    );
    const found = JSON.parse((await run('members list --json --search crowd')).output) as unknown[];
    expect(new Set(found.map((one) => (one as { id: string }).id)).size).toBe(101);
    await query(environment, `DELETE FROM "users" WHERE "searchText" = 'crowd'`);
  });

  it('keeps a member out on their very next request, and lets them in again', async () => {
    const { who, script } = await member();
    expect(await statusOf(script)).toBe(200);
    expectDone(await run('members disable', who.email), `${who.email} is disabled, and every session has ended.`);
    expect([await statusOf(script), await logsIn(who)]).toEqual([401, 401]);
    expect((await run('members list --state disabled')).output).toContain(who.email);

    expectRefusal(
      await run('members reset-link', who.email),
      `${who.email} may not come in, so needs no new password: let them in first.`,
    );
    expectDone(await run('members enable', who.email), `${who.email} may come in.`);
    expect([await statusOf(script), await logsIn(who)]).toEqual([401, 200]);
  });

  it('makes a member an admin and a member again, as their next request finds', async () => {
    const { who, script } = await member();
    expect(await statusOf(script, '/api/v1/activity')).toBe(403);
    expectDone(await run('members role', who.email, 'admin'), `${who.email} is an admin now.`);
    expect(await statusOf(script, '/api/v1/activity')).toBe(200);
    expectDone(await run('members role', who.email, 'member'), `${who.email} is a member now.`);
    expect(await statusOf(script, '/api/v1/activity')).toBe(403);
  });

  it('cannot take the last admin away, nor two admins in two commands at once', async () => {
    const last = 'This is the last admin. Make somebody else an admin first.';
    expectRefusal(await run('members role', chief.email, 'member'), last);
    expectRefusal(await run('members disable', chief.email), last);
    expect(await statusOf(await admin(), '/api/v1/activity')).toBe(200);

    const { who } = await member();
    await run('members role', who.email, 'admin');
    const both = await Promise.all([chief, who].map(({ email }) => run('members role', email, 'member')));
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    await query(environment, `UPDATE "users" SET "role" = 'admin' WHERE "email" = $1`, [chief.email]);
  });

  it('ends the sessions of a member, who can log in again', async () => {
    const { who, script } = await member();
    const elsewhere = await asScript(who);
    expectDone(await run('members end-sessions', who.email), `Every session and token of ${who.email} has ended.`);
    expect([await statusOf(script), await statusOf(elsewhere), await logsIn(who)]).toEqual([401, 401, 200]);
  });

  it('prints a link that sets another password, and the old one works until then', async () => {
    const { who } = await member();
    const { output } = await run('members reset-link', who.email);
    expect(await logsIn(who)).toBe(200);
    const token = new URL(output).searchParams.get('token') ?? '';
    const changed = { ...who, password: 'another sentence of my own' };
    const answer = await new Visitor(site.url).ask('/password/reset', { form: { token, password: changed.password } });
    expect(answer.status).toBe(303);
    expect([await logsIn(who), await logsIn(changed)]).toEqual([401, 200]);
  });

  it('takes away the second factor of a member who lost it, and the member hears of it', async () => {
    const { who, script } = await member();
    expectRefusal(await run('members reset-factors', who.email), `${who.email} has no second factor.`);
    await addAuthenticator(script);
    expect(await logsIn(who)).toBe(401);
    expectDone(
      await run('members reset-factors', who.email),
      `${who.email} has no second factor any more: a password is enough, until they set one up.`,
    );
    expect(await logsIn(who)).toBe(200);
    await waitForMail(site, who.email, /second factor|sign-in|log.?in/i);
  });

  it('sets who may register, and the next registration meets it', async () => {
    const registers = async (email = person().email) =>
      (await new Script(site.url).ask('/api/v1/auth/register', { json: person({ email }) })).status;
    expectDone(await run('registration set closed'), 'closed: Nobody may register.');
    expect(await registers()).toBe(403);

    const opened = await run('registration set open --domains', 'example.org, @Example.NET');
    expectDone(opened, 'open: Anyone may register and is in at once.\nOnly emails of: example.org, example.net');
    expect([await registers(), await registers(person().email.replace('.com', '.net'))]).toEqual([422, 201]);

    await run('registration set approval');
    expect(JSON.parse((await run('registration show --json')).output)).toEqual({
      mode: 'approval',
      domains: ['example.org', 'example.net'],
    });
    const who = person({ email: person().email.replace('.com', '.org') });
    expect((await new Script(site.url).ask('/api/v1/auth/register', { json: who })).status).toBe(202);
    expect(await logsIn(who)).not.toBe(200);
    expectDone(await run('members approve', who.email), `${who.email} is let in.`);
    expect(await logsIn(who)).toBe(200);
    expectRefusal(await run('members approve', who.email), `${who.email} does not wait to be let in.`);

    expectRefusal(
      await run('registration set open --domains', 'example'),
      '“example” is no domain. One is written like example.org.',
    );
    expectDone(await run('registration set open --domains', ''), 'open: Anyone may register and is in at once.');
    expect(await registers()).toBe(201);
  });

  it('is told of an email that nobody has, whatever the command', async () => {
    const { email } = person();
    const commands = ['approve', 'disable', 'enable', 'reset-link', 'end-sessions', 'reset-factors'];
    for (const command of commands)
      expectRefusal(await run(`members ${command}`, email), `There is no member with the email ${email}.`);
    expectRefusal(await run('members role', email, 'admin'), `There is no member with the email ${email}.`);
  });

  it('leaves each act in the activity log, as nobody’s on this machine', async () => {
    const script = await admin();
    const { items } = (await (await script.ask('/api/v1/activity?q=local&limit=100')).json()) as {
      items: { kind: string; actor: string | null; address: string; target: string; requestId: string }[];
    };
    for (const { actor, address } of items) expect([actor, address]).toEqual([null, 'local']);
    expect(new Set(items.map(({ kind }) => kind))).toEqual(
      new Set([
        'account.registered',
        'account.disabled',
        'account.enabled',
        'account.role-changed',
        'account.approved',
        'session.others-ended',
        'password.reset-asked',
        'factor.reset',
        'registration.changed',
      ]),
    );
    expect(new Set(items.map(({ requestId }) => requestId)).size).toBeGreaterThan(9);
  });

  it('finds the site healthy, line by line', async () => {
    const { code, output, remarks } = await run('doctor');
    expect([code, remarks]).toEqual([0, '']);
    const states = output
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/).slice(0, 2).join(' '));
    expect(states).toEqual([
      'ok settings',
      'ok data folder',
      'ok permissions',
      'ok secret',
      'ok disk',
      'ok database',
      ...(kind === 'sqlite' ? ['ok integrity', 'ok journal'] : []),
      'ok schema',
      'ok clock',
      'ok admins',
      'ok outbox',
      'warning mail',
      'ok PUBLIC_URL',
      'ok answer',
    ]);
    expect(output).toContain('mails are not sent but kept in');
  });

  it('has disturbed nobody: the server complains of nothing, and issued no key or setup link anew', () => {
    const levels = [...site.log().matchAll(/"level":"(\w+)"/g)].map(([, level]) => level);
    expect(levels.filter((level) => level === 'error' || level === 'fatal')).toEqual([]);
    expect(site.log().match(/There is no admin yet/g)).toHaveLength(1);
    expect(readdirSync(site.dataDir)).toEqual(expect.arrayContaining(['app-secret', 'files']));
  });
});

describe('settings', () => {
  const secrets = {
    APP_SECRET: 'canary-of-the-app-secret-with-32-characters',
    ADMIN_PASSWORD: 'canary-of-the-admin',
    DATABASE_URL: 'postgres://gate:canary-of-the-database@127.0.0.1:1/gate?sslmode=disable',
    SMTP_URL: 'smtps://gate:canary-of-the-mail@mail.example.org',
    BREACH_LIST: 'https://canary-of-the-list@ranges.example.org/range',
  };
  const environment = { ...secrets, ADMIN_EMAIL: 'ada@example.com', TRUST_PROXY: '10.0.0.1, ::1', PORT: '' };

  it('are shown as they are in effect, with where they come from, though no database can be opened', async () => {
    const { code, output, remarks } = await gatehouse(environment, 'settings');
    expect([code, remarks]).toEqual([0, '']);
    const rows = output
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toContainEqual(['PORT', '3000', 'default']);
    expect(rows).toContainEqual(['TRUST_PROXY', '10.0.0.1,::1', 'the environment']);
    expect(rows).toContainEqual(['APP_SECRET', '********', 'the environment']);
    expect(rows).toContainEqual(['REQUIRE_MFA', 'off', 'default']);
    expect(output).not.toContain('canary');
  });

  it('are shown to a script as JSON, null where they are not set', async () => {
    const { output } = await gatehouse(environment, 'settings --json');
    expect(JSON.parse(output)).toMatchObject({
      PORT: 3000,
      TRUST_PROXY: ['10.0.0.1', '::1'],
      APP_SECRET: '********',
      ADMIN_PASSWORD: '********',
      DATABASE_URL: 'postgres://gate:********@127.0.0.1:1/gate?sslmode=disable',
      SMTP_URL: 'smtps://gate:********@mail.example.org',
      BREACH_LIST: 'https://********@ranges.example.org/range',
    });
    expect(JSON.parse((await gatehouse({}, 'settings --json')).output)).toMatchObject({
      APP_SECRET: null,
      SMTP_URL: null,
    });
    expect(output).not.toContain('canary');
  });

  it('that are wrong are told, every one', async () => {
    const wrong = { ...secrets, PORT: 'eighty', LOG_LEVEL: 'loud', APP_SECRET: 'canary-too-short' };
    const { code, output, remarks } = await gatehouse(wrong, 'settings');
    expect([code, output]).toEqual([1, '']);
    expect(remarks.match(/(?<=^ {2}- )[A-Z_]+/gm)?.toSorted()).toEqual([
      'ADMIN_EMAIL',
      'APP_SECRET',
      'LOG_LEVEL',
      'PORT',
    ]);
    const doctor = await gatehouse(wrong, 'doctor');
    expect(doctor.code).toBe(1);
    expect(doctor.output.match(/^problem {2}settings {2,}[A-Z_]+/gm)).toHaveLength(4);
    expect(remarks + doctor.output + doctor.remarks).not.toContain('canary');
  });
});

describe('the doctor', () => {
  /** A site that was set up, and does not run. */
  async function asleep(): Promise<Environment & { DATA_DIR: string }> {
    const environment = { DATA_DIR: join(newFolder(), 'data'), PUBLIC_URL: 'http://127.0.0.1:1' };
    const { code } = await gatehouse(environment, 'members add ada@example.com --name Ada --admin');
    expect(code).toBe(0);
    return environment;
  }
  const fileOf = ({ DATA_DIR }: { DATA_DIR: string }) => join(DATA_DIR, 'gatehouse.db');

  it('finds nothing where nothing was set up, and makes nothing', async () => {
    const DATA_DIR = join(newFolder(), 'data');
    const { found } = await diagnose({ DATA_DIR });
    expect(found).toMatchObject({
      'data folder': problemWith('ENOENT.*Start the site'),
      database: problemWith('ENOENT.*DATA_DIR'),
    });
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('finds a data folder that is none, and files in it that others can read', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect((await diagnose({ DATA_DIR: file })).found).toMatchObject({ 'data folder': problemWith('is no folder') });

    const environment = await asleep();
    chmodSync(environment.DATA_DIR, 0o755);
    chmodSync(join(environment.DATA_DIR, 'app-secret'), 0o640);
    const open = (await diagnose(environment)).found;
    expect(open).toMatchObject({
      permissions: warningOf('mode 0755.*chmod 750'),
      secret: problemWith('mode 0640.*chmod 600'),
      answer: warningOf('Nobody answers at http://127.0.0.1:1'),
    });
    expect(statSync(environment.DATA_DIR).mode & 0o777).toBe(0o755);

    chmodSync(environment.DATA_DIR, 0o750);
    chmodSync(fileOf(environment), 0o644);
    rmSync(join(environment.DATA_DIR, 'app-secret'));
    expect((await diagnose(environment)).found).toMatchObject({
      permissions: warningOf('others can read .*gatehouse.db'),
      secret: problemWith('There is no .*app-secret: restore it'),
    });
    expect(existsSync(join(environment.DATA_DIR, 'app-secret'))).toBe(false);
  });

  it('finds a database that is damaged, is something else, or is not there, and leaves it as it is', async () => {
    const environment = await asleep();
    const page = Buffer.alloc(4_096, 0xff);
    const file = openSync(fileOf(environment), 'r+');
    for (const number of [1, 2, 3, 5, 8]) writeSync(file, page, 0, page.length, number * page.length);
    closeSync(file);
    const { code, found } = await diagnose(environment);
    expect(code).toBe(1);
    expect(
      Object.values(found)
        .filter(({ state }) => state === 'problem')
        .map(({ words }) => words)
        .join(),
    ).toMatch(/damaged.*restore a backup|SQLITE_CORRUPT/);

    writeFileSync(fileOf(environment), 'These are notes, and no database at all.\n'.repeat(100));
    expect((await diagnose(environment)).found.database).toEqual(problemWith('SQLITE_NOTADB'));
    expect(readFileSync(fileOf(environment), 'utf8')).toMatch(/^These are notes/);

    const other = { ...environment, DATABASE_URL: 'sqlite:other.db' };
    expect((await diagnose(other)).found.database).toEqual(problemWith('ENOENT'));
    expect(existsSync(join(environment.DATA_DIR, 'other.db'))).toBe(false);
  });

  it('finds a schema that is not this version’s, and does not change it', async () => {
    const environment = await asleep();
    await query(
      environment,
      `INSERT INTO "migrations" ("timestamp", "name") VALUES (9999999999999, 'Tomorrow9999999999999')`,
    );
    expect((await diagnose(environment)).found.schema).toEqual(
      problemWith('later version of Gatehouse .Tomorrow9999999999999'),
    );
    await query(environment, `DELETE FROM "migrations" WHERE "timestamp" > 1795305600001`);
    expect((await diagnose(environment)).found.schema).toEqual(problemWith('It lacks AccountsThatHold1795392000001'));
    expect(await query(environment, 'SELECT "name" FROM "migrations"')).toHaveLength(1);
  });

  it('finds a clock that was set back, an admin without the second factor, mails that wait, and limits that are off', async () => {
    const environment = { ...(await asleep()), REQUIRE_MFA: 'admins', RATE_LIMITS: 'off' };
    expect((await diagnose(environment)).found).toMatchObject({
      clock: { state: 'ok' },
      'second factor': warningOf('REQUIRE_MFA is admins.*ada@example.com'),
      outbox: { state: 'ok' },
      RATE_LIMITS: warningOf('anyone may guess'),
    });
    await query(environment, `UPDATE "events" SET "at" = "at" + 60000`);
    await query(environment, `INSERT INTO "outbox" ("id", "letter", "createdAt", "dueAt") VALUES ('1', '', 0, 0)`);
    await query(environment, `UPDATE "users" SET "disabledAt" = 1`);
    expect((await diagnose(environment)).found).toMatchObject({
      clock: problemWith(/newest event is \d\d s ahead/),
      outbox: warningOf('1 mails'),
      admins: warningOf('There is none'),
    });
  });

  it('finds a PostgreSQL that does not answer or does not know the password, which it tells nobody', async () => {
    const unreachable = 'postgres://gatehouse:sesame@127.0.0.1:1/gatehouse';
    const away = await gatehouse({ DATA_DIR: newFolder(), DATABASE_URL: unreachable }, 'doctor');
    expect(away.code).toBe(1);
    expect(away.output).toMatch(/^problem {2}database {2,}It cannot be opened: connect ECONNREFUSED/m);

    const database = await newDatabase('postgres');
    try {
      const url = (database?.url ?? '').replace(':gatehouse@', ':sesame@');
      const refused = await gatehouse({ DATA_DIR: newFolder(), DATABASE_URL: url }, 'doctor');
      expect(refused.output).toMatch(/^problem {2}database {2,}It cannot be opened: .*password/m);
      const empty = await gatehouse({ DATA_DIR: newFolder(), DATABASE_URL: database?.url ?? '' }, 'doctor');
      expect(empty.output).toMatch(/^problem {2}schema {2,}It lacks AccountsAndFiles/m);
      expect(away.output + refused.output + empty.output).not.toContain('sesame');
    } finally {
      await database?.drop();
    }
  });

  it('asks the mail server, and what answers at PUBLIC_URL', async () => {
    const smtp = await startSmtp();
    const other = createServer((_, answer) => answer.end('a page of somebody else')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const environment = { ...(await asleep()), SMTP_URL: smtp.url, PUBLIC_URL: `http://127.0.0.1:${port}` };
    expect((await diagnose(environment)).found).toMatchObject({
      mail: { state: 'ok' },
      answer: warningOf('is no Gatehouse .200'),
    });
    expect(smtp.mails).toEqual([]);
    await smtp.close();
    other.close();
    expect((await diagnose(environment)).found.mail).toEqual(problemWith('ECONNREFUSED'));
  });

  it('tells of an address that is not safe, and of a proxy that is not named', async () => {
    const DATA_DIR = newFolder();
    const [plain, secure] = await Promise.all([
      diagnose({ DATA_DIR, PUBLIC_URL: 'http://gate.invalid', BREACH_LIST: join(DATA_DIR, 'none.txt') }),
      diagnose({ DATA_DIR, PUBLIC_URL: 'https://gate.invalid' }),
    ]);
    expect(plain.found).toMatchObject({ PUBLIC_URL: warningOf('is not https'), BREACH_LIST: warningOf('ENOENT') });
    expect(plain.found.TRUST_PROXY).toBeUndefined();
    expect(secure.found).toMatchObject({ PUBLIC_URL: { state: 'ok' }, TRUST_PROXY: warningOf('not set') });
  });
});

describe('a command that cannot be run', () => {
  it.each([
    [''],
    ['members'],
    ['nobody'],
    ['members rename'],
    ['members add ada@example.com'],
    ['members add ada@example.com --name Ada --password secret'],
    ['members disable'],
    ['members disable ada@example.com grace@example.com'],
    ['members role ada@example.com chief'],
    ['members list --state gone'],
    ['registration set everybody'],
    ['doctor --fix'],
  ])('because it is none ends with 2, and how it is written: %s', async (command) => {
    const DATA_DIR = join(newFolder(), 'data');
    const { code, output, remarks } = await runs(
      process.execPath,
      [join(projectFolder, 'dist/gatehouse.js'), ...command.split(' ').filter(Boolean)],
      { DATA_DIR },
      newFolder(),
    );
    expect([code, output]).toEqual([2, '']);
    expect(remarks).toContain('Usage: gatehouse');
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('because the settings or the database are not right ends with 1, and says so in words', async () => {
    const file = join(newFolder(), 'notes.txt');
    writeFileSync(file, 'These are notes, and no database at all.\n'.repeat(100));
    const cases: [Environment, RegExp][] = [
      [{ PORT: 'eighty' }, /PORT must be a whole number/],
      [{ DATA_DIR: file }, /DATA_DIR cannot be used/],
      [{ DATA_DIR: newFolder(), DATABASE_URL: `sqlite:${file}` }, /cannot be opened: SQLITE_NOTADB/],
      [
        { DATA_DIR: newFolder(), DATABASE_URL: 'postgres://a:sesame@127.0.0.1:1/b' },
        /cannot be opened: connect ECONNREFUSED/,
      ],
    ];
    for (const [environment, words] of cases) {
      const { code, output, remarks } = await gatehouse(environment, 'members list');
      expect([code, output]).toEqual([1, '']);
      expect(remarks).toMatch(words);
      expect(remarks).not.toMatch(/^\s+at |sesame/m);
    }
  });

  it('tells where it made a database, since the server may have another', async () => {
    const DATA_DIR = newFolder();
    const first = await gatehouse({ DATA_DIR }, 'members list');
    expect(first.remarks).toMatch(`There was no database, so one was made: ${DATA_DIR}/gatehouse.db.`);
    expect((await gatehouse({ DATA_DIR }, 'members list')).remarks).toBe('There is no such member.\n');
  });
});

it('every command explains itself', async () => {
  const commands = ['', 'members', 'registration', 'settings', 'doctor'];
  for (const noun of ['members', 'registration']) {
    const { output } = await gatehouse({}, noun, '--help');
    const verbs = [...output.matchAll(/^ {2}([a-z-]+) /gm)].map(([, verb]) => verb);
    commands.push(...verbs.filter((verb) => verb !== 'help').map((verb) => `${noun} ${verb}`));
  }
  expect(commands).toHaveLength(16);
  const helps = await Promise.all(commands.map((command) => gatehouse({}, `${command} --help`.trim())));
  for (const { code, output, remarks } of helps) {
    expect([code, remarks]).toEqual([0, '']);
    expect(output).toMatch(/^Usage: gatehouse .*\n\n\S+.*\n/);
  }
});

it('npm run gatehouse builds what is missing or has changed, and nothing else', async () => {
  const copy = newFolder();
  for (const name of ['src', 'views', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'])
    cpSync(join(projectFolder, name), join(copy, name), { recursive: true });
  mkdirSync(join(copy, 'storage'));
  symlinkSync(join(projectFolder, 'node_modules'), join(copy, 'node_modules'));
  const environment = { PATH: process.env.PATH ?? '', HOME: copy, DATA_DIR: newFolder() };
  const npm = (...given: string[]) => runs('npm', ['run', '-s', 'gatehouse', '--', ...given], environment, copy);
  const built = () => statSync(join(copy, 'dist/.tsbuildinfo')).mtimeMs;

  const fresh = await npm('settings', '--json');
  expect([fresh.code, fresh.remarks]).toEqual([0, '']);
  expect(JSON.parse(fresh.output)).toMatchObject({ DATA_DIR: environment.DATA_DIR });
  const first = built();
  expect((await npm('members', 'nobody')).code).toBe(2);
  expect((await npm('members', 'enable', 'ada@example.com')).code).toBe(1);
  expect(built()).toBe(first);

  const later = new Date(Date.now() + 1_000);
  const file = join(copy, 'src/commands/command-line.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace('Runs one command', 'Does one thing'));
  utimesSync(file, later, later);
  expect((await npm('--help')).output).toContain('Does one thing');
}, 240_000);

/** Sets up an authenticator app for somebody who is logged in. */
async function addAuthenticator(script: Script): Promise<void> {
  const path = '/api/v1/users/me/factors/authenticator';
  const { secret } = (await (await script.ask(path, { method: 'POST' })).json()) as { secret: string };
  const added = await script.ask(path, { method: 'PUT', json: { code: codeFor(secret) } });
  expect(added.status).toBe(200);
}
