import { beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { adminOf, idOf, keeper, startWithAdmin } from '../support/admins.js';
import { aSite, newDatabase, startApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { faultsOf } from '../support/faults.js';
import { person, Script, type Visitor } from '../support/people.js';

/** What each thing is called, and which searches find it and nothing else. */
const word = 'Straße';
const name = `Ödipa ${word} ΟΔΟΣ`;
const finding = [
  name,
  `  ${name.toUpperCase()}\t `,
  'οδος  strasse\u00a0ödipa',
  'οδοσ',
  'ＳＴＲＡＳＳＥ',
  'O\u0308DIPA',
  'sse οδ dip',
];
const missing = ['strasse nobody', 'οδοςx', '%', 'öd_pa'];

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
let member: Script;
let memberId: string;
const ids: Record<string, string> = {};

beforeAll(async () => {
  admin = await adminOf(site);
  member = new Script(site.url);
  const who = await member.register(person({ name }));
  memberId = await idOf(site, who);
  const make = async (path: string, json: object) =>
    ((await (await admin.script.ask(path, { json })).json()) as { id: string }).id;
  const put = async (file: string) =>
    (
      (await (await admin.script.ask(`/api/v1/uploads/${encodeURIComponent(file)}`, { method: 'PUT' })).json()) as {
        id: string;
      }
    ).id;
  ids.file = await put(`${name}.txt`);
  ids.plain = await put('plain.txt');
  ids.outside = await put(`${name} outside.txt`);
  ids.group = await make('/api/v1/groups', { name });
  ids.collection = await make('/api/v1/collections', { name });
  ids.described = await make('/api/v1/collections', { name: 'plain', note: name });
  await admin.script.ask(`/api/v1/groups/${ids.group}/members`, { json: { members: [memberId] } });
  for (const file of [ids.file, ids.plain])
    await admin.script.ask(`/api/v1/collections/${ids.collection}/files/${file}`, { method: 'PUT' });
  for (const collection of [ids.collection, ids.described])
    await admin.script.ask(`/api/v1/collections/${collection}`, { method: 'PATCH', json: { isForEveryone: true } });
  await make('/api/v1/groups', { name: 'plain' });
});

/** Each place that is searched, and how many it finds. */
const places: [string, () => string, () => Script | Visitor, number][] = [
  ['the shelf', () => '/api/v1/files', () => member, 2],
  ['the admin’s files', () => '/admin/files', () => admin.browser, 2],
  ['files that are not in a collection', () => `/admin/collections/${ids.collection}/files`, () => admin.browser, 1],
  ['a collection, as a member has it', () => `/api/v1/collections/${ids.collection}/files`, () => member, 1],
  ['a collection, as an admin has it', () => `/admin/collections/${ids.collection}`, () => admin.browser, 1],
  ['collections', () => '/api/v1/collections', () => member, 2],
  ['an admin’s collections', () => '/admin/collections', () => admin.browser, 2],
  ['groups', () => '/api/v1/groups', () => admin.script, 1],
  ['the members of a group', () => `/api/v1/groups/${ids.group}/members`, () => admin.script, 1],
  ['members', () => '/api/v1/users', () => admin.script, 1],
  ['receipts', () => `/api/v1/files/${ids.file}/receipts`, () => admin.script, 1],
  ['the activity log', () => '/api/v1/activity', () => admin.script, 4],
];

describe.each(places)('in %s', (_, path, who, expected) => {
  const search = async (q: string) => {
    const answer = await who().ask(`${path()}?${new URLSearchParams({ q, limit: '100' }).toString()}`);
    expect([q, answer.status]).toEqual([q, 200]);
    if (answer.headers.get('content-type')?.startsWith('application/json'))
      return ((await answer.json()) as { items: unknown[] }).items.length;
    const main = (await answer.text()).replace(/[^]*<main/, '').replace(/<h1>[^]*?<\/h1>|<title>.*/g, '');
    const rows = main.match(/<li class="file"|<tr role="row">[^]*?<\/tr>/g) ?? [];
    return rows.filter((row) => !row.includes('columnheader')).length;
  };

  it('words are found in any order, any case, any alphabet, with any spaces around them', async () => {
    const found = await Promise.all(finding.map(async (q) => [q, (await search(q)) >= expected]));
    expect(found).toEqual(finding.map((q) => [q, true]));
    const all = await search('');
    expect(all).toBeGreaterThanOrEqual(expected);
  });

  it('what is not there is not found', async () => {
    for (const q of missing) expect([q, await search(q)]).toEqual([q, 0]);
  });
});

describe('a note', () => {
  it('is searched with the name, and no longer once it is another', async () => {
    const found = async (q: string) => {
      const answer = await member.ask(`/api/v1/files?${new URLSearchParams({ q }).toString()}`);
      return ((await answer.json()) as { items: { name: string }[] }).items.map((file) => file.name);
    };
    const describe = (note: string) =>
      admin.script.ask(`/api/v1/files/${ids.plain}`, { method: 'PATCH', json: { note } });
    await describe('The MINUTES of\nmay');
    expect(await found('may minutes plain')).toEqual(['plain.txt']);
    await describe('');
    expect(await found('minutes')).toEqual([]);
  });
});

it('what was stored before texts were folded is found soon after the start, also after one that broke off', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-refold-'));
  const database = await newDatabase();
  const environment = {
    DATA_DIR: folder,
    DATABASE_URL: database?.url ?? `sqlite:${join(folder, 'gatehouse.db')}`,
    ADMIN_EMAIL: keeper.email,
    ADMIN_PASSWORD: keeper.password,
  };
  try {
    const before = await startApp(environment);
    const { script } = await adminOf(before);
    for (let count = 0; count < 3; count++) await script.ask('/api/v1/groups', { json: { name: `${name} ${count}` } });
    const data = before.app.get(DataSource);
    await eventually(
      async () => (await data.query<object[]>(`SELECT 1 FROM "refolds" WHERE "doneTo" = 'g'`)).length === 6,
    );
    // as a version before would have left it, and one that was stopped after the first row
    const [first] = await data.query<{ id: string }[]>('SELECT "id" FROM "groups" ORDER BY "id"');
    await data.query('UPDATE "groups" SET "searchText" = $1 WHERE "id" > $2', [`${name.toLowerCase()} ς`, first?.id]);
    await data.query(`UPDATE "refolds" SET "doneTo" = $1 WHERE "name" = 'groups'`, [first?.id]);
    await before.close();

    const after = await startApp(environment);
    const { script: again } = await adminOf(after);
    await eventually(async () => {
      const answer = await again.ask(`/api/v1/groups?${new URLSearchParams({ q: 'STRASSE οδος' }).toString()}`);
      return ((await answer.json()) as { items: unknown[] }).items.length === 3;
    });
    await after.close();
  } finally {
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
