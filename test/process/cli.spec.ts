import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newDatabase } from '../support/app.js';
import {
  expectDone,
  expectRefusal,
  gatehouse,
  gatehouseHere,
  gatehouseReading,
  query,
  type Environment,
} from '../support/command.js';
import { codeFor } from '../support/factors.js';
import { mailsIn } from '../support/mail.js';
import { person, Script, Visitor, type Person } from '../support/people.js';
import { freePort, newFolder, startServer, type Server } from '../support/server.js';

const chief = person({ name: 'Grace Hopper' });
let environment: Environment;
let site: Server;

/** Starts a server, and gives it its first admin. */
async function begin(databaseUrl?: string): Promise<void> {
  const port = await freePort();
  environment = {
    PORT: port,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: join(newFolder(), 'data'),
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  };
  site = await startServer({ ...environment, RATE_LIMITS: 'on' });
  const words = ['--name', chief.name, '--admin', '--password-stdin'];
  const added = await gatehouseReading(`${chief.password}\n`, environment, 'members add', chief.email, ...words);
  expectDone(added, `${chief.email} is an admin now.`);
}

const operator = (command: string, ...more: string[]) => gatehouseHere(environment, command, ...more);

async function member(): Promise<{ who: Person; script: Script }> {
  const script = new Script(site.url);
  return { who: await script.register(), script };
}

async function admin(): Promise<Script> {
  const script = new Script(site.url);
  await script.logIn(chief);
  return script;
}

const statusOf = async (script: Script, path = '/api/v1/users/me') => (await script.ask(path)).status;
/** Only admins get 200. */
const asAdmin = (script: Script) => statusOf(script, '/api/v1/activity');

const logsIn = async ({ email, password }: Person) =>
  (await new Script(site.url).ask('/api/v1/auth/login', { json: { email, password } })).status;

const registers = async (email = person().email) =>
  (await new Script(site.url).ask('/api/v1/auth/register', { json: person({ email }) })).status;

const choosesPassword = async (link: string, password: string) => {
  const token = new URL(link).searchParams.get('token') ?? '';
  return (await new Visitor(site.url).ask('/password/reset', { form: { token, password } })).status;
};

const count = async (table: string) =>
  Number(
    (await query<{ count: number | string }>(environment, `SELECT COUNT(*) AS "count" FROM "${table}"`))[0]?.count,
  );

const lastAdmin = 'This is the last admin. Make somebody else an admin first.';

