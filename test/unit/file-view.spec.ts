import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayMs } from '../../src/config/durations.js';
import {
  commandsToVerify,
  presentFile,
  presentFileInWords,
  presentShelfFile,
  presentShelfFileInWords,
} from '../../src/files/file.view.js';
import type { ShelfFile } from '../../src/files/shelf-row.js';
import type { StoredFile } from '../../src/files/stored-file.entity.js';

const file = (over: Partial<StoredFile> = {}): StoredFile => ({
  id: '01980000-0000-7000-8000-000000000000',
  name: 'report.pdf',
  searchName: 'report.pdf',
  contentType: 'application/pdf',
  size: 1_234,
  sha256: 'ab'.repeat(32),
  storageKey: 'cd'.repeat(16),
  origin: 'welcome',
  featuredAt: null,
  deletedAt: null,
  revision: 1,
  revisedAt: new Date('2026-11-22T23:59:59.999Z'),
  note: 'For the board.',
  availableAt: new Date('2026-11-22T23:59:59.999Z'),
  expiresAt: null,
  isHidden: false,
  isForEveryone: true,
  memberLimit: null,
  totalLimit: null,
  versionId: '01980000-0000-7000-8000-000000000001',
  versionNumber: 1,
  versionedAt: new Date('2026-11-22T23:59:59.999Z'),
  createdAt: new Date('2026-11-22T23:59:59.999Z'),
  ...over,
});

describe('what a script is told of a file', () => {
  it('is what the contract names, and nothing of where the bytes are', () => {
    expect(presentFile(file())).toEqual({
      id: '01980000-0000-7000-8000-000000000000',
      name: 'report.pdf',
      contentType: 'application/pdf',
      size: 1_234,
      sha256: 'ab'.repeat(32),
      createdAt: '2026-11-22T23:59:59.999Z',
      note: 'For the board.',
      version: 1,
      versionedAt: '2026-11-22T23:59:59.999Z',
      availableAt: '2026-11-22T23:59:59.999Z',
      expiresAt: null,
      hidden: false,
      memberLimit: null,
      totalLimit: null,
    });
  });
});

describe('what a person is told of a file', () => {
  it('is in words, and nothing of where the bytes are', () => {
    expect(presentFileInWords(file())).toEqual({
      id: '01980000-0000-7000-8000-000000000000',
      name: 'report.pdf',
      note: 'For the board.',
      href: '/files/01980000-0000-7000-8000-000000000000',
      downloadHref: '/files/01980000-0000-7000-8000-000000000000/download',
      type: 'PDF document',
      size: '1.2 KB',
      date: { iso: '2026-11-22T23:59:59.999Z', words: '22 November 2026' },
      sha256: 'ab'.repeat(32),
    });
  });

  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1.0 KB'],
    [9_949, '9.9 KB'],
    [9_960, '10 KB'],
    [84_321, '84 KB'],
    [999_499, '999 KB'],
    [999_999, '1.0 MB'],
    [1_500_000, '1.5 MB'],
    [2_147_483_648, '2.1 GB'],
    [3_000_000_000_000, '3.0 TB'],
    [5_000_000_000_000_000, '5000 TB'],
  ])('%i bytes are %s', (size, words) => {
    expect(presentFileInWords(file({ size })).size).toBe(words);
  });

  it.each([
    ['text/plain', 'notes.txt', 'Text'],
    ['text/csv', 'a.csv', 'Table (CSV)'],
    ['image/png', 'a.png', 'Image'],
    ['application/zip', 'a.zip', 'ZIP archive'],
    ['application/octet-stream', 'disk.img', 'IMG file'],
    ['application/octet-stream', 'README', 'File'],
    ['application/x-thing', 'thing.tar.x_y', 'File'],
  ])('%s, named %s, is "%s"', (contentType, name, type) => {
    expect(presentFileInWords(file({ contentType, name })).type).toBe(type);
  });
});

const [yesterday, now, tomorrow] = [-dayMs, 0, dayMs].map((ms) => new Date(Date.now() + ms)) as [Date, Date, Date];

const shelfFile = (over: Partial<ShelfFile> = {}): ShelfFile => ({
  ...file(),
  availableAt: yesterday,
  versionedAt: yesterday,
  downloaded: 'none',
  coveredBytes: 0,
  ...over,
});

describe('what a member is told of a file', () => {
  it.each([
    ['none', 0, 'Not downloaded yet'],
    ['part', 0, '1 % downloaded'],
    ['part', 617, '50 % downloaded'],
    ['part', 1_233, '99 % downloaded'],
    ['whole', 1_234, 'Downloaded'],
  ] as const)('%s, %i bytes of it, is "%s"', (downloaded, coveredBytes, words) => {
    const had = shelfFile({ downloaded, coveredBytes });
    expect(presentShelfFileInWords(had, now).downloaded).toBe(words);
    expect(presentShelfFile(had)).toMatchObject({ downloaded, downloadedBytes: coveredBytes });
  });

  it.each([
    ['was there when they looked', {}, now, undefined],
    ['came since', {}, new Date(+yesterday - dayMs), 'New'],
    ['came since, and they have it', { downloaded: 'whole' }, new Date(+yesterday - dayMs), undefined],
    ['was replaced since', { versionedAt: now, versionNumber: 2 }, new Date(+now - 1), 'New version'],
    ['is to come', { availableAt: tomorrow }, now, 'Not out yet'],
  ] as const)('which %s', (_, over, since, news) => {
    expect(presentShelfFileInWords(shelfFile(over), since).news).toBe(news);
  });
});

describe('the command that compares the checksum', () => {
  it.each(['report.pdf', "it's.txt", '-n', ' a  b ', '$(touch x)`y`', 'back\\slash\\n.txt', 'Übersicht “1”', '%s%n'])(
    'says yes to %j where it arrived whole, and no where not',
    (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
      const sha256 = createHash('sha256').update('whole').digest('hex');
      const [{ command } = { command: 'false' }] = commandsToVerify(name, { size: 5, sha256 });
      const verify = () => execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
      writeFileSync(join(folder, name), 'whole');
      expect(verify()).toContain(': OK');
      writeFileSync(join(folder, name), 'broken');
      expect(verify).toThrow();
      rmSync(folder, { recursive: true });
    },
  );
});

it('the command for Windows holds nothing of a name, and nothing that cmd or PowerShell reads in another way', () => {
  const of = (name: string) => commandsToVerify(name, { size: 1_234, sha256: 'ab'.repeat(32) }).at(-1)?.command ?? '';
  const inQuotes = /^powershell -NoProfile -Command "([\w |-]+)"$/;
  expect(of('report.pdf')).toMatch(inQuotes);
  for (const name of ['a&calc&.txt', '$(calc).txt', '%PATH%.txt', '`x`', "it's.txt", '“x”', '^x', '!x!', '😀 %1'])
    expect(of(name)).toBe(of('report.pdf'));
});
