/**
 * Does a page cost more in a large library than in a small one? Fills two sites on SQLite: with 100 files, 100 members and
 * 1,000 downloads in the log, and with 100,000 files, 10,000 members and 10 million; half of the files are for everyone, the
 * others go to groups, 50 to each. Then asks both in turn for the pages that list files and for downloads (each counts),
 * as a member of one group and as an admin, and gives the medians and their ratio. Ends with 1 where one is more than 1.5
 * times as slow. Needs `npm run build`, 10 GB of disk, and some minutes.
 *
 * Usage: node test/bench/library.mjs [thousands of files = 100] [millions of downloads = 10] [requests = 400]
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { asker, quantile, startSite } from './site.mjs';

const sqlite = createRequire(import.meta.url)('sqlite3');
const [thousands, millions, requests] = [100, 10, 400].map((usual, n) => Number(process.argv[2 + n] ?? usual));
const admin = { email: 'keeper@example.com', password: 'a sentence that only the keeper knows' };
const member = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery staple' };
const warmUp = 50;

const id = (kind, n) => `printf('%08x-0000-7000-8000-%012x', ${kind}, ${n})`;
const upTo = (count, first = 1) =>
  `WITH RECURSIVE "n" ("n") AS (SELECT ${first} UNION ALL SELECT "n" + 1 FROM "n" WHERE "n" < ${first + count - 1})`;

/** Fills a site; the member is in the first of its groups. */
async function fill(site, { files, members, downloads }) {
  const database = new sqlite.Database(join(site.folder, 'gatehouse.db'));
  const run = (sql) => new Promise((done, failed) => database.exec(sql, (error) => (error ? failed(error) : done())));
  const groups = Math.max(1, files / 2 / 50);
  await run('PRAGMA busy_timeout = 60000; PRAGMA synchronous = OFF');
  await run(`INSERT INTO "users" ("id", "name", "email", "searchText", "passwordHash", "role", "createdAt")
    ${upTo(members)} SELECT ${id(1, '"n"')}, 'Member ' || "n", 'm' || "n" || '@example.com', 'm' || "n", '-', 'member', 1 FROM "n"`);
  await run(`INSERT INTO "groups" ("id", "name", "searchName", "createdAt")
    ${upTo(groups)} SELECT ${id(2, '"n"')}, 'Group ' || "n", 'group ' || "n", 1 FROM "n"`);
  await run(`INSERT INTO "group_members" ("groupId", "memberId", "addedAt")
    ${upTo(members)} SELECT ${id(2, `1 + "n" % ${groups}`)}, ${id(1, '"n"')}, 1 FROM "n"`);
  await run(`INSERT INTO "group_members" ("groupId", "memberId", "addedAt")
    SELECT ${id(2, 1)}, "id", 1 FROM "users" WHERE "email" = '${member.email}'`);
  await run(`INSERT INTO "files" ("id", "name", "searchName", "contentType", "size", "sha256", "storageKey", "createdAt",
      "availableAt", "versionedAt", "versionId", "isForEveryone")
    ${upTo(files)} SELECT ${id(3, '"n"')}, 'File ' || "n", 'file ' || "n", 'text/plain', "n", printf('%064x', "n"),
      printf('%032x', "n"), "n", "n", "n", ${id(4, '"n"')}, "n" % 2 FROM "n"`);
  await run(`INSERT INTO "audiences" ("id", "fileId", "groupId")
    ${upTo(files / 2)} SELECT ${id(5, '"n"')}, ${id(3, '2 * "n"')}, ${id(2, `1 + "n" % ${groups}`)} FROM "n"`);
  const slice = Math.min(downloads, 1_000_000);
  for (let first = 1; first < downloads; first += slice)
    await run(`INSERT INTO "events" ("id", "at", "kind", "outcome", "memberId", "actorId", "actor", "target", "address",
        "requestId", "searchText")
      ${upTo(slice, first)} SELECT ${id(6, '"n"')}, ${Date.now()} - 10000000 + "n", 'file.downloaded', 'success',
        ${id(1, `1 + "n" % ${members}`)}, ${id(1, `1 + "n" % ${members}`)}, 'm@example.com', 'File', '192.0.2.1',
        ${id(7, '"n"')}, 'm@example.com file 192.0.2.1' FROM "n"`);
  await run('PRAGMA wal_checkpoint(TRUNCATE)');
  await new Promise((done) => database.close(done));
}

/** Starts and fills a site, and gives what is asked of it. */
async function prepare(amounts) {
  const site = await startSite({ ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password, RATE_LIMITS: 'off' });
  const ask = asker(site.url);
  const tokenOf = async (path, json) => JSON.parse((await ask('POST', path, { json })).text).access_token;
  const theirs = { authorization: `Bearer ${await tokenOf('/api/v1/auth/register', member)}` };
  const ours = { authorization: `Bearer ${await tokenOf('/api/v1/auth/login', admin)}` };
  const form = `email=${encodeURIComponent(member.email)}&password=${encodeURIComponent(member.password)}`;
  const login = await ask('POST', '/login', { form, headers: { origin: site.origin } });
  const cookie = login.headers['set-cookie'].map((line) => line.split(';')[0]).join('; ');
  const begun = performance.now();
  await fill(site, amounts);
  console.log(`${JSON.stringify(amounts)} in ${Math.round((performance.now() - begun) / 1_000)} s`);
  const { items } = JSON.parse((await ask('GET', '/api/v1/files?sort=largest&limit=1', { headers: theirs })).text);
  const { items: welcome } = JSON.parse((await ask('GET', '/api/v1/files?q=welcome', { headers: theirs })).text);
  const works = {
    'the shelf': ['/secrets', { cookie }],
    'the shelf by name': ['/secrets?sort=name', { cookie }],
    'the list of the API': ['/api/v1/files', theirs],
    'the page of a file': [`/files/${items[0].id}`, { cookie }],
    'a download, counted': [`/api/v1/files/${welcome[0].id}/content`, theirs],
    'an admin’s list of files': ['/api/v1/files', ours],
    'the activity log': ['/api/v1/activity', ours],
  };
  return { site, ask, works };
}

const sites = [
  await prepare({ files: 100, members: 100, downloads: 1_000 }),
  await prepare({ files: thousands * 1_000, members: 10_000, downloads: millions * 1_000_000 }),
];
try {
  console.log(`${requests} requests each, in turn; medians in milliseconds`);
  for (const work of Object.keys(sites[0].works)) {
    const times = [[], []];
    for (let n = 0; n < requests + warmUp; n++)
      for (const [which, { ask, works }] of sites.entries()) {
        const [path, headers] = works[work];
        const { status, milliseconds } = await ask('GET', path, { headers });
        if (status !== 200) throw new Error(`${path} answered ${status}`);
        if (n >= warmUp) times[which].push(milliseconds);
      }
    const [small, large] = times.map((all) => quantile(all, 0.5));
    const ratio = large / small;
    if (ratio > 1.5) process.exitCode = 1;
    console.log(`${work.padEnd(25)} small ${small.toFixed(2)}  large ${large.toFixed(2)}  ratio ${ratio.toFixed(2)}`);
  }
} finally {
  for (const { site } of sites) await site.end();
}
