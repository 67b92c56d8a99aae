import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, rmSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { query, run, type Environment } from '../support/command.js';
import { eventually } from '../support/database.js';
import { person, Script } from '../support/people.js';
import { begin, newFolder, readABit, startServer, type Server } from '../support/server.js';
import { need } from '../support/programs.js';
import { sized } from '../support/suite.js';

const most = sized('a zip of more than 4 GiB, with 300 MB', 300_123_456, 4 * 1_024 ** 3 + 123_456_789);
const enough = 250_000_000;

const chief = person({ email: 'chief@example.com' });
const environment: Environment = { DATA_DIR: join(newFolder(), 'data') };
let server: Server;
let admin: Script;
beforeAll(async () => {
  const account = { ADMIN_EMAIL: chief.email, ADMIN_PASSWORD: chief.password };
  server = await startServer({ ...environment, ...account });
  admin = new Script(server.url);
  await admin.logIn(chief);
});

/** Puts a file of so many zeros into the store, which takes no room there, and gives its id. */
async function shelveZeros(name: string, size: number): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([randomUUID()]), name);
  const headers = { authorization: `Bearer ${admin.token}` };
  const added = await fetch(`${server.url}/api/v1/files`, { method: 'POST', headers, body: form });
  const { id } = (await added.json()) as { id: string };
  const [row] = await query<{ storageKey: string }>(environment, `SELECT "storageKey" FROM "files" WHERE "id" = $1`, [
    id,
  ]);
  truncateSync(pathOf(row?.storageKey ?? ''), 0);
  truncateSync(pathOf(row?.storageKey ?? ''), size);
  await query(environment, `UPDATE "files" SET "size" = $1 WHERE "id" = $2`, [size, id]);
  await query(environment, `UPDATE "file_versions" SET "size" = $1 WHERE "fileId" = $2`, [size, id]);
  return id;
}

const pathOf = (storageKey: string) => join(server.dataDir, 'files', storageKey.slice(0, 2), storageKey.slice(2));

async function collect(...fileIds: string[]): Promise<string> {
  const made = await admin.ask('/api/v1/collections', { json: { name: 'Images of disks' } });
  const { id } = (await made.json()) as { id: string };
  for (const fileId of fileIds) await admin.ask(`/api/v1/collections/${id}/files/${fileId}`, { method: 'PUT' });
  return id;
}

const beginZip = (id: string) =>
  begin(`${server.url}/api/v1/collections/${id}/zip`, { authorization: `Bearer ${admin.token}` });

it('a large zip is whole, and is sent in less than 250 MB of memory', async () => {
  const id = await collect(
    await shelveZeros('a.img', most),
    await shelveZeros('b.img', 1_000),
    await shelveZeros('c.img', 0),
  );
  const answer = await beginZip(id);
  const path = join(newFolder(), 'all.zip');
  const size = await keepSparse(answer, path);
  expect(size).toBe(Number(answer.headers['content-length']));
  expect(size).toBeGreaterThan(most);
  expect(mostMemory()).toBeLessThan(enough);
  // beside this process, which goes on hearing when the server closes a connection that stands idle
  const { output } = await run(need('unzip'), ['-t', path], {
    environment: { PATH: process.env.PATH ?? '' },
    folder: newFolder(),
  });
  expect(output).toContain('No errors detected');
  rmSync(path);
});

it('a zip that 200 people break off leaves no open file behind', async () => {
  const id = await collect(await shelveZeros('1.img', 32 * 1_024 ** 2), await shelveZeros('2.img', 32 * 1_024 ** 2));
  const breakOff = async () => {
    const answer = await beginZip(id);
    expect(answer.statusCode).toBe(200);
    await readABit(answer);
    answer.destroy();
  };
  await breakOff();
  await eventually(() => openFiles() === 0);
  for (let done = 0; done < 200; done += 20) await Promise.all(Array.from({ length: 20 }, breakOff));
  await eventually(() => openFiles() === 0);
  expect(mostMemory()).toBeLessThan(enough);
});

afterAll(() => server.stop());

/** Writes an answer to a disk, where zeros take no room; its length. */
async function keepSparse(answer: IncomingMessage, path: string): Promise<number> {
  const zeros = Buffer.alloc(1_024 ** 2);
  const file = await open(path, 'w');
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (chunk.compare(zeros, 0, chunk.length) !== 0) await file.write(chunk, 0, chunk.length, size);
    size += chunk.length;
  }
  await file.truncate(size);
  await file.close();
  return size;
}

/** How many files of the store the server has open; one that is closed while they are counted is none. */
const openFiles = () => {
  const folder = `/proc/${server.pid}/fd`;
  const targets = readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(join(folder, descriptor));
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.includes(join(server.dataDir, 'files'))).length;
};

/** The most bytes that the server has had in memory so far. */
function mostMemory(): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
  process.stdout.write(`memory: ${Math.round(Number(kibibytes) / 1e3)} MB at most\n`);
  return Number(kibibytes) * 1_024;
}
