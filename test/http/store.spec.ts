import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FileStore } from '../../src/store/file-store.js';
import { Verification, type Fault } from '../../src/files/verification.js';
import { attachment, fileName } from '../../src/files/file-name.js';
import { FilesService } from '../../src/files/files.service.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { aSite, startApp } from '../support/app.js';
import { makeLasting } from '../support/database.js';
import { faultsOf } from '../support/faults.js';
import { Script, Visitor } from '../support/people.js';
import { largeSize, pathOfBytes, shelve } from '../support/stored.js';

const site = aSite();
let store: FileStore;
let script: Script;
let visitor: Visitor;
beforeAll(async () => {
  store = site.app.get(FileStore);
  script = new Script(site.url);
  visitor = new Visitor(site.url);
  await script.register();
  await visitor.register();
});

const rows = () => site.app.get(DataSource).getRepository(StoredFile);
const folder = () => join(site.settings.dataDir, 'files');
const drafts = () => readdirSync(join(folder(), 'incoming'));
const allBytes = () =>
  readdirSync(folder(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

describe('the file store', () => {
  it('keeps what it takes in, with its size and its SHA-256, and nothing for others to read', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('x'), randomBytes(largeSize)]) {
      const stored = await store.put(Readable.from(chunksOf(bytes)));
      expect(stored.size).toBe(bytes.length);
      expect(stored.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      const path = pathOfBytes(site, stored);
      expect(readFileSync(path).equals(bytes)).toBe(true);
      expect((statSync(path).mode & 0o777).toString(8)).toBe('640');
      expect((statSync(join(path, '..')).mode & 0o007).toString(8)).toBe('0');
    }
    expect(drafts()).toEqual([]);
  });

  it('keeps the same bytes twice under two keys, so that deleting one leaves the other', async () => {
    const [one, two] = [
      await store.put(Readable.from([Buffer.from('same')])),
      await store.put(Readable.from([Buffer.from('same')])),
    ];
    expect(one.storageKey).not.toBe(two.storageKey);
    expect(one.sha256).toBe(two.sha256);
    await store.discard(one.storageKey);
    expect(existsSync(pathOfBytes(site, one))).toBe(false);
    expect(existsSync(pathOfBytes(site, two))).toBe(true);
    await expect(store.discard(one.storageKey)).resolves.toBeUndefined();
  });

  it.each([
    ['at once', () => Readable.from(broken([]))],
    ['in the middle', () => Readable.from(broken([Buffer.alloc(100_000), Buffer.alloc(1)]))],
    ['before anyone listens', () => new Readable().destroy(new Error('the line went dead'))],
    ['without a word', () => new Readable({ read: () => undefined }).destroy()],
  ])('keeps nothing of a source that breaks %s', async (_, source) => {
    const before = [allBytes().length, await rows().count()];
    await expect(site.app.get(FilesService).add(source(), { name: 'half.bin' })).rejects.toThrow();
    expect([allBytes().length, await rows().count()]).toEqual(before);
  });

  it('keeps what a failed write may have named until it is known that it has not, and then sweeps it', async () => {
    const isPostgres = site.app.get(DataSource).options.type === 'postgres';
    const refusal = isPostgres
      ? `CREATE FUNCTION "refuse"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'out of order'; END $$;
         CREATE TRIGGER "refusal" BEFORE INSERT ON "files" FOR EACH ROW EXECUTE FUNCTION "refuse"()`
      : `CREATE TRIGGER "refusal" BEFORE INSERT ON "files" BEGIN SELECT RAISE(ABORT, 'out of order'); END`;
    await site.app.get(DataSource).query(refusal);
    const marks = () => readdirSync(join(folder(), 'unsettled'));
    const [before, others] = [allBytes().length, marks()];
    const bytes = Readable.from([Buffer.from('whose?')]);
    await expect(site.app.get(FilesService).add(bytes, { name: 'lost.bin' })).rejects.toThrow('out of order');
    await site.app.get(DataSource).query(`DROP TRIGGER "refusal"${isPostgres ? ' ON "files"' : ''}`);
    // the bytes, and the mark that names them
    expect(allBytes()).toHaveLength(before + 2);
    const sweep = () => store.sweep(async (key) => (await site.app.get(FilesService).fileIdOf(key)) !== undefined);
    await sweep();
    expect(allBytes()).toHaveLength(before + 2);
    const [mark = 'none'] = marks().filter((name) => !others.includes(name));
    utimesSync(join(folder(), 'unsettled', mark), 0, 0);
    await sweep();
    expect(allBytes()).toHaveLength(before);
  });

  it('sweeps no bytes that a row names, although nobody said so', async () => {
    const { file, bytes, content } = await shelve(site, largeSize);
    const mark = join(folder(), 'unsettled', file.storageKey);
    writeFileSync(mark, '');
    utimesSync(mark, 0, 0);
    await store.sweep(async (key) => (await site.app.get(FilesService).fileIdOf(key)) !== undefined);
    expect(existsSync(mark)).toBe(false);
    expect(Buffer.from(await (await script.ask(content)).arrayBuffer()).equals(bytes)).toBe(true);
  });

  it.each([
    ...['', '..', '../../../../etc/passwd', '/etc/passwd', 'incoming/x', '\0'.repeat(32)],
    ...['A'.repeat(32), 'a'.repeat(31), 'a'.repeat(33), `${'a'.repeat(32)}\n`, `${'a'.repeat(29)}/..`],
  ])('refuses a key that it did not make: %j', async (key) => {
    const reading = store.read(key, 10, { start: 0, end: 9 });
    await expect(reading).rejects.toThrow('no key of the file store');
    await expect(store.discard(key)).rejects.toThrow('no key of the file store');
  });

  it('sweeps away what half-finished imports left behind an hour ago, and nothing younger', async () => {
    const incoming = join(folder(), 'incoming');
    for (const [name, minutes] of [
      ['old', 61],
      ['young', 59],
      ['new', 0],
    ] as const) {
      writeFileSync(join(incoming, name), name);
      const time = Date.now() / 1_000 - minutes * 60;
      utimesSync(join(incoming, name), time, time);
    }
    const whole = await store.put(Readable.from([Buffer.from('whole')]));
    utimesSync(pathOfBytes(site, whole), 0, 0);
    await store.sweep(() => Promise.resolve(true));
    expect(drafts().toSorted()).toEqual(['new', 'young']);
    expect(existsSync(pathOfBytes(site, whole))).toBe(true);
    for (const name of drafts()) rmSync(join(incoming, name));
  });
});

