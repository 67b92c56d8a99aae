import { beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { eventually } from '../support/database.js';
import { Visitor } from '../support/people.js';
import {
  begin,
  connectTo,
  cookieOf,
  newFolder,
  readABit,
  readAll,
  startServer,
  type Server,
} from '../support/server.js';

/** Larger than what the sockets of both sides hold, so that a reader who stops makes the server wait. */
const size = 48 * 1_024 * 1_024;
const bytes = randomBytes(size);
const sha256 = createHash('sha256').update(bytes).digest('hex');

let bigFile: string;
beforeAll(() => {
  bigFile = join(newFolder(), 'big.bin');
  writeFileSync(bigFile, bytes);
});

describe('an operator who ends the site with SIGTERM', () => {
  it('sees it end with 0 where nobody is there, idle connections or not', async () => {
    const server = await startServer();
    const idle = await connectTo(server.url);
    idle.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n');
    await once(idle, 'data');
    expect(await server.stop()).toBe(0);
  });

  it('cuts nobody off who is downloading, and takes no new work meanwhile', async () => {
    const server = await startServer({ WELCOME_FILE: bigFile });
    const ada = await member(server);
    const downloads = await Promise.all(Array.from({ length: 6 }, () => beginDownload(server, ada)));

    server.signal('SIGTERM');
    await eventually(async () => (await statusOf(server, '/ready')) === 503);
    expect(await statusOf(server, '/health')).toBe(200);
    for (const path of ['/', '/login', '/secrets', '/api/v1/users/me']) {
      const answer = await begin(server.url + path, cookieOf(ada));
      answer.resume();
      expect([path, answer.statusCode, answer.headers.connection]).toEqual([path, 503, 'close']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }

    const whole = { size, sha256 };
    expect(await Promise.all(downloads.map((download) => download.finish()))).toEqual(downloads.map(() => whole));
    expect(await server.ended).toBe(0);
  });

  it('refuses the next request of a connection that was open before, too', async () => {
    const server = await startServer({ WELCOME_FILE: bigFile });
    const ada = await member(server);
    const download = await beginDownload(server, ada);
    const kept = await connectTo(server.url);
    kept.write('GET /login HTTP/1.1\r\nhost: here\r\n\r\n');
    await eventually(() => Promise.resolve(kept.heard().includes('</html>')));
    expect(kept.heard()).toMatch(/^HTTP\/1\.1 200 /);

    server.signal('SIGTERM');
    await eventually(async () => (await statusOf(server, '/ready')) === 503);
    kept.write('GET /login HTTP/1.1\r\nhost: here\r\n\r\n');
    await once(kept, 'close');
    expect(kept.heard()).toMatch(/<\/html>\s*HTTP\/1\.1 503 /);
    expect(await download.finish()).toEqual({ size, sha256 });
    expect(await server.ended).toBe(0);
  });

  it('waits no longer than SHUTDOWN_SECONDS for somebody who never reads', async () => {
    const server = await startServer({ WELCOME_FILE: bigFile, SHUTDOWN_SECONDS: '2' });
    const ada = await member(server);
    const stuck = await beginDownload(server, ada);
    expect(await server.stop()).toBe(0);
    await expect(stuck.finish()).rejects.toThrow('aborted');
  });

  it('waits no longer than SHUTDOWN_SECONDS for somebody who never finishes a form', async () => {
    const server = await startServer({ SHUTDOWN_SECONDS: '1' });
    const slow = await connectTo(server.url);
    slow.write('POST /login HTTP/1.1\r\nhost: here\r\ncontent-type: application/x-www-form-urlencoded\r\n');
    slow.write('content-length: 100\r\n\r\nemail=');
    // the health probe comes after it on the same event loop, so the form has begun when it is answered
    await statusOf(server, '/health');
    expect(await server.stop()).toBe(0);
  });

  it('ends it at once with a second signal', async () => {
    const server = await startServer({ WELCOME_FILE: bigFile, SHUTDOWN_SECONDS: '3600' });
    await beginDownload(server, await member(server));
    server.signal('SIGTERM');
    await eventually(async () => (await statusOf(server, '/ready')) === 503);
    server.signal('SIGINT');
    expect(await server.ended).toBe(1);
  });
});

it('a process that is probed without a pause while it drains still ends when its last download has', async () => {
  const server = await startServer({ WELCOME_FILE: bigFile, SHUTDOWN_SECONDS: '3600' });
  const download = await beginDownload(server, await member(server));
  server.signal('SIGTERM');
  const probes = Array.from({ length: 2 }, async () => {
    for (;;) await statusOf(server, '/health');
  });
  const probed = Promise.allSettled(probes);
  expect(await download.finish()).toEqual({ size, sha256 });
  expect(await server.ended).toBe(0);
  await probed;
});

interface Download {
  /** Reads on, slowly, to the end. */
  finish(): Promise<{ size: number; sha256: string }>;
}

/** Begins a download, reads a little of it, and stops reading. */
async function beginDownload(server: Server, member: Visitor): Promise<Download> {
  const answer: IncomingMessage = await begin(`${server.url}/download`, cookieOf(member));
  expect(answer.statusCode).toBe(200);
  answer.unshift(await readABit(answer));
  return { finish: () => readAll(answer, 1) };
}

async function member(server: Server): Promise<Visitor> {
  const ada = new Visitor(server.url);
  await ada.register();
  return ada;
}

async function statusOf(server: Server, path: string): Promise<number | undefined> {
  const answer = await begin(server.url + path);
  answer.resume();
  return answer.statusCode;
}
