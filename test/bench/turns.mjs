/**
 * Does what one member asks of very many files hold up the page of another? Fills a site on SQLite with 20,000 files in one
 * collection, of which half are for everyone and half for a group, and measures another member's page idle, and while one
 * member asks for one thing over and over on several connections: the zip and its HEAD, checksums, the export of all that
 * is known of them, searches that find nothing. Gives for each how long one such answer takes, the p50, p99 and longest of
 * the page, and their ratios to the idle ones. Ends with 1 where a p99 is more than 5 times the idle one. Needs `npm run
 * build`.
 *
 * Usage: node test/bench/turns.mjs [files = 20000] [connections = 4] [seconds = 8]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Agent, request } from 'node:http';
import { clearTimeout, setTimeout } from 'node:timers';
import { quantile, asker, registerOnPage, startSite, watch } from './site.mjs';

const sqlite = createRequire(import.meta.url)('sqlite3');
const [count, connections, seconds] = [20_000, 4, 8].map((usual, n) => Number(process.argv[2 + n] ?? usual));
const member = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery staple' };
const collection = '00000002-0000-7000-8000-000000000001';
const group = '00000004-0000-7000-8000-000000000001';

const id = (kind) => `printf('%08x-0000-7000-8000-%012x', ${kind}, "n")`;
const upTo = `WITH RECURSIVE "n" ("n") AS (SELECT 1 UNION ALL SELECT "n" + 1 FROM "n" WHERE "n" < ${count})`;

/** Puts the files into the collection, with a few bytes each. */
async function fill({ folder }) {
  for (let n = 1; n <= count; n++) {
    const key = n.toString(16).padStart(32, '0');
    mkdirSync(join(folder, 'files', key.slice(0, 2)), { recursive: true });
    writeFileSync(join(folder, 'files', key.slice(0, 2), key.slice(2)), 'x'.repeat(n % 1_000));
  }
  const database = new sqlite.Database(join(folder, 'gatehouse.db'));
  const run = (sql) => new Promise((done, failed) => database.exec(sql, (error) => (error ? failed(error) : done())));
  await run('PRAGMA busy_timeout = 60000; PRAGMA synchronous = OFF');
  await run(`INSERT INTO "files" ("id", "name", "searchName", "searchText", "contentType", "size", "sha256", "storageKey",
      "createdAt", "availableAt", "versionedAt", "versionId", "isForEveryone")
    ${upTo} SELECT ${id(3)}, 'Übersicht ' || ("n" / 3) || '.txt', 'übersicht ' || ("n" / 3) || '.txt',
      'ubersicht ' || ("n" / 3) || '.txt', 'text/plain', "n" % 1000, printf('%064x', "n"), printf('%032x', "n"), "n", "n", "n",
      ${id(5)}, "n" % 2 FROM "n"`);
  await run(`INSERT INTO "collections" ("id", "name", "searchName", "createdAt", "changedAt")
    VALUES ('${collection}', 'All', 'all', 1, 1)`);
  await run(`INSERT INTO "collection_files" ("collectionId", "fileId", "addedAt")
    ${upTo} SELECT '${collection}', ${id(3)}, 1 FROM "n"`);
  await run(`INSERT INTO "groups" ("id", "name", "searchName", "createdAt") VALUES ('${group}', 'All', 'all', 1)`);
  await run(
    `INSERT INTO "group_members" ("groupId", "memberId", "addedAt") SELECT '${group}', "id", 1 FROM "users" WHERE "email" = '${member.email}'`,
  );
  await run(`INSERT INTO "audiences" ("id", "collectionId", "groupId") VALUES ('a', '${collection}', '${group}')`);
  await run('PRAGMA wal_checkpoint(TRUNCATE)');
  await new Promise((done) => database.close(done));
}

/** Asks for the same over so many connections until told to stop; gives the milliseconds of each answer. */
function keepAsking(url, { method, path, headers, post }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times = [];
  let goesOn = true;
  const ask = () =>
    new Promise((answered, failed) => {
      const begun = performance.now();
      const asked = request(new URL(path, url), { method, agent, headers }, (answer) => {
        if (answer.statusCode !== 200) failed(new Error(`${path} answered ${answer.statusCode}.`));
        answer.on('end', () => answered(times.push(performance.now() - begun)));
        answer.on('error', () => (goesOn ? failed(new Error(`${path} broke off.`)) : answered()));
        answer.resume();
      });
      asked.on('error', (error) => (goesOn ? failed(error) : answered()));
      asked.end(post);
    });
  const ended = Promise.all(
    Array.from({ length: connections }, async () => {
      while (goesOn) await ask();
    }),
  );
  return async () => {
    goesOn = false;
    // what takes longer than the watch did is broken off
    const waited = setTimeout(() => agent.destroy(), 20_000);
    await ended;
    clearTimeout(waited);
    agent.destroy();
    return times;
  };
}

const site = await startSite({ RATE_LIMITS: 'off' });
try {
  const ask = asker(site.url);
  const cookie = await registerOnPage(site);
  const { access_token: token } = JSON.parse((await ask('POST', '/api/v1/auth/register', { json: member })).text);
  await fill(site);
  const headers = { authorization: `Bearer ${token}` };
  const works = {
    'HEAD of the zip': { method: 'HEAD', path: `/api/v1/collections/${collection}/zip` },
    'the checksums of the collection': { method: 'GET', path: `/api/v1/collections/${collection}/SHA256SUMS` },
    'the checksums of the shelf': { method: 'GET', path: '/api/v1/files/SHA256SUMS' },
    'a search that finds nothing': { method: 'GET', path: '/api/v1/files?q=nothing+of+the+kind' },
    'a search in the collection': { method: 'GET', path: `/api/v1/collections/${collection}/files?q=nothing` },
    'the list of the collection': { method: 'GET', path: `/api/v1/collections/${collection}/files?limit=100` },
    'the zip': { method: 'GET', path: `/api/v1/collections/${collection}/zip` },
    'the export of the account': { method: 'GET', path: '/api/v1/users/me/export' },
  };
  const only = process.argv[5];
  await watch(site, cookie, 2);
  console.log(`${count} files, ${connections} connections; milliseconds`);
  for (const [name, work] of Object.entries(works)) {
    if (only && !name.includes(only)) continue;
    const idle = await watch(site, cookie, seconds / 2);
    const stop = keepAsking(site.url, { ...work, headers });
    const busy = await watch(site, cookie, seconds);
    const answers = await stop();
    const of = (times) => [quantile(times, 0.5), quantile(times, 0.99), Math.max(...times)];
    const [before, during] = [of(idle), of(busy)];
    const ratios = during.map((time, n) => time / before[n]);
    if (ratios[1] > 5) process.exitCode = 1;
    const shown = (numbers) => numbers.map((number) => number.toFixed(1)).join(' / ');
    console.log(
      `${name.padEnd(32)} takes ${answers.length ? quantile(answers, 0.5).toFixed(0) : '-'}; page p50 / p99 / longest: ` +
        `idle ${shown(before)}, busy ${shown(during)}, ratio ${shown(ratios)} (${busy.length} pages)`,
    );
  }
} finally {
  await site.end();
}
