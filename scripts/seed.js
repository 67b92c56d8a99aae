import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { createApp } from '../dist/app.js';
import { readSettings } from '../dist/config/settings.js';

/**
 * Fills an empty site with realistic data, through its own API. `npm run seed` makes 30 members, 60 files, 5 groups and
 * 6 collections, with downloads. `npm run seed -- --large` makes 200 members and 5,000 files. It uses the settings of
 * the site (`DATA_DIR`), and prints how to log in.
 */
const isLarge = process.argv.includes('--large');
const counts = isLarge
  ? { members: 200, files: 5_000, groups: 20, collections: 40, downloads: 2_000 }
  : { members: 30, files: 60, groups: 5, collections: 6, downloads: 150 };

const admin = { name: 'The admin', email: 'admin@example.com', password: 'seven quiet rivers at night' };
const password = 'a quiet river at night';
const settings = readSettings({
  ...process.env,
  PORT: '0',
  RATE_LIMITS: 'off',
  ADMIN_EMAIL: admin.email,
  ADMIN_PASSWORD: admin.password,
});
if (!settings.databaseUrl.startsWith('sqlite:') || existsSync(settings.databaseUrl.slice('sqlite:'.length)))
  fail(`There is a site already, at ${settings.databaseUrl}: give an empty folder, as by DATA_DIR=/tmp/seeded.`);

const app = await createApp(settings, pino({ level: 'error' }));
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
try {
  await fill();
} finally {
  await app.close();
}
console.log(`The site in ${settings.dataDir} has ${counts.members} members and ${counts.files} files.`);
console.log(`Log in as ${admin.email} with "${admin.password}", or as ${member(0).email} with "${password}".`);

async function fill() {
  const chief = await logIn(admin);
  const members = [];
  for (let n = 0; n < counts.members; n++)
    members.push((await call('POST', '/auth/register', { json: member(n) })).user);
  const groups = [];
  for (let n = 0; n < counts.groups; n++) {
    const { id } = await chief('POST', '/groups', { json: { name: groupName(n) } });
    const some = members.filter((_, index) => index % counts.groups === n || index % 7 === n);
    await chief('POST', `/groups/${id}/members`, { json: { members: some.map(({ id }) => id) } });
    groups.push(id);
  }
  const files = [];
  for (let n = 0; n < counts.files; n++) {
    const { name, bytes, note } = file(n);
    const { id } = await chief('PUT', `/uploads/${encodeURIComponent(name)}`, { body: bytes });
    files.push(id);
    if (note) await chief('PATCH', `/files/${id}`, { json: { note } });
    if (n % 4 === 1) {
      const audience = {
        everyone: false,
        groups: [groups[n % groups.length]],
        members: [members[n % members.length].id],
      };
      await chief('PUT', `/files/${id}/audience`, { json: audience });
    }
    if (n % 17 === 5) await chief('PATCH', `/files/${id}`, { json: { hidden: true } });
    if (n % 13 === 6) await chief('PUT', `/files/${id}/content`, { body: Buffer.concat([bytes, Buffer.from('\n')]) });
  }
  for (let n = 0; n < counts.collections; n++) {
    const json = { name: collectionName(n), note: n % 2 ? 'All that was handed out, in one place.' : '' };
    const { id } = await chief('POST', '/collections', { json });
    for (const fileId of files.filter((_, index) => index % counts.collections === n).slice(0, 30))
      await chief('PUT', `/collections/${id}/files/${fileId}`);
    await chief('PUT', `/collections/${id}/audience`, {
      json: { everyone: n % 2 === 0, groups: [groups[n % groups.length]] },
    });
  }
  await download();
}

/** Lets some of the members download some of their files. */
async function download() {
  const readers = Math.min(counts.members, 20);
  for (let n = 0; n < readers; n++) {
    const reader = await logIn({ email: member(n).email, password });
    const { items } = await reader('GET', '/files?limit=100');
    for (let turn = 0; turn < counts.downloads / readers && items.length > 0; turn++)
      await reader('GET', `/files/${items[(turn * 7 + n) % items.length].id}/content`);
  }
}