describe('a file’s name', () => {
  it.each([
    ['with a path', '../../etc/passwd'],
    ['with a path of Windows', 'C:\\Windows\\system32\\x.dll'],
    ['with quotes', 'a "quoted" \'name\'.txt'],
    ['with a backslash at the end', 'ends with \\'],
    ['with what separates parameters', "a; filename=b; filename*=UTF-8''c.txt"],
    ['with percent signs', '100%41.txt'],
    ['with emoji', '🔑🗝️.zip'],
    ['written from right to left', 'שלום \u202Etxt.exe'],
    ['in many scripts', 'Ünïcödé Привет 你好.pdf'],
    ['in decomposed letters', 'Größe.txt'.normalize('NFD')],
    ['of 255 characters beyond the first plane', '🔑'.repeat(255)],
    ['of 300 characters', 'n'.repeat(300)],
    ['of 300 characters, cut in the middle of none', `x${'🔑'.repeat(300)}`],
    ['that is empty', ''],
    ['of dots', '..'],
    ['of spaces', '   '],
    ['named like a built-in', '__proto__'],
    ['with a header in it', 'a.txt\r\nSet-Cookie: evil=1\r\n\r\n<script>'],
    ['with a NUL', 'a\0b.txt'],
    ['with half a surrogate pair', 'a\ud800b.txt'],
    ['with other controls', 'a\x1b[31mb\x7f\x85.txt'],
  ])('%s arrives as it is kept', async (_, name) => {
    const { file, download, content } = await shelve(site, 10, name);
    const kept = fileName(name) ?? 'file';
    expect(file.name).toBe(kept);
    expect(await rows().findOneByOrFail({ id: file.id })).toMatchObject({ name: kept });
    for (const answer of [await visitor.ask(download), await script.ask(content)]) {
      expect(answer.status).toBe(200);
      const header = answer.headers.get('content-disposition') ?? '';
      expect(header).toBe(attachment(kept));
      expect(Buffer.from(/filename="([^"]*)"/.exec(header)?.[1] ?? '', 'latin1').toString()).toBe(kept);
      expect(answer.headers.getSetCookie().join()).not.toContain('evil');
    }
    expect((await visitor.visit('/secrets')).status).toBe(200);
    // the next one may be called the same
    await rows().update({ id: file.id }, { deletedAt: new Date() });
  });
});

