import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FileView } from '../../src/files/file.view.js';
import { parse } from 'content-disposition';
import { DataSource } from 'typeorm';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { newDatabase, type TestApp } from '../support/app.js';
import { collect } from '../support/collections.js';
import { eventually } from '../support/database.js';
import type { Script, Visitor } from '../support/people.js';
import { cookieOf } from '../support/server.js';
import { need } from '../support/programs.js';
import { shelve, type Shelved } from '../support/stored.js';
import { checkSums, unzip } from '../support/zips.js';

let site: TestApp;
let admin: { browser: Visitor; script: Script };
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-names-'));
let database: Awaited<ReturnType<typeof newDatabase>>;
/** Starts the site, or starts it again on what it has. */
async function start(): Promise<void> {
  const DATABASE_URL = database?.url ?? `sqlite:${join(folder, 'gatehouse.db')}`;
  site = await startWithAdmin({ DATA_DIR: join(folder, 'data'), DATABASE_URL });
  admin = await adminOf(site);
}
beforeAll(async () => void (database = await newDatabase()));
beforeAll(start);
afterAll(() => site.close());
afterAll(() => database?.drop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bearer = () => ({ authorization: `Bearer ${admin.script.token ?? ''}` });
const send = (path: string, method: string, body: FormData | string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, site.url), { method, body, headers: { ...bearer(), ...headers } });
const nameOf = async (answer: Response) =>
  answer.ok ? ((await answer.json()) as FileView).name : `refused with ${answer.status}`;

/** Each way in for a name; what the file is called, or how it was refused. */
const waysIn: Record<string, (name: string) => Promise<string>> = {
  async 'a form'(name) {
    const form = new FormData();
    form.append('file', new Blob(['x']), name);
    return nameOf(await send('/api/v1/files', 'POST', form));
  },
  async 'a form of the page'(name) {
    const form = new FormData();
    form.append('file', new Blob(['x']), name);
    const { headers, status } = await fetch(new URL('/admin/files/upload?audience=nobody', site.url), {
      method: 'POST',
      body: form,
      headers: { ...cookieOf(admin.browser), origin: new URL(site.url).origin },
      redirect: 'manual',
    });
    const [id] = /(?<=\/admin\/files\/)[\w-]+/.exec(headers.get('location') ?? '') ?? [];
    return id === undefined ? `refused with ${status}` : nameOf(await admin.script.ask(`/api/v1/files/${id}`));
  },
  async 'raw bytes'(name) {
    return nameOf(await send(`/api/v1/uploads/${encodeURIComponent(name).replaceAll('.', '%2e')}`, 'PUT', 'x'));
  },
  async tus(name) {
    const begun = await send('/api/v1/uploads', 'POST', 'x', {
      'tus-resumable': '1.0.0',
      'upload-length': '1',
      'upload-metadata': `filename ${Buffer.from(name).toString('base64')}`,
      'content-type': 'application/offset+octet-stream',
    });
    const [, path = ''] = /^<([^>]+)>/.exec(begun.headers.get('link') ?? '') ?? [];
    return path ? nameOf(await admin.script.ask(path)) : `refused with ${begun.status}`;
  },
  async 'a new name'(name) {
    const { file } = await shelve(site, 1, 'plain.txt');
    return nameOf(await admin.script.ask(`/api/v1/files/${file.id}`, { method: 'PATCH', json: { name } }));
  },
  async 'a new name on the page'(name) {
    const { file } = await shelve(site, 1, 'plain.txt');
    const form = { name, note: '', availableAt: '2026-01-01T00:00', expiresAt: '' };
    const { status } = await admin.browser.visit(`/admin/files/${file.id}/details`, { form });
    return status === 200 ? nameOf(await admin.script.ask(`/api/v1/files/${file.id}`)) : `refused with ${status}`;
  },
};

