import { beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aSite, startApp } from '../support/app.js';
import { Script, Visitor } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';
import { checkSums } from '../support/zips.js';

const site = aSite(() => startApp({ WELCOME_FILE: 'no/such/file' }));
let ada: Script;
beforeAll(async () => {
  ada = new Script(site.url);
  await ada.register();
});

it('the checksums of the shelf are what sha256sum reads, whatever files are called', async () => {
  const names = ['plain.txt', 'back\\slash\\n.txt', '-', '-rf', ' space ', '夏.zip', 'same.pdf', 'Same.pdf', 'a/b.txt'];
  const saved = ['plain.txt', 'n.txt', '-', '-rf', 'space', '夏.zip', 'same.pdf', 'Same (2).pdf', 'b.txt'];
  const files: Shelved[] = [];
  for (const [index, name] of names.entries()) files.push(await shelve(site, index * 100, name));
  const answer = await ada.ask('/api/v1/files/SHA256SUMS?sort=oldest');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': 'attachment; filename="SHA256SUMS"',
    'cache-control': 'private, no-cache',
  });
  const list = await answer.text();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-sums-'));
  try {
    for (const [index, { bytes }] of files.entries()) writeFileSync(join(folder, saved[index] ?? ''), bytes);
    writeFileSync(join(folder, 'SHA256SUMS'), list);
    const said = checkSums(folder);
    expect(said.filter((line) => !line.endsWith(': OK'))).toEqual([]);
    expect(said).toHaveLength(names.length);
    writeFileSync(join(folder, 'plain.txt'), 'another');
    expect(() => checkSums(folder)).toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('they are those of what was looked for, all of it', async () => {
  // more than are read from the database at once
  for (let count = 0; count < 203; count++) await shelve(site, 1, `minutes ${count % 50}.txt`);
  const list = await (await ada.ask('/api/v1/files/SHA256SUMS?q=minutes&sort=name&limit=2')).text();
  expect(list.trimEnd().split('\n')).toHaveLength(203);
  expect(new Set(list.split(/\s/)).size).toBeGreaterThan(203);
  const visitor = new Visitor(site.url);
  await visitor.register();
  expect(await (await visitor.ask('/files/SHA256SUMS?q=minutes&sort=name')).text()).toBe(list);
  const head = await ada.ask('/api/v1/files/SHA256SUMS', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});