describe.each([
  ['a link to another file', (path: string) => symlinkSync('/etc/passwd', path)],
  ['a pipe', (path: string) => execFileSync('/usr/bin/env', ['mkfifo', path])],
  ['a folder', (path: string) => mkdirSync(path)],
])('in the place of a file’s bytes, %s', (_, make) => {
  it.each([100, largeSize])('is not served, holds up nobody, and is named by verify: %i bytes', async (size) => {
    const { file, content } = await shelve(site, size);
    const path = pathOfBytes(site, file);
    rmSync(path);
    make(path);
    expect((await script.ask(content)).status).toBe(500);
    const found: Fault[] = [];
    for await (const fault of site.app.get(Verification).faults(() => undefined)) found.push(fault);
    expect(found).toContainEqual({ kind: 'changed', name: file.name, version: 1, storageKey: file.storageKey });
    rmSync(path, { recursive: true });
    await rows().delete({ id: file.id });
  });
});

describe('a file whose bytes are gone from the disk', () => {
  it.each([
    ['small', 100],
    ['large', largeSize],
  ])('is a plain error, noted once, where it is %s', async (_, size) => {
    const { file, content, download } = await shelve(site, size);
    rmSync(pathOfBytes(site, file));
    for (const headers of [{}, { range: 'bytes=0-9' }] as Record<string, string>[])
      await expectFault(content, download, headers);
  });

  it('is one too where some of them are left', async () => {
    const { file, content, download } = await shelve(site, largeSize);
    truncateSync(pathOfBytes(site, file), largeSize - 1);
    await expectFault(content, download, {});
  });

  it('leaves all other files as they are', async () => {
    const { content, bytes } = await shelve(site, 100);
    expect(Buffer.from(await (await script.ask(content)).arrayBuffer()).equals(bytes)).toBe(true);
  });

  async function expectFault(content: string, download: string, headers: Record<string, string>): Promise<void> {
    const before = faultsOf(site).filter(({ level }) => level >= 50).length;
    const problem = await script.ask(content, { headers });
    expect(await problem.json()).toMatchObject({ status: 500, title: 'Internal Server Error' });
    const page = await visitor.ask(download, { headers });
    expect(await page.text()).toContain('Something went wrong');
    for (const answer of [problem, page]) {
      expect(answer.status).toBe(500);
      for (const name of [
        'etag',
        'last-modified',
        'content-disposition',
        'content-range',
        'repr-digest',
        'accept-ranges',
      ])
        expect(answer.headers.get(name)).toBeNull();
      expect(answer.headers.get('content-security-policy')).not.toContain('sandbox');
    }
    expect(faultsOf(site).filter(({ level }) => level >= 50)).toHaveLength(before + 2);
  }
});

it('a second start does not import the welcome file again, nor loses one that was added', async () => {
  const lasting = await makeLasting();
  const counts: number[] = [];
  for (let starts = 0; starts < 3; starts++) {
    const again = await startApp(lasting.environment);
    counts.push(await again.app.get(DataSource).getRepository(StoredFile).count());
    if (starts === 0) await shelve(again, 10);
    await again.close();
  }
  await lasting.drop();
  expect(counts).toEqual([1, 2, 2]);
});

function chunksOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / 100_000);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 100_000, (index + 1) * 100_000));
}

function* broken(chunks: Buffer[]): Generator<Buffer> {
  yield* chunks;
  throw new Error('the line went dead');
}
