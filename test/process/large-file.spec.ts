import { beforeAll, expect, it } from '@jest/globals';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Visitor } from '../support/people.js';
import { begin, cookieOf, newFolder, readABit, readAll, startServer, type Server } from '../support/server.js';
import { sized } from '../support/suite.js';

const size = sized('a file of 2 GiB, with 300 MiB', 300 * 1_024 ** 2, 2 * 1_024 ** 3);
const enough = 250_000_000;

let server: Server;
let ada: Visitor;
beforeAll(async () => {
  const file = join(newFolder(), 'disk.img');
  writeFileSync(file, '');
  truncateSync(file, size);
  server = await startServer({ WELCOME_FILE: file });
  ada = new Visitor(server.url);
  await ada.register();
});

it('a large file is taken in and downloaded whole, in less than 250 MB of memory', async () => {
  const answer = await begin(`${server.url}/download`, cookieOf(ada));
  const { etag } = answer.headers;
  const whole = await readAll(answer);
  expect(whole.size).toBe(size);
  expect(`"${whole.sha256}"`).toBe(etag);
  expect(mostMemory('after a large file')).toBeLessThan(enough);
});

it('20 people who read it slowly, all at once, do not fill the memory either', async () => {
  const readers = await Promise.all(Array.from({ length: 20 }, () => begin(`${server.url}/download`, cookieOf(ada))));
  for (let turn = 0; turn < 20; turn++) await Promise.all(readers.map(readABit));
  expect(mostMemory('with 20 slow readers')).toBeLessThan(enough);
  for (const reader of readers) reader.destroy();
});

/** The most bytes that the server has had in memory so far. */
function mostMemory(when: string): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
  const bytes = Number(kibibytes) * 1_024;
  process.stdout.write(`memory ${when}: ${Math.round(bytes / 1e6)} MB at most\n`);
  return bytes;
}