describe.each(Object.entries(waysIn))('a file that comes in by %s', (_, take) => {
  it('has its name by the one rule', async () => {
    for (const [given, name] of [
      ['dir/sub/x.txt', 'x.txt'],
      ['C:\\fakepath\\y.pdf', 'y.pdf'],
      ['\u202Egpj.exe\u200b', 'gpj.exe'],
      ['10:30?.txt', '10_30_.txt'],
      ['CON.txt', '_CON.txt'],
      ['.env', '_env'],
      ['report.pdf. ', 'report.pdf'],
    ] as const)
      expect([given, await take(given)]).toEqual([given, name]);
  });

  it('is refused where nothing of its name can be seen', async () => {
    for (const given of ['.', '..', '\u200b', '\u3164', '\u2800', '. .'])
      // an address that ends in dots is another address
      expect([given, await take(given)]).toEqual([given, expect.stringMatching(/^refused with (422|404|405)$/)]);
  });
});

it('a file that is replaced is called as before, whatever the new bytes are called', async () => {
  const { file } = await shelve(site, 1, 'plan.txt');
  for (const [index, name] of ['../dir/other.txt', '..', '\u202Egpj.exe', 'CON'].entries()) {
    const form = new FormData();
    form.append('file', new Blob(['x']), name);
    const answer = await send(`/api/v1/files/${file.id}/versions`, 'POST', form);
    expect([name, answer.status, await answer.json()]).toEqual([
      ...[name, 201],
      expect.objectContaining({ name: 'plan.txt', version: index + 2 }),
    ]);
  }
});

it('names from before the rule are safe at once, and after the next start told apart, wherever they stand', async () => {
  const before = [
    ['../../etc/before.conf', 'before.conf', 'before.conf'],
    ['sub/before.conf', 'before.conf', 'before (2).conf'],
    ['before.conf', 'before.conf', 'before (3).conf'],
    ['C:\\before\\x.exe', 'x.exe', 'x.exe'],
    ['\u202Egpj.before', 'gpj.before', 'gpj.before'],
    ['two\r\nlines: before', 'two lines_ before', 'two lines_ before'],
    ['a"; filename="before.exe', 'a_; filename=_before.exe', 'a_; filename=_before.exe'],
    ['con.before', '_con.before', '_con.before'],
    ['.before', '_before', '_before'],
    ['\u200b', 'file', 'file'],
  ] as const;
  const files: Shelved[] = [];
  for (const [index, [old]] of before.entries()) {
    const shelved = await shelve(site, index + 100);
    files.push(shelved);
    await site.app
      .get(DataSource)
      .query(`UPDATE "files" SET "name" = $1, "searchName" = $2 WHERE "id" = $3`, [
        ...[old, old.toLowerCase(), shelved.file.id],
      ]);
  }
  const collection = await collect(site, files, { isForEveryone: true, name: 'Before' });

  const listed = () =>
    Promise.all(files.map(async ({ file }) => nameOf(await admin.script.ask(`/api/v1/files/${file.id}`))));
  const saved = () =>
    Promise.all(
      files.map(async ({ content }) => {
        const { headers } = await admin.script.ask(content, { method: 'HEAD' });
        return parse(headers.get('content-disposition') ?? '').parameters.filename;
      }),
    );
  const summed = async () => {
    const lines = (await (await admin.script.ask('/api/v1/files/SHA256SUMS')).text()).split('\n');
    return files.map(({ file }) => lines.find((line) => line.startsWith(file.sha256))?.slice(66));
  };
  const zipped = async (to: string) => {
    const zip = await admin.script.ask(`/api/v1/collections/${collection.id}/zip`);
    const path = join(folder, `${to}.zip`);
    writeFileSync(path, Buffer.from(await zip.arrayBuffer()));
    unzip(['-q', path, '-d', join(folder, to)]);
    checkSums(join(folder, to));
    return readdirSync(join(folder, to)).toSorted();
  };
  const safe = before.map(([, name]) => name);
  const apart = before.map(([, , name]) => name);
  expect([await listed(), await summed()]).toEqual([safe, apart]);
  expect(await saved()).toEqual(safe);
  expect(await zipped('before')).toEqual([...apart, 'SHA256SUMS'].toSorted());

  // no site from before the rule has been through all names
  await site.app.get(DataSource).query(`DELETE FROM "refolds" WHERE "name" = 'names of files'`);
  await site.close();
  await start();
  await eventually(async () => (await saved()).join() === apart.join());
  expect([await listed(), await summed()]).toEqual([safe, apart]);
  expect(await zipped('after')).toEqual([...apart, 'SHA256SUMS'].toSorted());
  const found = await admin.script.ask('/api/v1/files?q=etc');
  expect(await found.json()).toMatchObject({ items: [] });
});

