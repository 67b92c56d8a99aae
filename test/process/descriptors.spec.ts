import { beforeAll, expect, it } from '@jest/globals';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/database.js';
import { Visitor } from '../support/people.js';
import { begin, connectTo, cookieOf, newFolder, readABit, startServer, type Server } from '../support/server.js';

let server: Server;
let ada: Visitor;
beforeAll(async () => {
  const file = join(newFolder(), 'big.bin');
  writeFileSync(file, '');
  truncateSync(file, 64 * 1_024 * 1_024);
  server = await startServer({ WELCOME_FILE: file });
  ada = new Visitor(server.url);
  await ada.register();
});

it('200 people who break off their download leave no open file behind', async () => {
  await breakOffDownload();
  await leavesNothingOpen(() => tenAtATime(200, breakOffDownload));
});

it('200 people who break off a form leave no connection behind', async () => {
  await breakOffForm();
  await leavesNothingOpen(() => tenAtATime(200, breakOffForm));
});

async function breakOffDownload(): Promise<void> {
  const answer = await begin(`${server.url}/download`, cookieOf(ada));
  expect(answer.statusCode).toBe(200);
  await readABit(answer);
  answer.destroy();
}

async function breakOffForm(): Promise<void> {
  const socket = await connectTo(server.url);
  socket.write('POST /login HTTP/1.1\r\nhost: here\r\ncontent-type: application/x-www-form-urlencoded\r\n');
  await new Promise((sent) => socket.write('content-length: 100\r\n\r\nemail=ada&pass', sent));
  socket.destroy();
}

/** Whatever the server has open afterwards, it had open before. */
async function leavesNothingOpen(act: () => Promise<void>): Promise<void> {
  // connections that ended a moment ago are closed first
  let before = openDescriptors();
  await eventually(async () => {
    const earlier = before;
    await begin(`${server.url}/health`).then((answer) => answer.resume());
    before = openDescriptors();
    return before === earlier;
  });
  await act();
  const during = openDescriptors();
  await eventually(() => Promise.resolve(openDescriptors() <= before));
  process.stdout.write(`descriptors: ${before} before, ${during} at the end of 200, ${openDescriptors()} after\n`);
}

const openDescriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;

async function tenAtATime(times: number, act: () => Promise<void>): Promise<void> {
  for (let done = 0; done < times; done += 10) await Promise.all(Array.from({ length: 10 }, act));
}