describe.each(['sqlite', 'postgres'] as const)('an operator beside a running server on %s', (kind) => {
  let database: Awaited<ReturnType<typeof newDatabase>>;
  beforeAll(async () => {
    database = await newDatabase(kind);
    await begin(database?.url);
  });
  afterAll(async () => {
    expect(await site.stop()).toBe(0);
    await database?.drop();
  });

  it('makes an admin with a password from a pipe, who is one at once', async () => {
    expect(await asAdmin(await admin())).toBe(200);
  });

  it('makes a member, and hands them a link under which they choose a password, once', async () => {
    const who = person();
    const { code, output, remarks } = await operator('members add', ` ${who.email.toUpperCase()}`, '--name', who.name);
    const words = `${who.email} is a member now, and chooses a password here, once and within a day:\n`;
    expect([code, remarks]).toEqual([0, words]);
    expect(output).toMatch(new RegExp(`^${environment.PUBLIC_URL}/password/reset\\?token=[\\w-]{43}\\n$`));
    expect(await choosesPassword(output, who.password)).toBe(303);
    expect(await choosesPassword(output, who.password)).toBe(404);
    const script = new Script(site.url);
    await script.logIn(who);
    expect(await (await script.ask('/api/v1/users/me')).json()).toMatchObject({ name: who.name, role: 'member' });
  });

  it('reads who there is, everybody of many', async () => {
    const rows = Array.from({ length: 101 }, (_, n) => {
      const id = `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
      return `('${id}', 'Crowd', 'crowd-${n}@example.com', 'crowd', '', 'member', 0)`;
    });
    const columns = '"id", "name", "email", "searchText", "passwordHash", "role", "createdAt"';
    await query(environment, `INSERT INTO "users" (${columns}) VALUES ${rows.join(', ')}`);
    const found = JSON.parse((await operator('members list --json --search crowd')).output) as { id: string }[];
    expect(new Set(found.map(({ id }) => id)).size).toBe(101);
    await query(environment, `DELETE FROM "users" WHERE "searchText" = 'crowd'`);
  });

  it('keeps a member out on their very next request, and lets them in again', async () => {
    const { who, script } = await member();
    expect(await statusOf(script)).toBe(200);
    expectDone(await operator('members disable', who.email), `${who.email} is disabled, and every session has ended.`);
    expect([await statusOf(script), await logsIn(who)]).toEqual([401, 401]);
    expectDone(await operator('members enable', who.email), `${who.email} may come in.`);
    expect([await statusOf(script), await logsIn(who)]).toEqual([401, 200]);
  });

  it('makes a member an admin and a member again, as their next request finds', async () => {
    const { who, script } = await member();
    expect(await asAdmin(script)).toBe(403);
    expectDone(await operator('members role', who.email, 'admin'), `${who.email} is an admin now.`);
    expect(await asAdmin(script)).toBe(200);
    expectDone(await operator('members role', who.email, 'member'), `${who.email} is a member now.`);
    expect(await asAdmin(script)).toBe(403);
  });

  it('cannot take the last admin away, nor both of two by two commands at once', async () => {
    expectRefusal(await operator('members disable', chief.email), lastAdmin);
    const { who } = await member();
    await operator('members role', who.email, 'admin');
    const both = await Promise.all(
      [chief, who].map(({ email }) => gatehouse(environment, 'members role', email, 'member')),
    );
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    expect(both.map(({ remarks }) => remarks).join('')).toBe(`${lastAdmin}\n`);
    await query(environment, `UPDATE "users" SET "role" = 'admin' WHERE "email" = $1`, [chief.email]);
  });

  it('ends the sessions of a member, who can log in again', async () => {
    const { who, script } = await member();
    expectDone(await operator('members end-sessions', who.email), `Every session and token of ${who.email} has ended.`);
    expect([await statusOf(script), await logsIn(who)]).toEqual([401, 200]);
  });

  it('takes away the second factor of a member who lost it, and the member hears of it', async () => {
    const { who, script } = await member();
    await addAuthenticator(script);
    expect(await logsIn(who)).toBe(401);
    const words = `${who.email} has no second factor any more: a password is enough, until they set one up.`;
    expectDone(await operator('members reset-factors', who.email), words);
    expect(await logsIn(who)).toBe(200);
    const isTold = async () =>
      (await mailsIn(site)).some(
        ({ to, text }) => to?.[0]?.address === who.email && text?.includes('took your second'),
      );
    // the server looks for letters that others left every few seconds
    while (!(await isTold())) await sleep(100);
  });

  it('closes the registration, and lets in who waits for it', async () => {
    expectDone(await operator('registration set closed'), 'closed: Nobody may register.');
    expect(await registers()).toBe(403);
    const words = 'approval: Anyone may register, and an admin lets them in.';
    expectDone(await operator('registration set approval'), words);
    const who = person();
    expect(await registers(who.email)).toBe(202);
    expect(await logsIn(who)).not.toBe(200);
    expectDone(await operator('members approve', who.email), `${who.email} is let in.`);
    expect(await logsIn(who)).toBe(200);
  });

  it('leaves each act in the activity log, as nobody’s on this machine', async () => {
    const answer = await (await admin()).ask('/api/v1/activity?q=local&limit=100');
    const { items } = (await answer.json()) as {
      items: { kind: string; actor: string | null; address: string; requestId: string }[];
    };
    for (const { actor, address } of items) expect([actor, address]).toEqual([null, 'local']);
    expect([...new Set(items.map(({ kind }) => kind))].toSorted()).toEqual([
      'account.approved',
      'account.disabled',
      'account.enabled',
      'account.registered',
      'account.role-changed',
      'factor.reset',
      'password.reset-asked',
      'registration.changed',
      'session.others-ended',
    ]);
    expect(new Set(items.map(({ requestId }) => requestId)).size).toBeGreaterThan(9);
  });

  it('finds the site healthy, line by line', async () => {
    const { code, output, remarks } = await operator('doctor');
    expect([code, remarks]).toEqual([0, '']);
    const lines = output.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 2).join(' '))).toEqual([
      ...['ok settings', 'ok data folder', 'ok permissions', 'ok secret', 'ok files folder', 'ok mail folder'],
      ...['ok disk', 'ok database'],
      ...(kind === 'sqlite' ? ['ok integrity', 'ok journal'] : []),
      ...['ok schema', 'ok key', 'ok bytes', 'ok clock', 'ok admins', 'ok outbox', 'ok backup', 'warning mail'],
      ...['ok PUBLIC_URL', 'ok answer'],
    ]);
  });

  it('disturbs nobody: the server complains of nothing', () => {
    expect(site.log().match(/"level":"(error|fatal)"/g)).toBeNull();
    expect(site.log().match(/There is no admin yet/g)).toHaveLength(1);
  });
});

describe('an operator', () => {
  beforeAll(async () => {
    await begin();
  });
  afterAll(() => site.stop());

  it('makes no account that the site would refuse', async () => {
    const add = (email: string, name: string) => operator('members add', email, '--name', name);
    expectRefusal(await add(chief.email, 'Ada'), `${chief.email} has an account already.`);
    expectRefusal(await add('ada', 'Ada'), 'Please give an email address, such as ada@example.com.');
    expectRefusal(await add('ada@example.com', ' '), 'Please give your name.');
    const words = ['members add ada@example.com --name Ada', '--password-stdin'] as const;
    expectRefusal(
      await gatehouseReading('password1', environment, ...words),
      'That password is one of the commonest, the first that anyone would try. Please choose another.',
    );
    expect((await operator('members list --search ada@example.com')).remarks).toBe('There is no such member.\n');
    expect(await asAdmin(await admin())).toBe(200);
  });

  it('reads who there is, as JSON and as a table, and finds them by name', async () => {
    const { who } = await member();
    const [newest, ...others] = JSON.parse((await operator('members list --json')).output) as { email: string }[];
    expect(newest).toMatchObject({
      name: who.name,
      email: who.email,
      role: 'member',
      state: 'active',
      hasFactor: false,
    });
    expect(others.map(({ email }) => email)).toContain(chief.email);

    const { code, output, remarks } = await operator('members list --state active --search hopper');
    expect([code, remarks]).toEqual([0, '']);
    expect(
      output
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['EMAIL', 'NAME', 'ROLE', 'STATE', 'SECOND FACTOR', 'SINCE'],
      [chief.email, chief.name, 'admin', 'active', 'no', new Date().toISOString().slice(0, 10)],
    ]);
  });

  it('prints a link that sets another password; the old one works until then', async () => {
    const { who } = await member();
    const { output } = await operator('members reset-link', who.email);
    expect(await logsIn(who)).toBe(200);
    const changed = { ...who, password: 'another sentence of my own' };
    expect(await choosesPassword(output, changed.password)).toBe(303);
    expect([await logsIn(who), await logsIn(changed)]).toEqual([401, 200]);

    await operator('members disable', who.email);
    const words = `${who.email} may not come in, so needs no new password: let them in first.`;
    expectRefusal(await operator('members reset-link', who.email), words);
  });

  it('sets the domains that members come from, which stay until others are given', async () => {
    const words = 'open: Anyone may register and is in at once.';
    const narrowed = await operator('registration set open --domains', 'example.org, @Example.NET');
    expectDone(narrowed, `${words}\nOnly emails of: example.org, example.net`);
    const elsewhere = person().email.replace('.com', '.net');
    expect([await registers(), await registers(elsewhere)]).toEqual([422, 201]);

    await operator('registration set invite');
    const rules = JSON.parse((await operator('registration show --json')).output) as unknown;
    expect(rules).toEqual({ mode: 'invite', domains: ['example.org', 'example.net'] });
    const wrong = await operator('registration set open --domains example');
    expectRefusal(wrong, '“example” is no domain. One is written like example.org.');
    expectDone(await operator('registration set open --domains', ''), words);
    expect(await registers()).toBe(201);
  });

  it('forgets nothing by a command that has other settings than the server, and sends no mail by it', async () => {
    const columns = '"id", "at", "kind", "outcome", "requestId", "searchText"';
    await query(
      environment,
      `INSERT INTO "events" (${columns}) VALUES ('old', 1, 'account.renamed', 'success', '', '')`,
    );
    const { who } = await member();
    const kept = [await count('events'), await count('sessions'), (await mailsIn(site)).length];
    for (let times = 0; times < 2; times++)
      expect(
        (await gatehouse({ ...environment, ACTIVITY_DAYS: '1', SESSION_IDLE_MINUTES: '2' }, 'members list')).code,
      ).toBe(0);
    expect([await count('events'), await count('sessions'), (await mailsIn(site)).length]).toEqual(kept);
    expect(await logsIn(who)).toBe(200);
  });

  it('adds files from this machine, all or none where one is mistyped', async () => {
    const folder = newFolder();
    const [one, two] = [join(folder, 'one.txt'), join(folder, 'zwei.pdf')];
    writeFileSync(one, 'the first');
    writeFileSync(two, 'the second');
    expectRefusal(
      await operator('files add', one, join(folder, 'three.txt')),
      `There is no file at ${join(folder, 'three.txt')}. Nothing was added.`,
    );
    const { code, output } = await operator('files add', one, two);
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/^[0-9a-f-]{36} {2}one\.txt\n[0-9a-f-]{36} {2}zwei\.pdf\n$/),
    ]);
    const { script } = await member();
    const { items } = (await (await script.ask('/api/v1/files?limit=3')).json()) as {
      items: { id: string; name: string }[];
    };
    expect(items.slice(0, 2).map(({ name }) => name)).toEqual(['zwei.pdf', 'one.txt']);
    expect(await (await script.ask(`/api/v1/files/${items[1]?.id ?? ''}/content`)).text()).toBe('the first');
  });

  it('has the store compared with the database', async () => {
    const folder = newFolder();
    const path = join(folder, 'kept.txt');
    writeFileSync(path, 'kept');
    for (let times = 0; times < 3; times++) expect((await operator('files add', path)).code).toBe(0);
    const clean = await operator('files verify');
    expect([clean.code, clean.output]).toEqual([0, '']);
    expect(clean.remarks).toMatch(/\d+ versions were looked at\./);

    const keys = await query<{ storageKey: string }>(
      environment,
      `SELECT "storageKey" FROM "files" WHERE "name" = 'kept.txt'`,
    );
    const [missing = '', changed = ''] = keys.map(({ storageKey }) => storageKey);
    const pathOf = (key: string) => join(environment.DATA_DIR ?? '', 'files', key.slice(0, 2), key.slice(2));
    rmSync(pathOf(missing));
    writeFileSync(pathOf(changed), 'bent');
    const [old, young] = ['ab'.repeat(16), 'cd'.repeat(16)];
    for (const key of [old, young]) {
      mkdirSync(dirname(pathOf(key)), { recursive: true });
      writeFileSync(pathOf(key), 'whose?');
    }
    const twoHoursAgo = Date.now() / 1_000 - 7_200;
    utimesSync(pathOf(old), twoHoursAgo, twoHoursAgo);
    const { code, output, remarks } = await operator('files verify');
    expect([code, output.split('\n').filter(Boolean).sort()]).toEqual([
      1,
      [
        `changed   ${changed}  kept.txt, version 1`,
        `missing   ${missing}  kept.txt, version 1`,
        `orphaned  ${old}  (bytes of no file)`,
      ],
    ]);
    expect(remarks).toContain('There are 3 faults.');
    expect(JSON.parse((await operator('files verify', '--json')).output)).toHaveLength(3);
  });

  it('is told what is not there to be done', async () => {
    const { email } = person();
    expectRefusal(await operator('members disable', email), `There is no member with the email ${email}.`);
    expectRefusal(await operator('members role', email, 'admin'), `There is no member with the email ${email}.`);
    expectRefusal(await operator('members approve', chief.email), `${chief.email} does not wait to be let in.`);
    expectRefusal(await operator('members reset-factors', chief.email), `${chief.email} has no second factor.`);
  });

  it('is told where a database was made, since the server may have another', async () => {
    const DATA_DIR = newFolder();
    const { remarks } = await gatehouse({ DATA_DIR }, 'members list');
    expect(remarks).toContain(`There was no database, so one was made: ${DATA_DIR}/gatehouse.db.`);
    expect((await gatehouse({ DATA_DIR }, 'members list')).remarks).toBe('There is no such member.\n');
  });
});

/** Sets up an authenticator app for somebody who is logged in. */
async function addAuthenticator(script: Script): Promise<void> {
  const path = '/api/v1/users/me/factors/authenticator';
  const { secret } = (await (await script.ask(path, { method: 'POST' })).json()) as { secret: string };
  const added = await script.ask(path, { method: 'PUT', json: { code: codeFor(secret) } });
  expect(added.status).toBe(200);
}