it('what curl saves is what SHA256SUMS names, and what a zip holds', async () => {
  const given = [
    'Köln 2026.pdf',
    '報告.txt',
    '計画.txt',
    '\'tis; a "test".txt',
    '100%41.txt',
    '.rc',
    'twin.txt',
    'twin.txt',
    'Twin.txt',
    'twin (2).txt',
  ];
  const files = [];
  for (const [index, name] of given.entries()) files.push(await shelve(site, index + 1, name));
  const into = mkdtempSync(join(folder, 'curl-'));
  for (const { content } of files)
    await promisify(execFile)(
      need('curl'),
      ['-sfOJ', site.url + content, '-H', `authorization: ${bearer().authorization}`],
      {
        cwd: into,
      },
    );
  const saved = readdirSync(into);
  expect(saved).toHaveLength(given.length);
  expect(saved).toEqual(
    expect.arrayContaining(['Köln 2026.pdf', 'twin.txt', 'twin (2).txt', 'twin (3).txt', 'Twin (4).txt', '_rc']),
  );

  for (const selection of ['', '?sort=name', '?sort=largest']) {
    const sums = await (await admin.script.ask(`/api/v1/files/SHA256SUMS${selection}`)).text();
    const said = execFileSync('/usr/bin/env', ['sha256sum', '--ignore-missing', '-c'], {
      cwd: into,
      input: sums,
      encoding: 'utf8',
    });
    expect(said.trimEnd().split('\n')).toHaveLength(given.length);
    expect(said).not.toContain('FAILED');
  }
  const { html } = await admin.browser.visit(`/files/${files[7]?.file.id}`);
  expect(html).toContain('this one is saved as <bdi>twin (3).txt</bdi>');
  expect(html).toContain('./twin (3).txt');

  const collection = await collect(site, files, { isForEveryone: true, name: 'Minutes 26/27: \u202eall' });
  const zip = await admin.script.ask(`/api/v1/collections/${collection.id}/zip`);
  expect(zip.headers.get('content-disposition')).toBe('attachment; filename="Minutes 26_27_ all.zip"');
  const path = join(folder, 'all.zip');
  writeFileSync(path, Buffer.from(await zip.arrayBuffer()));
  unzip(['-q', path, '-d', join(folder, 'unpacked')]);
  expect(readdirSync(join(folder, 'unpacked')).toSorted()).toEqual([...saved, 'SHA256SUMS'].toSorted());
  expect(checkSums(join(folder, 'unpacked'))).toHaveLength(given.length);
});

it('what is called by nothing that can be seen is refused, and two groups are not the same to the eye', async () => {
  for (const path of ['groups', 'collections'])
    for (const name of ['\u3164', '\uffa0', '\u115f', '\u2800', '\u202e', '\ufeff \u200b', '\u{e0041}'])
      expect([path, name, (await admin.script.ask(`/api/v1/${path}`, { json: { name } })).status]).toEqual([
        path,
        name,
        422,
      ]);
  const name = 'Board members';
  expect((await admin.script.ask('/api/v1/groups', { json: { name } })).status).toBe(201);
  for (const same of [
    '\u200bBoard members',
    'Board\u00a0members',
    'Board  members',
    'Bo\u200dard members',
    'Board\u3000members\ufe0f',
    'BOARD \u00admembers',
  ])
    expect([same, (await admin.script.ask('/api/v1/groups', { json: { name: same } })).status]).toEqual([same, 422]);
});
