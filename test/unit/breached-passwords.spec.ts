import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../src/config/settings.js';
import { BreachedPasswords } from '../../src/users/breached-passwords.js';

const breached = Array.from({ length: 1_000 }, (_, n) => `breached password ${n}`);
const hashOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();
const hashes = breached.map(hashOf).sort();

const listOf = (breachList: string) => new BreachedPasswords(readSettings({ BREACH_LIST: breachList }));

describe('a list in a file', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'gatehouse-breach-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const write = (text: string) => {
    const path = join(folder, 'list.txt');
    writeFileSync(path, text);
    return listOf(path);
  };

  it.each([
    ['with counts and Windows line ends', hashes.map((hash, n) => `${hash}:${n}`).join('\r\n')],
    ['with counts and a last line break', hashes.map((hash, n) => `${hash}:${n}\n`).join('')],
    ['of bare hashes in lower case', hashes.join('\n').toLowerCase()],
  ])('%s has each of its passwords, and no other', async (_, text) => {
    const list = write(text);
    for (const password of breached) expect([password, await list.has(password)]).toEqual([password, true]);
    for (let n = 0; n < 200; n++) expect(await list.has(`my own sentence ${n}`)).toBe(false);
  });

  it('of one line, and of none, is read too', async () => {
    expect(await write(`${hashOf('only this')}:3`).has('only this')).toBe(true);
    expect(await write(`${hashOf('only this')}:3`).has('not this')).toBe(false);
    expect(await write('').has('only this')).toBe(false);
  });
});

describe('a service by range', () => {
  const asked: string[] = [];
  let status = 200;
  let elsewhere: string | undefined;
  let server: Server;
  let list: BreachedPasswords;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (elsewhere !== undefined) return void response.writeHead(302, { location: elsewhere }).end();
      const prefix = request.url?.split('/').at(-1) ?? '';
      const rest = hashes.filter((hash) => hash.startsWith(prefix)).map((hash) => `${hash.slice(5)}:7`);
      response.writeHead(status).end([...rest, `${hashOf('padding only').slice(5)}:0`].join('\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    list = listOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`);
  });
  afterAll(() => void server.close());

  it('knows a breached password and no other, and learns five digits of a hash at most', async () => {
    expect(await list.has('breached password 7')).toBe(true);
    expect(await list.has('padding only')).toBe(false);
    expect(await list.has('my own sentence')).toBe(false);
    expect(asked).toEqual(
      ['breached password 7', 'padding only', 'my own sentence'].map((text) => `/range/${hashOf(text).slice(0, 5)}`),
    );
  });

  it('that sends us to another address is not followed there', async () => {
    asked.length = 0;
    elsewhere = '/elsewhere/';
    expect(await list.has('breached password 7')).toBe(false);
    expect(asked).toEqual([`/range/${hashOf('breached password 7').slice(0, 5)}`]);
    elsewhere = undefined;
  });

  it('that does not answer well lets every password pass', async () => {
    status = 503;
    expect(await list.has('breached password 7')).toBe(false);
  });
});

it('a list that is not there lets every password pass, and none is asked where none is named', async () => {
  expect(await listOf('/nowhere/at/all.txt').has('breached password 7')).toBe(false);
  expect(await new BreachedPasswords(readSettings({})).has('breached password 7')).toBe(false);
});
