import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FileStore } from '../../src/store/file-store.js';
import { Upload } from '../../src/uploads/upload.entity.js';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite, startApp } from '../support/app.js';
import { eventually, makeLasting } from '../support/database.js';
import { sha256 } from '../support/hash.js';
import { Script, type Visitor } from '../support/people.js';
import { shelve } from '../support/stored.js';
import { fileIn, TusClient } from '../support/tus.js';

const site = aSite(() => startWithAdmin({ UPLOAD_LIMIT: '3MB', LIBRARY_QUOTA: '40MB' }));
let admin: { browser: Visitor; script: Script };
let member: Script;
let tus: TusClient;
beforeAll(async () => {
  admin = await adminOf(site);
  member = new Script(site.url);
  await member.register();
  tus = clientOf(admin.script);
});

const clientOf = ({ token = '' }: Script, url = site.url) =>
  new TusClient(url, token ? { authorization: `Bearer ${token}` } : {});
/** What lies in the file store, drafts included. */
const kept = (dataDir = site.settings.dataDir) =>
  readdirSync(join(dataDir, 'files'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;
const sizes = () => {
  const pieces = join(site.settings.dataDir, 'files/pieces');
  return readdirSync(pieces).map((name) => statSync(join(pieces, name)).size);
};
const shown = async (name: string) =>
  (await (await member.ask(`/api/v1/files?q=${name}`)).json()) as { items: { id: string; sha256: string }[] };
const uploads = ({ app } = site) => app.get(DataSource).getRepository(Upload);

describe('a client that spells tus in another of the usual ways', () => {
  let speller: Script;
  beforeAll(async () => {
    speller = new Script(site.url);
    const { email } = await speller.register();
    await site.app.get(DataSource).query(`UPDATE "users" SET "role" = 'admin' WHERE "email" = $1`, [email]);
  });
  const tus = () => ({ authorization: `Bearer ${speller.token ?? ''}`, 'tus-resumable': '1.0.0' });
  const begin = async (path: string) => {
    const metadata = `filename ${Buffer.from('spelt.txt').toString('base64')}`;
    const headers = { ...tus(), 'upload-length': '3', 'upload-metadata': metadata, 'content-type': 'application/json' };
    return fetch(new URL(path, site.url), { method: 'POST', headers });
  };
  const piece = { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };

  it('may end the address with a slash', async () => {
    for (const path of ['/api/v1/uploads', '/api/v1/uploads/']) {
      const begun = await begin(path);
      const at = begun.headers.get('location') ?? '';
      expect([begun.status, at]).toEqual([201, expect.stringMatching(/^\/api\/v1\/uploads\/[\w-]{36}$/)]);
      expect((await fetch(new URL(`${at}/`, site.url), { method: 'HEAD', headers: tus() })).status).toBe(200);
      expect((await fetch(new URL(`${at}/`, site.url), { method: 'DELETE', headers: tus() })).status).toBe(204);
      expect((await fetch(new URL(path, site.url), { method: 'OPTIONS', headers: tus() })).status).toBe(204);
    }
  });

  it('may name the method in a header where only POST gets through', async () => {
    const override = (method: string) => ({ ...tus(), 'x-http-method-override': method });
    const at = new URL((await begin('/api/v1/uploads')).headers.get('location') ?? '', site.url);
    const head = await fetch(at, { method: 'POST', headers: override('HEAD') });
    expect([head.status, head.headers.get('upload-offset')]).toEqual([200, '0']);
    const done = await fetch(at, { method: 'POST', headers: { ...override('patch'), ...piece }, body: 'abc' });
    expect([done.status, done.headers.get('upload-offset')]).toEqual([204, '3']);
    expect((await fetch(at, { method: 'POST', headers: override('DELETE') })).status).toBe(204);
    expect((await fetch(at, { method: 'HEAD', headers: tus() })).status).toBe(404);
    // elsewhere, and without tus, a POST is a POST
    const user = new URL('/api/v1/users/me', site.url);
    expect((await fetch(user, { method: 'POST', headers: override('GET') })).status).toBe(405);
    const { authorization } = tus();
    const other = { authorization, 'x-http-method-override': 'DELETE' };
    expect((await fetch(user, { method: 'POST', headers: other })).status).toBe(405);
  });
});

describe('an upload in pieces', () => {
  it('is a file once all of it has come, and nothing before', async () => {
    const bytes = randomBytes(2_500_000);
    const address = await tus.begun(bytes.length, { filename: 'Übersicht in Stücken.bin' });
    expect(address).toMatch(/^\/api\/v1\/uploads\/[0-9a-f-]{36}$/);
    for (let offset = 0; offset < bytes.length; offset += 1_000_000) {
      expect(await tus.offsetOf(address)).toBe(offset);
      expect((await shown('St%C3%BCcken')).items).toEqual([]);
      const piece = bytes.subarray(offset, offset + 1_000_000);
      const answer = await tus.send(address, offset, piece);
      expect([answer.status, answer.headers.get('upload-offset')]).toEqual([204, String(offset + piece.length)]);
      expect(fileIn(answer) !== '').toBe(offset + piece.length === bytes.length);
    }
    const [file] = (await shown('St%C3%BCcken')).items;
    expect(file).toMatchObject({ name: 'Übersicht in Stücken.bin', size: bytes.length, sha256: sha256(bytes) });
    const found = await tus.find(address);
    expect([found.status, found.headers.get('upload-offset'), fileIn(found)]).toEqual([
      200,
      String(bytes.length),
      `/api/v1/files/${file?.id ?? ''}`,
    ]);
    expect(found.headers.get('cache-control')).toBe('no-store');
    const content = await member.ask(`/api/v1/files/${file?.id ?? ''}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('goes on where a lost connection broke it off', async () => {
    const bytes = randomBytes(900_000);
    const address = await tus.begun(bytes.length, { filename: 'cut.bin' });
    const { cut } = tus.stall(address, 0, bytes.length, bytes.subarray(0, 300_000));
    await eventually(() => sizes().includes(300_000));
    cut();
    await eventually(async () => (await tus.offsetOf(address)) === 300_000);
    expect((await tus.send(address, 300_000, bytes.subarray(300_000))).status).toBe(204);
    expect((await shown('cut.bin')).items).toMatchObject([{ sha256: sha256(bytes) }]);
  });

  it('goes on although the old connection is not known to be dead', async () => {
    const bytes = randomBytes(600_000);
    const address = await tus.begun(bytes.length, { filename: 'half-open.bin' });
    const { cut } = tus.stall(address, 0, bytes.length, bytes.subarray(0, 200_000));
    await eventually(async () => (await tus.offsetOf(address)) > 0);
    const offset = await tus.offsetOf(address);
    expect((await tus.send(address, offset, bytes.subarray(offset))).status).toBe(204);
    cut();
    expect((await shown('half-open.bin')).items).toMatchObject([{ sha256: sha256(bytes) }]);
  });

  it('is added once, however often its end is sent', async () => {
    const bytes = randomBytes(50_000);
    const address = await tus.begun(bytes.length, { filename: 'once.bin' });
    await tus.send(address, 0, bytes.subarray(0, 49_999));
    const last = await Promise.all(Array.from({ length: 6 }, () => tus.send(address, 49_999, bytes.subarray(49_999))));
    const statuses = last.map(({ status }) => status);
    expect(statuses).toContain(204);
    expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([]);
    expect((await tus.send(address, 50_000, Buffer.alloc(0))).status).toBe(204);
    expect((await shown('once.bin')).items).toHaveLength(1);
  });

  it('may come whole with its announcement, and may be of nothing', async () => {
    const type = { 'content-type': 'application/offset+octet-stream' };
    const filename = `filename ${Buffer.from('at-once.txt').toString('base64')}`;
    const whole = await tus.ask(
      '/api/v1/uploads',
      'POST',
      { 'upload-length': '7', 'upload-metadata': filename, ...type },
      'minutes',
    );
    expect([whole.status, whole.headers.get('upload-offset'), fileIn(whole) !== '']).toEqual([201, '7', true]);
    const empty = await tus.begin(0, { filename: 'nothing.txt' });
    expect([empty.status, fileIn(empty) !== '']).toEqual([201, true]);
    expect((await shown('nothing.txt')).items).toHaveLength(1);
  });

  it('can be the next version of a file, or a file for nobody yet', async () => {
    const { file } = await shelve(site, Buffer.from('first'), 'plan-in-pieces.txt');
    const address = await tus.begun(6, { filename: 'other.txt', replaces: file.id });
    expect(fileIn(await tus.send(address, 0, Buffer.from('second')))).toBe(`/api/v1/files/${file.id}`);
    expect(await (await member.ask(`/api/v1/files/${file.id}`)).json()).toMatchObject({
      name: 'plan-in-pieces.txt',
      version: 2,
    });
    const quiet = await tus.begun(5, { filename: 'quiet.txt', audience: 'nobody' });
    const added = fileIn(await tus.send(quiet, 0, Buffer.from('quiet')));
    expect([(await member.ask(added)).status, (await admin.script.ask(added)).status]).toEqual([404, 200]);
  });

  it('takes from another process nothing that is not in its place', async () => {
    const address = await tus.begun(12, { filename: 'two-ways.txt' });
    await tus.send(address, 0, Buffer.from('1234'));
    const { storageKey } = await uploads().findOneByOrFail({ name: 'two-ways.txt' });
    // of this process, only one request at a time comes so far
    const store = site.app.get(FileStore);
    const append = (offset: number, text: string) =>
      store.append(storageKey, offset, Readable.from([Buffer.from(text)]), () => Promise.resolve());
    const both = await Promise.allSettled([append(4, '5678'), append(4, '5678')]);
    expect(both.map(({ status }) => status)).toContain('fulfilled');
    await expect(append(4, '5678')).rejects.toThrow('has come to another place');
    await expect(append(9, '9')).rejects.toThrow('has come to another place');
    const answer = await tus.send(address, 8, Buffer.from('9abc'));
    expect(await (await member.ask(`${fileIn(answer)}/content`)).text()).toBe('123456789abc');
    expect((await shown('two-ways')).items).toMatchObject([{ sha256: sha256(Buffer.from('123456789abc')) }]);
  });

  it('is forgotten when it is cancelled, and what has become a file stays', async () => {
    const before = kept();
    const address = await tus.begun(10, { filename: 'cancelled.bin' });
    await tus.send(address, 0, Buffer.from('12345'));
    expect(kept()).toBe(before + 1);
    expect((await tus.ask(address, 'DELETE')).status).toBe(204);
    expect([kept(), (await tus.find(address)).status]).toEqual([before, 404]);
    const done = await tus.begun(2, { filename: 'stays.bin' });
    const file = fileIn(await tus.send(done, 0, Buffer.from('ok')));
    expect((await tus.ask(done, 'DELETE')).status).toBe(204);
    expect(await (await member.ask(`${file}/content`)).text()).toBe('ok');
  });
});

describe('an upload that is not in order', () => {
  it.each([
    ['without a word of tus', { 'tus-resumable': '' }, 412],
    ['in another version of tus', { 'tus-resumable': '0.9.0' }, 412],
    ['without a length', { 'upload-length': '' }, 400],
    ['of less than nothing', { 'upload-length': '-1' }, 400],
    ['of a length that is none', { 'upload-length': '1e3' }, 400],
    ['of a length told later', { 'upload-defer-length': '1' }, 501],
    ['with metadata that cannot be read', { 'upload-metadata': 'filename !!!' }, 400],
    ['without a name', { 'upload-metadata': '' }, 422],
    ['of a name of blanks', { 'upload-metadata': 'filename ICA=' }, 422],
    ['for an audience that is none', { 'upload-metadata': 'filename eA==,audience YWxs' }, 422],
    ['for a file that is not there', { 'upload-metadata': 'filename eA==,replaces eA==' }, 404],
    ['that is too large', { 'upload-length': '3000001' }, 413],
    ['that is too large to be a number', { 'upload-length': '99999999999999999999' }, 400],
  ])('%s is refused, and nothing of it is kept', async (_what, headers, status) => {
    const before = [kept(), await uploads().count()];
    const all: Record<string, string> = {
      'tus-resumable': '1.0.0',
      'upload-length': 'upload-defer-length' in headers ? '' : '10',
      'upload-metadata': 'filename eA==',
      ...headers,
    };
    const answer = await fetch(new URL('/api/v1/uploads', site.url), {
      method: 'POST',
      headers: [
        ['authorization', `Bearer ${admin.script.token ?? ''}`],
        ...Object.entries(all).filter(([, value]) => value !== ''),
      ],
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(answer.headers.get('tus-version')).toBe('1.0.0');
    expect(((await answer.json()) as { detail: string }).detail).not.toMatch(/^\s*$/);
    expect([kept(), await uploads().count()]).toEqual(before);
  });

  it('is told where to go on, and takes no more than was announced', async () => {
    const address = await tus.begun(10, { filename: 'order.bin' });
    expect((await tus.send(address, 0, Buffer.from('12345'))).status).toBe(204);
    expect((await tus.send(address, 0, Buffer.from('12345'))).status).toBe(409);
    expect((await tus.send(address, 6, Buffer.from('7'))).status).toBe(409);
    expect((await tus.send(address, 5, Buffer.from('678901'))).status).toBe(413);
    const headers = { 'upload-offset': '5' };
    expect((await tus.ask(address, 'PATCH', { ...headers, 'content-type': 'text/plain' }, '6')).status).toBe(415);
    expect((await tus.ask(address, 'PATCH', { ...headers, 'content-type': 'application/json' }, '{}')).status).toBe(
      415,
    );
    const unnamed = { 'content-type': 'application/offset+octet-stream' };
    expect((await tus.ask(address, 'PATCH', unnamed, '6')).status).toBe(400);
    expect(await tus.offsetOf(address)).toBe(5);
    expect((await tus.send(address, 5, Buffer.from('67890'))).status).toBe(204);
  });

  it('does not exist for anyone but the admin who began it', async () => {
    const address = await tus.begun(10, { filename: 'mine.bin' });
    for (const [who, status] of [
      [clientOf(member), 403],
      [clientOf(new Script(site.url)), 401],
    ] as const) {
      expect((await who.find(address)).status).toBe(status);
      expect((await who.send(address, 0, Buffer.from('x'))).status).toBe(status);
      expect((await who.begin(1, { filename: 'x' })).status).toBe(status);
    }
    const other = new Script(site.url);
    const { email } = await other.register();
    await site.app.get(DataSource).query(`UPDATE "users" SET "role" = 'admin' WHERE "email" = $1`, [email]);
    expect((await clientOf(other).find(address)).status).toBe(404);
    expect((await clientOf(other).ask(address, 'DELETE')).status).toBe(404);
    for (const id of ['nothing', 'x'.repeat(100), '%00', '00000000-0000-7000-8000-000000000000'])
      expect((await tus.find(`/api/v1/uploads/${id}`)).status).toBe(404);
    expect(await tus.offsetOf(address)).toBe(0);
  });

  it('whose bytes are gone, as after a backup was put back, is not known, and can be begun again', async () => {
    const address = await tus.begun(1_000, { filename: 'half.bin' });
    await tus.send(address, 0, Buffer.alloc(400));
    const { id, storageKey } = await uploads().findOneByOrFail({ id: address.slice(-36) });
    rmSync(join(site.settings.dataDir, 'files/pieces', storageKey));
    const answers = [await tus.find(address), await tus.send(address, 400, Buffer.alloc(600))];
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect((await tus.ask(address, 'DELETE')).status).toBe(204);
    expect(await uploads().findOneBy({ id })).toBeNull();
    const again = await tus.begun(1_000, { filename: 'half.bin' });
    expect((await tus.send(again, 0, Buffer.alloc(1_000))).status).toBe(204);
  });

  it('in a browser must come from this site', async () => {
    const cookie = [...admin.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const as = (origin: string) => new TusClient(site.url, { cookie, origin }, '/admin/uploads');
    expect((await as('https://example.com').begin(5, { filename: 'forged.txt' })).status).toBe(403);
    const own = as(new URL(site.url).origin);
    const address = await own.begun(5, { filename: 'own.txt' });
    expect(address).toMatch(/^\/admin\/uploads\//);
    expect((await own.send(address, 0, Buffer.from('12'))).status).toBe(204);
    const forged = new TusClient(site.url, { cookie, origin: 'https://example.com' }, '/admin/uploads');
    expect((await forged.send(address, 2, Buffer.from('345'))).status).toBe(403);
    const last = await own.send(address, 2, Buffer.from('345'));
    expect(last.status).toBe(204);
    expect([...last.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(fileIn(last)).not.toBe('');
  });
});

describe('uploads that are under way', () => {
  it('count against the quota by what was announced, until they are over', async () => {
    const [row] = await site.app
      .get(DataSource)
      .query<{ used: number | string }[]>(`SELECT SUM("size") AS "used" FROM "file_versions"`);
    await uploads().createQueryBuilder().delete().execute();
    const free = 40_000_000 - Number(row?.used);
    const begun = [];
    for (let n = 0; n < Math.floor(free / 3_000_000); n++)
      begun.push(await tus.begun(3_000_000, { filename: `q${n}` }));
    expect((await tus.begin(3_000_000, { filename: 'no-room.bin' })).status).toBe(507);
    expect((await tus.ask(begun[0] ?? '', 'DELETE')).status).toBe(204);
    const again = await tus.begun(3_000_000, { filename: 'room.bin' });
    for (const address of [...begun.slice(1), again]) await tus.ask(address, 'DELETE');
  });

  it('are a file also where a crash came between the last byte and the shelf', async () => {
    const bytes = Buffer.from('all of it');
    const address = await tus.begun(bytes.length, { filename: 'crashed.txt' });
    await tus.send(address, 0, bytes.subarray(0, 5));
    const [upload] = await uploads().findBy({ name: 'crashed.txt' });
    // as the process leaves it where it is killed at that moment
    await site.app
      .get(FileStore)
      .append(upload?.storageKey ?? '', 5, Readable.from([bytes.subarray(5)]), () => Promise.resolve());
    expect((await shown('crashed.txt')).items).toEqual([]);
    expect(await tus.offsetOf(address)).toBe(bytes.length);
    expect((await shown('crashed.txt')).items).toMatchObject([{ sha256: sha256(bytes) }]);
  });

  it('outlive a restart, and end a day after the last piece', async () => {
    const lasting = await makeLasting();
    let house = await startWithAdmin(lasting.environment);
    try {
      const { script } = await adminOf(house);
      const bytes = randomBytes(200_000);
      const [live, stale] = [
        await clientOf(script, house.url).begun(bytes.length, { filename: 'over-night.bin' }),
        await clientOf(script, house.url).begun(bytes.length, { filename: 'stale.bin' }),
      ];
      for (const address of [live, stale])
        await clientOf(script, house.url).send(address, 0, bytes.subarray(0, 120_000));
      const before = kept(house.settings.dataDir);
      await uploads(house)
        .createQueryBuilder()
        .update({ expiresAt: new Date() })
        .where({ id: stale.split('/').at(-1) ?? '' })
        .execute();
      expect((await clientOf(script, house.url).find(stale)).status).toBe(404);
      await house.close();
      house = await startApp(lasting.environment);
      await eventually(() => kept(house.settings.dataDir) === before - 1);
      const client = clientOf(script, house.url);
      expect([await client.offsetOf(live), (await client.find(stale)).status]).toEqual([120_000, 404]);
      const answer = await client.send(live, 120_000, bytes.subarray(120_000));
      expect(await (await script.ask(fileIn(answer).replace('', house.url))).json()).toMatchObject({
        sha256: sha256(bytes),
      });
    } finally {
      await house.close();
      await lasting.drop();
    }
  });
});