async function logIn({ email, password }) {
  const { access_token: token } = await call('POST', '/auth/login', { json: { email, password } });
  return (method, path, options = {}) => call(method, path, { ...options, token });
}

async function call(method, path, { json, body, token } = {}) {
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(json && { 'content-type': 'application/json' }),
  };
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: json ? JSON.stringify(json) : body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${bytes}`);
  const isContent = path.endsWith('/content') || bytes.length === 0;
  return isContent ? {} : JSON.parse(bytes);
}

function member(n) {
  const first = ['Ada', 'Blaise', 'Emmy', 'Évariste', 'Grace', 'Hypatia', 'Katherine', 'Leonhard', 'Mary', 'Srinivasa'];
  const last = ['Baker', 'Castillo', 'Dąbrowska', 'Fischer', 'Ito', "O'Neill", 'Øster', 'Rossi', 'van Dijk', '王'];
  const name = `${first[n % first.length]} ${last[(n * 3 + Math.floor(n / first.length)) % last.length]}`;
  return { name, email: `member-${n + 1}@example.com`, password };
}

function groupName(n) {
  const names = ['Board', 'Members of 2026', 'Choir', 'Treasurers', 'Guests'];
  return n < names.length ? names[n] : `Section ${n + 1}`;
}

function collectionName(n) {
  const names = ['Minutes', 'Annual reports', 'Photos of the summer', 'Scores', 'Forms', 'Press'];
  return n < names.length ? names[n] : `Archive ${n + 1}`;
}

/** A file of one of many kinds: its name, its bytes and its note. */
function file(n) {
  const month = `${2020 + (n % 7)}-${String((n % 12) + 1).padStart(2, '0')}`;
  const lines = (line) => Buffer.from(Array.from({ length: 20 + (n % 200) }, (_, index) => line(index)).join('\n'));
  const kinds = [
    () => [`Minutes ${month}.pdf`, pdf(n), 'Agreed by the board.'],
    () => [`Accounts ${month}.csv`, lines((index) => `${month}-${(index % 28) + 1};Fees;${index * 12}.50`), ''],
    () => [
      `Übersicht ${month}.txt`,
      lines((index) => `${index + 1}. Punkt der Tagesordnung`),
      'On paper at the door too.',
    ],
    () => [`Notes of ${month}.md`, lines((index) => (index % 5 ? `- point ${index}` : `## Part ${index / 5 + 1}`)), ''],
    () => [`Logo ${n}.svg`, Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><circle r="${n + 5}"/></svg>`), ''],
    () => [`Recording ${month}.wav`, wav(1 + (n % 5)), 'The second half is louder.'],
    () => [`夏の合宿 ${month}.json`, lines((index) => JSON.stringify({ index, month })), ''],
    () => [`Calendar ${month}.ics`, lines(() => 'BEGIN:VEVENT\r\nSUMMARY:Meeting\r\nEND:VEVENT\r'), ''],
  ];
  const [name, bytes, note] = kinds[n % kinds.length]();
  return { name: n < 84 ? name : name.replace(/(\.\w+)$/, ` (${n})$1`), bytes, note };
}

/** The project's real welcome file, with a comment at its end so that every copy differs. */
function pdf(n) {
  const welcome = readFileSync(join(fileURLToPath(new URL('..', import.meta.url)), 'storage/welcome.pdf'));
  return Buffer.concat([welcome, Buffer.from(`\n% ${n}\n`)]);
}

/** A tone that lasts this many seconds, with 8,000 samples a second of one byte each. */
function wav(seconds) {
  const samples = Buffer.from(
    Array.from({ length: seconds * 8_000 }, (_, index) => 128 + Math.round(60 * Math.sin(index / (3 + seconds)))),
  );
  const header = Buffer.alloc(44);
  header.write('RIFF');
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt32LE(8_000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

function fail(words) {
  console.error(words);
  process.exit(1);
}
