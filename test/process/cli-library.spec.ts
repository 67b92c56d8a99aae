import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectDone, expectRefusal, gatehouseHere, query, type Environment } from '../support/command.js';
import { mailsIn } from '../support/mail.js';
import { person, Script, type Person } from '../support/people.js';
import { need } from '../support/programs.js';
import { freePort, newFolder, startServer, type Server } from '../support/server.js';

const chief = person({ name: 'Grace Hopper' });
let environment: Environment;
let site: Server;
let ada: Joined;
let bob: Joined;
let admin: Script;

beforeAll(async () => {
  const port = await freePort();
  environment = { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}`, DATA_DIR: join(newFolder(), 'data') };
  const first = { ADMIN_EMAIL: chief.email, ADMIN_PASSWORD: chief.password };
  site = await startServer({ ...environment, ...first, RATE_LIMITS: 'off' });
  [ada, bob] = [await joined(), await joined()];
  admin = new Script(site.url);
  await admin.logIn(chief);
});
afterAll(() => site.stop());

interface Joined {
  readonly who: Person;
  readonly script: Script;
}

async function joined(): Promise<Joined> {
  const script = new Script(site.url);
  return { who: await script.register(), script };
}

const operator = (command: string, ...more: string[]) => gatehouseHere(environment, command, ...more);

/** What a command tells a script. */
async function read<Told>(command: string, ...more: string[]): Promise<Told> {
  const { code, output, remarks } = await operator(command, ...more, '--json');
  expect([code, remarks]).toEqual([0, '']);
  return JSON.parse(output) as Told;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** A new file of this machine. */
function written(name: string, folder = newFolder()): string {
  const path = join(folder, name);
  writeFileSync(path, `the text of ${name}`);
  return path;
}

const added = (...words: string[]) => read<Named[]>('files add', ...words);

/** Whether each of them can have a file. */
const had = async (id: string) =>
  Promise.all([ada, bob].map(async ({ script }) => (await script.ask(`/api/v1/files/${id}/content`)).status === 200));

/** What the activity log says was done to a thing, the oldest first. */
async function logged(target: string): Promise<string[]> {
  const rows = await query<{ kind: string; actorId: string | null; address: string }>(
    environment,
    `SELECT "kind", "actorId", "address" FROM "events" WHERE "target" = $1 AND "kind" <> 'file.downloaded' ORDER BY "id"`,
    [target],
  );
  for (const { actorId, address } of rows) expect([actorId, address]).toEqual([null, 'local']);
  return rows.map(({ kind }) => kind);
}

describe('groups', () => {
  it('are made, and members come and go, as mail programs give them', async () => {
    const { id } = await read<Named>('groups add', 'Board');
    const both = `"Lovelace, Ada" <${ada.who.email.toUpperCase()}>; ${bob.who.email}`;
    const emails = (members: { email: string }[]) => members.map(({ email }) => email).toSorted();
    const all = await read<{ email: string }[]>('groups members', 'board', '--add', both);
    expect(emails(all)).toEqual([ada.who.email, bob.who.email].toSorted());
    expect(emails(await read('groups members', id, '--remove', `Bob <${bob.who.email}>`))).toEqual([ada.who.email]);

    const wrong = `${bob.who.email}; nobody@example.com, ${ada.who.email}`;
    expectRefusal(
      await operator('groups members Board --remove', wrong),
      `${bob.who.email} and nobody@example.com are not in the group. Nothing was changed.`,
    );
    expectRefusal(
      await operator('groups members Board --add', 'x@example.com; Y <y@example.com>', '--remove', ada.who.email),
      'There are no members called x@example.com and y@example.com.',
    );
    expect(emails(await read('groups members', 'Board'))).toEqual([ada.who.email]);
    expect(await read<Named[]>('groups list')).toEqual([expect.objectContaining({ id, name: 'Board' })]);
    expect(await logged('Board')).toEqual(['group.added']);
  });

  it('are deleted, and told if there is none', async () => {
    await read('groups add', 'Short-lived');
    expect(await read<Named>('groups remove', 'short-lived')).toMatchObject({ name: 'Short-lived' });
    expectRefusal(await operator('groups remove Short-lived'), 'There is no group called Short-lived.');
  });
});

describe('files', () => {
  it('go to those whom the options name, and to nobody else', async () => {
    const [everyone] = await added(written('all.txt'), '--audience', 'everyone');
    const [nobody] = await added(written('none.txt'), '--audience', 'nobody');
    const [board] = await added('--group', 'board', written('board.txt'));
    const [named] = await added('--member', `Bob <${bob.who.email}>`, written('bob.txt'));
    const found = await Promise.all([everyone, nobody, board, named].map((file) => had(file?.id ?? '')));
    expect(found).toEqual([
      [true, true],
      [false, false],
      [true, false],
      [false, true],
    ]);
    expect(await logged('all.txt')).toEqual(['file.added']);
    expect(await logged('board.txt')).toEqual(['file.added', 'file.shared']);
  });

  it('are not added if a group, a member or a collection is not there', async () => {
    const path = written('unwanted.txt');
    expectRefusal(await operator('files add', path, '--group', 'Bored'), 'There is no group called Bored.');
    expectRefusal(
      await operator('files add', path, '--member', 'x@example.com, y@example.com'),
      'There are no members called x@example.com and y@example.com.',
    );
    expectRefusal(await operator('files add', path, '--collection', 'None'), 'There is no collection called None.');
    expect(await logged('unwanted.txt')).toEqual([]);
  });

  it('of a folder are added, all below it, but for what is hidden or no file', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'deep', 'deeper'), { recursive: true });
    mkdirSync(join(folder, '.git'));
    written('config', join(folder, '.git'));
    for (const name of ['b.txt', '.hidden', 'deep/a.txt', 'deep/deeper/ü c.txt']) written(name, folder);
    symlinkSync('/etc/hostname', join(folder, 'link'));
    execFileSync(need('mkfifo'), [join(folder, 'deep', 'pipe')]);
    const { code, output, remarks } = await operator('files add', `${folder}/`);
    expect(code).toBe(0);
    expect(output.replace(/^[0-9a-f-]{36} {2}/gm, '')).toBe('b.txt\na.txt\nü c.txt\n');
    expect(remarks.split('\n').filter(Boolean)).toEqual([
      `${join(folder, '.git')} is hidden, and left out.`,
      `${join(folder, '.hidden')} is hidden, and left out.`,
      `${join(folder, 'deep/pipe')} is no regular file, and left out.`,
      `${join(folder, 'link')} is no regular file, and left out.`,
    ]);
    const [bare, none] = [newFolder(), join(folder, 'none')];
    expectRefusal(
      await operator('files add', bare, written('one.txt'), none),
      `There is no file at ${bare} and ${none}. Nothing was added.`,
    );
  });

  it('are called by the one rule of names, and are what their names say', async () => {
    const [folder, nothing] = [newFolder(), newFolder()];
    const given: [name: string, bytes: string | Buffer, called: string, contentType: string][] = [
      ['C:\\fakepath\\x.csv', 'BMI;Age\n', 'x.csv', 'text/csv'],
      ['dir\\..\\up.txt', Buffer.from('\ufeffnotes', 'utf16le'), 'up.txt', 'text/plain'],
      ['\u202Egpj.bin', 'PK\u0003\u0004', 'gpj.bin', 'application/octet-stream'],
      ['con.ts', 'export const answer = 42;\n', '_con.ts', 'application/octet-stream'],
      ['10:30?.ai', '%PDF-1.5\n', '10_30_.ai', 'application/postscript'],
      ['two\nlines.dng', Buffer.from('49492a00080000000c00fe00', 'hex'), 'two lines.dng', 'image/x-adobe-dng'],
      ['dots. . ', 'x', 'dots', 'application/octet-stream'],
    ];
    for (const [name, bytes] of given) writeFileSync(join(folder, name), bytes);
    const made = (await added(folder, '--audience', 'nobody')) as (Named & { contentType: string })[];
    expect(made.map(({ name, contentType }) => [name, contentType]).toSorted()).toEqual(
      given.map(([, , name, contentType]) => [name, contentType]).toSorted(),
    );
    for (const name of ['\u200b', '\u2028']) writeFileSync(join(nothing, name), 'x');
    expectRefusal(
      await operator('files add', written('seen.txt'), nothing),
      `These have no name that can be seen: ${join(nothing, '\u200b')} and ${join(nothing, '\u2028')}. Nothing was added.`,
    );
    expect(await logged('seen.txt')).toEqual([]);
  });

  it('are removed by id, none of them if one is not there', async () => {
    const files = await added(written('old.txt'), written('older.txt'));
    const [one = '', two = ''] = files.map(({ id }) => id);
    expectRefusal(await operator('files remove', one, 'x', two, 'y'), 'There are no files with the ids x and y.');
    expect(await had(one)).toEqual([true, true]);
    expect(await read<Named[]>('files remove', one, two)).toEqual(files.map((file) => expect.objectContaining(file)));
    expect([await had(one), await had(two)]).toEqual([
      [false, false],
      [false, false],
    ]);
    expectRefusal(await operator('files remove', one), `There is no file with the id ${one}.`);
    expect(await logged('old.txt')).toEqual(['file.added', 'file.deleted']);
  });
});

describe('collections', () => {
  it('are made for those who are named, and so is what is added to them', async () => {
    const made = await read<Named>('collections add', 'Minutes', '--note', 'All years', '--group', 'Board');
    expect(made).toMatchObject({ name: 'Minutes', note: 'All years', isForEveryone: false });
    const [file] = await added(written('minutes.txt'), '--collection', 'minutes');
    expect(await had(file?.id ?? '')).toEqual([true, false]);
    expect(await logged('Minutes')).toEqual(['collection.created', 'collection.shared', 'collection.changed']);
    expect(await read<Named[]>('collections files', made.id)).toEqual([file]);
    expect(await read<Named[]>('collections list')).toEqual([expect.objectContaining({ id: made.id })]);
  });

  it('are given to others', async () => {
    const [file] = await read<Named[]>('collections files', 'Minutes');
    const shared = await operator('collections share Minutes --member', `Bob <${bob.who.email}>`);
    expectDone(shared, 'That is who may have Minutes now, and each file in it.');
    expect(await had(file?.id ?? '')).toEqual([false, true]);
    expect(await read('collections share', 'Minutes', '--audience', 'everyone')).toMatchObject({ isForEveryone: true });
    expect(await had(file?.id ?? '')).toEqual([true, true]);
  });

  it('take files in and give them up, all or none', async () => {
    const { id } = await read<Named>('collections add', 'Papers');
    const [one, two] = await added(written('1.txt'), written('2.txt'), '--audience', 'nobody');
    const [first = '', second = ''] = [one?.id, two?.id];
    const names = async (...words: string[]) =>
      (await read<Named[]>('collections files', id, ...words)).map((f) => f.name);
    expectRefusal(
      await operator('collections files Papers --add', first, '--add', 'x'),
      'There is no file with the id x.',
    );
    expect(await names()).toEqual([]);
    expect(await names('--add', first, '--add', second)).toEqual(['2.txt', '1.txt']);
    expect(await names('--remove', second)).toEqual(['1.txt']);
    expectRefusal(await operator('collections files Papers --remove', second), 'There is no such file here.');
    expectDone(await operator('collections remove papers'), 'The collection Papers is deleted. Its files stay.');
    expectRefusal(await operator('collections remove papers'), 'There is no collection called papers.');
    expect((await admin.ask(`/api/v1/files/${first}/content`)).status).toBe(200);
  });

  it('of one name are told apart by id', async () => {
    const twins = [await read<Named>('collections add', 'Twin'), await read<Named>('collections add', 'twin')];
    const { code, remarks } = await operator('collections remove Twin');
    expect(code).toBe(1);
    for (const { id } of twins) expect(remarks).toContain(id);
    for (const { id } of twins) expect(await read('collections remove', id)).toMatchObject({ id });
  });
});

describe('members', () => {
  it('are added by an address as a mail program gives it, and told to a script with their link', async () => {
    const { name, email } = person();
    const told = await read('members add', `${name} <${email}>`, '--name', name, '--admin');
    expect(told).toMatchObject({ email, name, role: 'admin', state: 'active' });
    expect(told).toHaveProperty('link', expect.stringMatching(/\/password\/reset\?token=[\w-]{43}$/));
    expect(await read('members role', email, 'member')).toEqual([expect.objectContaining({ email, role: 'member' })]);
    const [reset] = await read<{ link: string }[]>('members reset-link', email);
    expect(reset).toEqual({ email, link: expect.stringContaining('/password/reset?token=') });
  });

  it('are named as they are pasted, and all wrong ones told before anything is done', async () => {
    const both = `"Lovelace, Ada" <${ada.who.email}>; ${bob.who.email}`;
    expectRefusal(
      await operator('members disable', `${both}, X <x@example.com>`, 'y@example.com'),
      'There are no members with the emails x@example.com and y@example.com.',
    );
    expect((await ada.script.ask('/api/v1/users/me')).status).toBe(200);
    const { code, output } = await operator('members disable', both);
    expect([code, output.split('\n').map((line) => line.split(' ')[0])]).toEqual([
      0,
      [ada.who.email, bob.who.email, ''],
    ]);
    expect((await ada.script.ask('/api/v1/users/me')).status).toBe(401);
    expect(await read('members enable', both)).toEqual([
      expect.objectContaining({ email: ada.who.email, state: 'active' }),
      expect.objectContaining({ email: bob.who.email, state: 'active' }),
    ]);
    expectRefusal(await operator('members enable', ' ; '), 'Please name at least one member.');
  });

  it('are deleted as they would delete themselves: out at once, without a name in the log, and told by mail', async () => {
    const { who, script } = await joined();
    const words = `${who.email} is deleted, with everything that was theirs.`;
    expectDone(await operator('members remove', `Somebody <${who.email}>`), words);
    expect((await script.ask('/api/v1/users/me')).status).toBe(401);
    const again = { json: { email: who.email, password: who.password } };
    expect((await new Script(site.url).ask('/api/v1/auth/login', again)).status).toBe(401);
    expect(await query(environment, `SELECT 1 FROM "events" WHERE "searchText" LIKE $1`, [`%${who.email}%`])).toEqual(
      [],
    );
    const deleted = await query(
      environment,
      `SELECT "actorId", "target" FROM "events" WHERE "kind" = 'account.deleted'`,
    );
    expect(deleted).toEqual([{ actorId: null, target: 'a deleted member' }]);
    const isTold = async () =>
      (await mailsIn(site)).some(
        ({ to, subject }) => to?.[0]?.address === who.email && subject?.includes('was deleted'),
      );
    // the server looks for letters that others left every few seconds
    while (!(await isTold())) await sleep(100);
    expectRefusal(await operator('members remove', who.email), `There is no member with the email ${who.email}.`);
  });

  it('keep their last admin, and what was done to others before is told', async () => {
    const { who } = await joined();
    const { code, output, remarks } = await operator('members remove', who.email, chief.email, '--json');
    expect([code, remarks]).toEqual([1, 'This is the last admin. Make somebody else an admin first.\n']);
    expect(JSON.parse(output)).toEqual([expect.objectContaining({ email: who.email })]);
    expect((await admin.ask('/api/v1/activity')).status).toBe(200);
  });
});

it.each([
  ['files add'],
  ['files add', 'x', '--audience', 'everyone', '--group', 'Board'],
  ['files add', 'x', '--audience', 'some'],
  ['files remove'],
  ['collections add'],
  ['collections share', 'Minutes'],
  ['collections files', 'Minutes', '--put', 'x'],
  ['members remove'],
  ['groups members'],
])('a command line that is not right ends with 2: %s', async (command, ...more) => {
  const { code, output, remarks } = await operator(command, ...more);
  expect([code, output]).toEqual([2, '']);
  expect(remarks).toContain('Usage: gatehouse');
});
