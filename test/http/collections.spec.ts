import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { CollectionsService } from '../../src/collections/collections.service.js';
import type { Collection } from '../../src/collections/collection.entity.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { Grants } from '../../src/downloads/grants.js';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { collect } from '../support/collections.js';
import { eventually } from '../support/database.js';
import { Script, type Visitor } from '../support/people.js';
import { largeSize, shelve, type Shelved } from '../support/stored.js';
import { checkSums, unzip } from '../support/zips.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-zip-'));
beforeAll(async () => {
  admin = await adminOf(site);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function member(): Promise<Script> {
  const script = new Script(site.url);
  await script.register();
  return script;
}

const zipOf = async (script: Script, { id }: Pick<Collection, 'id'>, headers: Record<string, string> = {}) =>
  script.ask(`/api/v1/collections/${id}/zip`, { headers });

/** Writes a zip to a disk, and gives its path. */
async function keep(answer: Response): Promise<string> {
  const path = join(mkdtempSync(join(folder, 'kept-')), 'all.zip');
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(String(bytes.length)).toBe(answer.headers.get('content-length'));
  writeFileSync(path, bytes);
  return path;
}

/** Unpacks a zip, and gives what it holds by the names in it. */
function unpack(path: string): { folder: string; names: string[] } {
  const into = join(path, '..', 'unpacked');
  unzip(['-q', path, '-d', into]);
  return { folder: into, names: unzip(['-Z1', path]).trimEnd().split('\n') };
}

const updateFile = (shelved: Shelved, changes: Partial<StoredFile>) =>
  site.app.get(DataSource).getRepository(StoredFile).update({ id: shelved.file.id }, changes);

describe('the zip of a collection', () => {
  it('is what was said, and whole for unzip and for sha256sum', async () => {
    const files = [
      await shelve(site, largeSize, 'large.bin'),
      await shelve(site, 0, 'empty.txt'),
      await shelve(site, 1_000, 'report.pdf'),
      await shelve(site, 2_000, 'report.pdf'),
      await shelve(site, 3_000, 'REPORT.PDF'),
      await shelve(site, 10, '../../etc/passwd'),
      await shelve(site, 11, 'C:\\autoexec.bat'),
      await shelve(site, 12, '..'),
      await shelve(site, 13, '-'),
      await shelve(site, 14, 'SHA256SUMS'),
      await shelve(site, 15, '夏の合宿の写真 — été.zip'),
      await shelve(site, 16, `${'ü'.repeat(250)}.pdf`),
    ];
    const collection = await collect(site, files, { isForEveryone: true });
    const ada = await member();
    const answer = await zipOf(ada, collection);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="Papers.zip"',
      'accept-ranges': 'none',
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
    });
    const path = await keep(answer);
    expect(unzip(['-t', path])).toContain('No errors detected');
    const { folder: unpacked, names } = unpack(path);
    expect(names.length).toBe(files.length + 1);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    for (const name of names) expect(name).not.toMatch(/^\/|\\|\/|^\.\.?$|\p{Cc}/u);
    expect(names).toEqual(
      expect.arrayContaining(['SHA256SUMS', 'SHA256SUMS (2)', 'report.pdf', 'report (2).pdf', 'passwd']),
    );
    expect(names).toEqual(expect.arrayContaining(['autoexec.bat', 'file', '-', '夏の合宿の写真 — été.zip']));
    const checked = checkSums(unpacked);
    expect(checked).toHaveLength(files.length);
    expect(checked.filter((line) => !line.endsWith(': OK'))).toEqual([]);
  });

  it('has the time at which each file came', async () => {
    const shelved = await shelve(site, 5, 'old.txt');
    await updateFile(shelved, { versionedAt: new Date('2021-03-04T05:06:08Z') });
    const path = await keep(await zipOf(await member(), await collect(site, [shelved], { isForEveryone: true })));
    expect(unzip(['-Z', '-T', path, 'old.txt'], { env: { TZ: 'UTC' } })).toContain('20210304.050608');
  });

  it('tells its length right when its directory is long', async () => {
    const file = await shelve(site, 7, 'x'.repeat(230));
    const files = await Promise.all(
      Array.from({ length: 240 }, (_, index) => shelve(site, file.bytes, `${'x'.repeat(225)}${index}.txt`)),
    );
    const path = await keep(await zipOf(await member(), await collect(site, files, { isForEveryone: true })));
    expect(unzip(['-t', path])).toContain('No errors detected');
  });

  it('is empty but for its list where nothing is in it', async () => {
    const path = await keep(await zipOf(await member(), await collect(site, [], { isForEveryone: true })));
    expect(unzip(['-Z1', path]).trim()).toBe('SHA256SUMS');
  });

  it('has a length, and no bytes, for HEAD, which counts nothing', async () => {
    const shelved = await shelve(site, 1_234);
    const collection = await collect(site, [shelved], { isForEveryone: true });
    const ada = await member();
    const head = await ada.ask(`/api/v1/collections/${collection.id}/zip`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect((await head.arrayBuffer()).byteLength).toBe(0);
    expect(await downloadsOf(shelved)).toEqual([]);
    const whole = await zipOf(ada, collection);
    expect((await whole.arrayBuffer()).byteLength).toBe(Number(head.headers.get('content-length')));
    expect(whole.headers.get('etag')).toBe(head.headers.get('etag'));
  });

  it('is named by what is in it', async () => {
    const shelved = await shelve(site, 100);
    const collection = await collect(site, [shelved], { isForEveryone: true });
    const ada = await member();
    const etag = (await zipOf(ada, collection)).headers.get('etag') ?? '';
    expect((await zipOf(ada, collection, { 'if-none-match': etag })).status).toBe(304);
    expect((await zipOf(ada, collection, { 'if-match': etag })).status).toBe(200);
    expect((await zipOf(ada, collection, { 'if-match': '"another"' })).status).toBe(412);
    // a part of it is not to be had: the whole comes
    expect((await zipOf(ada, collection, { range: 'bytes=10-' })).status).toBe(200);
    const more = [(await shelve(site, 1)).file.id];
    await site.app.get(CollectionsService).addFiles(collection, more, byNobody);
    expect((await zipOf(ada, collection, { 'if-none-match': etag })).status).toBe(200);
  });

  it('leaves out what is deleted, not out yet, or over', async () => {
    const [there, deleted, later, over] = await Promise.all(
      ['there', 'deleted', 'later', 'over'].map((name) => shelve(site, 10, `${name}.txt`)),
    );
    if (!there || !deleted || !later || !over) throw new Error('They are not there.');
    await updateFile(deleted, { deletedAt: new Date() });
    await updateFile(later, { availableAt: new Date(Date.now() + 3_600_000) });
    await updateFile(over, { expiresAt: new Date(Date.now() - 1_000) });
    const collection = await collect(site, [there, deleted, later, over], { isForEveryone: true });
    const ada = await member();
    const path = await keep(await zipOf(ada, collection));
    expect(unzip(['-Z1', path]).trimEnd().split('\n')).toEqual(['SHA256SUMS', 'there.txt']);
    expect(await namesIn(ada, collection)).toEqual(['there.txt']);
    const list = await ada.ask(`/api/v1/collections/${collection.id}/SHA256SUMS`);
    expect(await list.text()).toBe(`${there.file.sha256}  there.txt\n`);
  });

  it('counts as a download of each file in it, whole once all of it was sent', async () => {
    const [one, two] = [await shelve(site, 500), await shelve(site, largeSize)];
    const collection = await collect(site, [one, two], { isForEveryone: true });
    const ada = await member();
    await (await zipOf(ada, collection)).arrayBuffer();
    await settled();
    expect(await downloadsOf(one)).toEqual([{ spent: 1, coveredBytes: 500 }]);
    expect(await downloadsOf(two)).toEqual([{ spent: 1, coveredBytes: largeSize }]);
    await (await zipOf(ada, collection)).arrayBuffer();
    await settled();
    expect(await downloadsOf(two)).toEqual([{ spent: 1, coveredBytes: largeSize }]);
  });

  it('counts as a part of a file where the client went in the middle of it, and nothing of what comes after', async () => {
    const [one, two, three] = await Promise.all([
      shelve(site, 500, '1.bin'),
      shelve(site, 3 * largeSize, '2.bin'),
      shelve(site, 700, '3.bin'),
    ]);
    const collection = await collect(site, [one, two, three], { isForEveryone: true });
    await breakOff(await member(), collection);
    await eventually(async () => (await downloadsOf(two)).some(({ coveredBytes }) => coveredBytes > 0));
    expect(await downloadsOf(one)).toEqual([{ spent: 1, coveredBytes: 500 }]);
    const [{ spent, coveredBytes } = { spent: 0, coveredBytes: 0 }] = await downloadsOf(two);
    expect(spent).toBe(1);
    expect(coveredBytes).toBeLessThan(3 * largeSize);
    expect(await downloadsOf(three)).toEqual([]);
  });

  it('leaves out a file whose downloads are all spent', async () => {
    const [free, limited] = [await shelve(site, 10, 'free.txt'), await shelve(site, 20, 'once.txt')];
    await updateFile(limited, { totalLimit: 1 });
    const collection = await collect(site, [free, limited], { isForEveryone: true });
    const [ada, grace] = [await member(), await member()];
    const first = await keep(await zipOf(ada, collection));
    expect(unpack(first).names).toEqual(['SHA256SUMS', 'free.txt', 'once.txt']);
    const second = await keep(await zipOf(grace, collection));
    expect(unpack(second).names).toEqual(['SHA256SUMS', 'free.txt']);
  });

  it('breaks off where bytes are missing, and goes on to serve others', async () => {
    const shelved = await shelve(site, largeSize);
    const collection = await collect(site, [shelved], { isForEveryone: true });
    await updateFile(shelved, { size: largeSize + 1 });
    const ada = await member();
    await expect(zipOf(ada, collection).then((answer) => answer.arrayBuffer())).rejects.toThrow();
    expect((await ada.ask('/api/v1/users/me')).status).toBe(200);
  });

  it('stands in the activity log', async () => {
    const collection = await collect(site, [await shelve(site, 1)], { isForEveryone: true, name: 'For the log' });
    await (await zipOf(await member(), collection)).arrayBuffer();
    await eventually(async () => {
      const answer = await admin.script.ask('/api/v1/activity?kind=collection.downloaded&q=for+the+log');
      return ((await answer.json()) as { items: unknown[] }).items.length === 1;
    });
  });
});

it('who asks for much of thousands of files keeps nobody else waiting for it', async () => {
  const { file } = await shelve(site, 1, 'many.txt');
  const count = 3_000;
  const data = site.app.get(DataSource).getRepository(StoredFile);
  const many = Array.from({ length: count }, (): StoredFile => {
    const id = randomUUID();
    return { ...file, id, versionId: id, storageKey: randomBytes(file.storageKey.length / 2).toString('hex') };
  });
  for (let start = 0; start < count; start += 100) await data.insert(many.slice(start, start + 100));
  const collection = await collect(site, [], { isForEveryone: true });
  await site.app.get(DataSource).query(
    `INSERT INTO "collection_files" ("collectionId", "fileId", "addedAt")
       SELECT '${collection.id}', "id", 1 FROM "files" WHERE "sha256" = '${file.sha256}'`,
  );
  const [ada, grace] = [await member(), await member()];
  const path = `/api/v1/collections/${collection.id}`;
  const answered: string[] = [];
  const ask = async (name: string, asked: Promise<Response>) => {
    const answer = await asked;
    await answer.text();
    expect([name, answer.status]).toEqual([name, 200]);
    answered.push(name);
  };
  const long = [
    ...[1, 2, 3].map(() => ask('head', ada.ask(`${path}/zip`, { method: 'HEAD' }))),
    ask('sums', ada.ask(`${path}/SHA256SUMS`)),
    ask('sums', ada.ask('/api/v1/files/SHA256SUMS')),
  ];
  // theirs have begun, and other members come: they are answered first, what is long for them too
  await ada.ask('/api/v1/users/me');
  for (const one of [grace, await member()]) {
    await ask('page', one.ask('/api/v1/files'));
    await ask('search', one.ask('/api/v1/files?q=nothing+of+the+kind'));
  }
  await Promise.all(long);
  // equal questions share an answer, others wait up to a bound
  const searches = (words: (n: number) => string) =>
    Promise.all(Array.from({ length: 60 }, async (_, n) => (await ada.ask(`/api/v1/files?q=${words(n)}`)).status));
  expect(new Set(await searches(() => 'the+same'))).toEqual(new Set([200]));
  expect(new Set(await searches((n) => `another+${n}`))).toEqual(new Set([200, 429]));
  expect(answered.slice(0, 4)).toEqual(['page', 'search', 'page', 'search']);
  expect(answered).toHaveLength(9);
});

describe('who may have a collection', () => {
  it('is who it was given to; for others it is not there', async () => {
    const shelved = await shelve(site, 10, 'minutes.txt');
    await updateFile(shelved, { isForEveryone: false });
    const [ada, grace] = [new Script(site.url), new Script(site.url)];
    const who = await ada.register();
    await grace.register();
    const collection = await collect(site, [shelved], { memberId: await idOf(site, who) });
    const path = `/api/v1/collections/${collection.id}`;
    for (const one of [path, `${path}/files`, `${path}/zip`, `${path}/SHA256SUMS`, shelved.content]) {
      expect([one, (await ada.ask(one)).status]).toEqual([one, 200]);
      expect([one, (await grace.ask(one)).status]).toEqual([one, 404]);
    }
    expect(await idsFor(ada)).toContain(collection.id);
    expect(await idsFor(grace)).not.toContain(collection.id);
    await admin.script.ask(path, { method: 'PATCH', json: { isForEveryone: true } });
    expect((await grace.ask(path)).status).toBe(200);
    expect((await grace.ask(shelved.content)).status).toBe(200);
    await admin.script.ask(path, { method: 'PATCH', json: { isForEveryone: false } });
    expect((await grace.ask(shelved.content)).status).toBe(404);

    const share = (json: object) => admin.script.ask(`${path}/audience`, { method: 'PUT', json });
    const shared = await share({ everyone: false, members: [await idOf(site, who)] });
    expect([shared.status, await shared.json()]).toEqual([
      200,
      { everyone: false, groups: [], members: [expect.objectContaining({ email: who.email })] },
    ]);
    expect([(await ada.ask(path)).status, (await grace.ask(path)).status]).toEqual([200, 404]);
    expect((await share({ everyone: false, members: ['nobody@example.com'] })).status).toBe(422);
    await share({ everyone: false });
    expect((await ada.ask(path)).status).toBe(404);
  });
});

describe('an admin’s script', () => {
  it('makes a collection, changes it, fills it, empties it, deletes it', async () => {
    const { script } = admin;
    const made = await script.ask('/api/v1/collections', { json: { name: 'Minutes', note: 'Of 2026' } });
    expect(made.status).toBe(201);
    const { id, ...rest } = (await made.json()) as { id: string };
    expect(rest).toMatchObject({ name: 'Minutes', note: 'Of 2026', isForEveryone: false });
    const path = `/api/v1/collections/${id}`;
    const shelved = await shelve(site, 10, 'minutes.txt');
    const put = () => script.ask(`${path}/files/${shelved.file.id}`, { method: 'PUT' });
    expect([(await put()).status, (await put()).status]).toEqual([204, 204]);
    expect(await namesIn(script, { id })).toEqual(['minutes.txt']);
    expect((await script.ask(`${path}/files/${id}`, { method: 'PUT' })).status).toBe(404);
    expect((await script.ask(`${path}/files/${shelved.file.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await script.ask(`${path}/files/${shelved.file.id}`, { method: 'DELETE' })).status).toBe(404);
    expect(await namesIn(script, { id })).toEqual([]);
    const renamed = await script.ask(path, { method: 'PATCH', json: { name: 'Minutes of 2026', note: '' } });
    expect(await renamed.json()).toMatchObject({ id, name: 'Minutes of 2026', note: '' });
    expect((await script.ask(path, { method: 'DELETE' })).status).toBe(204);
    expect((await script.ask(path)).status).toBe(404);
    const log = await script.ask('/api/v1/activity?q=minutes&limit=20');
    const kinds = ((await log.json()) as { items: { kind: string }[] }).items.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith('collection.')).reverse()).toEqual([
      ...['collection.created', 'collection.changed', 'collection.changed', 'collection.changed'],
      'collection.deleted',
    ]);
  });

  it('finds collections by name, in parts, the files in one too', async () => {
    const files = await Promise.all(['b.txt', 'a.txt', 'c.txt'].map((name) => shelve(site, 1, name)));
    const first = await collect(site, files, { name: 'Summer camp' });
    const second = await collect(site, [], { name: 'SUMMER school' });
    const found = await admin.script.ask('/api/v1/collections?q=summer&limit=1');
    const { items, nextCursor } = (await found.json()) as { items: { id: string }[]; nextCursor: string };
    expect(items.map(({ id }) => id)).toEqual([second.id]);
    const rest = await admin.script.ask(`/api/v1/collections?q=summer&cursor=${nextCursor}`);
    expect(await rest.json()).toMatchObject({ items: [{ id: first.id }], nextCursor: null });
    const part = await admin.script.ask(`/api/v1/collections/${first.id}/files?limit=2`);
    const page = (await part.json()) as { items: { name: string }[]; nextCursor: string };
    expect(page.items.map(({ name }) => name)).toEqual(['a.txt', 'b.txt']);
    const last = await admin.script.ask(`/api/v1/collections/${first.id}/files?cursor=${page.nextCursor}`);
    expect(await last.json()).toMatchObject({ items: [{ name: 'c.txt' }], nextCursor: null });
  });
});

const byNobody = { admin: null, caller: { address: 'local', userAgent: 'a test', requestId: 'a test' } };

async function idsFor(script: Script): Promise<string[]> {
  const { items } = (await (await script.ask('/api/v1/collections?limit=100')).json()) as { items: { id: string }[] };
  return items.map(({ id }) => id);
}

async function namesIn(script: Script, { id }: Pick<Collection, 'id'>): Promise<string[]> {
  const answer = await script.ask(`/api/v1/collections/${id}/files`);
  return ((await answer.json()) as { items: { name: string }[] }).items.map(({ name }) => name);
}

/** What is written down of the downloads of a file. */
async function downloadsOf({ file }: Shelved): Promise<{ spent: number; coveredBytes: number }[]> {
  const rows = await site.app
    .get(DataSource)
    .query<Record<'spent' | 'coveredBytes', string | number>[]>(
      `SELECT "spent", "coveredBytes" FROM "downloads" WHERE "fileId" = $1`,
      [file.id],
    );
  return rows.map(({ spent, coveredBytes }) => ({ spent: Number(spent), coveredBytes: Number(coveredBytes) }));
}

const settled = () => eventually(() => site.app.get(Grants).areSettled);

/** Takes the first bytes of a zip, and goes. */
function breakOff({ token = '' }: Script, { id }: Collection): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request(new URL(`/api/v1/collections/${id}/zip`, site.url), { agent: false, headers }, (answer) => {
      answer.once('data', () => {
        answer.pause();
        // what the system holds for the reader is full by now
        setTimeout(() => {
          asked.destroy();
          resolve();
        }, 200);
      });
      answer.on('error', () => undefined);
    });
    asked.on('error', reject);
    asked.end();
  });
}
