/**
 * What do bad connections cost? 200 members read their download at a trickle while 1,000 others begin one and break it
 * off. Measures another member's page meanwhile, and what the server holds after: open descriptors and memory must be
 * back where they were before (within 64 MB). Ends with 1 where they are not, or where the p99 of the page is more than 5
 * times the idle one. Needs `npm run build`, and Linux for `/proc`.
 *
 * Usage: node test/bench/crowd.mjs [seconds = 10]
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ratioOf, registerOnPage, startSite, watch } from './site.mjs';

const MB = 1_000_000;
const slowReaders = 200;
const aborted = 1_000;
const atOnce = 32;
const seconds = Number(process.argv[2] ?? 10);

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-crowd-'));
const file = join(folder, 'disk.img');
writeFileSync(file, randomBytes(64 * MB));
// what nobody needs any more counts for nothing, although Node keeps it for as long as there is room
const collector = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGUSR2", () => gc())'];

/** What a site has open, and how much memory it needs. */
async function heldBy({ pid }) {
  process.kill(pid, 'SIGUSR2');
  await sleep(1_000);
  const memory = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memory };
}

const inWords = (state) => `${state.descriptors} descriptors, ${Math.round(state.memory / MB)} MB`;

/** Asks for the download on a connection of its own, of which nothing is read yet. */
function beginDownload({ url, cookie }) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET /download HTTP/1.1\r\nHost: ${hostname}:${port}\r\nCookie: ${cookie}\r\n\r\n`);
  return socket;
}

/** Reads a little, now and then, until it is told to stop. */
function readSlowly(member) {
  const socket = beginDownload(member);
  void (async () => {
    while (!socket.destroyed) {
      socket.read(Math.min(socket.readableLength, 16_384));
      await sleep(1_000);
    }
  })();
  return () => socket.destroy();
}

/** Reads so many bytes, then breaks off; to the end where no number is given. */
const readUpTo = (member, bytes = 64 * MB) =>
  new Promise((done) => {
    const socket = beginDownload(member);
    socket.on('data', () => socket.bytesRead >= bytes && socket.destroy());
    socket.on('close', done);
  });

/** Lets so many begin a download and break it off, as fast as can be, or spread over so many seconds. */
async function breakOff(times, members, duration = 0) {
  let left = times;
  const rest = (duration * 1_000 * atOnce) / times;
  const clients = Array.from({ length: atOnce }, async () => {
    await sleep(Math.random() * rest);
    while (left-- > 0) {
      const next = performance.now() + rest;
      await readUpTo(members[left % members.length], Math.random() * 2 * MB);
      await sleep(Math.max(0, next - performance.now()));
    }
  });
  await Promise.all(clients);
}

/** Opens a site with 200 members, on which all that is done once has been done. */
async function withSite(flags, work) {
  const site = await startSite({ WELCOME_FILE: file, RATE_LIMITS: 'off' }, flags);
  try {
    const members = [];
    for (let n = 0; n < slowReaders; n++) members.push({ url: site.url, cookie: await registerOnPage(site) });
    for (let n = 0; n < 5; n++) await readUpTo(members[n]);
    await breakOff(aborted, members);
    return await work(site, members, await registerOnPage(site));
  } finally {
    await site.end();
  }
}

try {
  const ratio = await withSite([], async (site, members, cookie) => {
    await watch(site, cookie, 3);
    const idle = await watch(site, cookie, seconds);
    const stops = members.map(readSlowly);
    await sleep(1_000);
    const breaking = breakOff(aborted, members, seconds);
    const busy = await watch(site, cookie, seconds);
    await breaking;
    for (const stop of stops) stop();
    return ratioOf(idle, busy);
  });
  const [before, during, after] = await withSite(collector, async (site, members) => {
    const first = await heldBy(site);
    const stops = members.map(readSlowly);
    await breakOff(aborted, members);
    const second = await heldBy(site);
    for (const stop of stops) stop();
    await sleep(2_000);
    return [first, second, await heldBy(site)];
  });
  console.log(`before: ${inWords(before)}`);
  console.log(`with ${slowReaders} slow readers, after ${aborted} who broke off: ${inWords(during)}`);
  console.log(`after: ${inWords(after)}`);
  const isBack = after.descriptors <= before.descriptors;
  const isSmall = Math.max(during.memory, after.memory) <= before.memory + 64 * MB;
  if (ratio > 5 || !isBack || !isSmall) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
