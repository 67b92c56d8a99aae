import { beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DataSource } from 'typeorm';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { Script, type Visitor } from '../support/people.js';
import { cookieOf } from '../support/server.js';
import { shelve } from '../support/stored.js';

const site = aSite(() => startWithAdmin({ UPLOAD_LIMIT: '1MB', LIBRARY_QUOTA: '3MB' }));
let admin: { browser: Visitor; script: Script };
let member: Script;
beforeAll(async () => {
  admin = await adminOf(site);
  member = new Script(site.url);
  await member.register();
});

const put = (path: string, bytes: Buffer | string, headers: Record<string, string> = {}, by = admin.script) =>
  fetch(new URL(path, site.url), {
    method: 'PUT',
    body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes),
    headers: { authorization: `Bearer ${by.token ?? ''}`, ...headers },
  });

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly contentType: string;
}

/** What lies in the file store, drafts included. */
const kept = () =>
  readdirSync(join(site.settings.dataDir, 'files'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;

const digest = (algorithm: string, bytes: Buffer | string) => createHash(algorithm).update(bytes).digest('base64');

describe('an admin who puts raw bytes', () => {
  it.each(['application/octet-stream', 'application/json', 'text/html', 'multipart/form-data; boundary=x', 'nonsense'])(
    'of the type %s has them on the shelf as they are',
    async (type) => {
      const bytes = randomBytes(50_000);
      const answer = await put('/api/v1/uploads/%C3%9Cbersicht%202026.bin', bytes, { 'content-type': type });
      const file = (await answer.json()) as Shown;
      expect([answer.status, answer.headers.get('location'), file]).toEqual([
        201,
        `/api/v1/files/${file.id}`,
        expect.objectContaining({ name: 'Übersicht 2026.bin', size: 50_000 }),
      ]);
      const content = await member.ask(`/api/v1/files/${file.id}/content`);
      expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
      await admin.script.ask(`/api/v1/files/${file.id}`, { method: 'DELETE' });
    },
  );

  it('of nothing has an empty file', async () => {
    const answer = await put('/api/v1/uploads/empty.txt', '');
    expect([answer.status, await answer.json()]).toEqual([201, expect.objectContaining({ size: 0 })]);
  });

  it('has them checked against the digest that is sent along', async () => {
    const right = [
      `sha-256=:${digest('sha256', 'minutes')}:`,
      `sha-512=:${digest('sha512', 'minutes')}:`,
      `sha-256=:${digest('sha256', 'minutes')}:, sha-512=:${digest('sha512', 'minutes')}:`,
      'md5=:AAAA:',
    ];
    for (const header of right) {
      const answer = await put('/api/v1/uploads/minutes.txt', 'minutes', { 'content-digest': header });
      expect([header, answer.status]).toEqual([header, 201]);
    }
    const before = kept();
    const wrong = [
      `sha-256=:${digest('sha256', 'minute')}:`,
      `sha-256=:${digest('sha256', 'minutes')}:, sha-512=:${digest('sha512', 'hours')}:`,
      'sha-256=abc',
      'nonsense',
    ];
    for (const header of wrong) {
      const answer = await put('/api/v1/uploads/wrong.txt', 'minutes', { 'content-digest': header });
      expect([header, answer.status]).toEqual([header, 400]);
    }
    expect(kept()).toBe(before);
    expect((await (await member.ask('/api/v1/files?q=wrong')).json()) as object).toMatchObject({ items: [] });
  });

  it('for a file that is there makes its next version', async () => {
    const { file } = await shelve(site, Buffer.from('first'), 'plan.txt');
    const path = `/api/v1/files/${file.id}/content`;
    const answer = await put(path, 'second', { 'content-digest': `sha-256=:${digest('sha256', 'second')}:` });
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ id: file.id, version: 2 })]);
    expect(await (await member.ask(path)).text()).toBe('second');
    expect((await put(path, 'third', { 'content-digest': 'sha-256=:AAAA:' })).status).toBe(400);
    expect((await put('/api/v1/files/nothing/content', 'x')).status).toBe(404);
    expect(await (await member.ask(path)).text()).toBe('second');
  });

  it('is refused where it is no admin, or too much', async () => {
    expect((await put('/api/v1/uploads/x', 'x', {}, member)).status).toBe(403);
    expect((await put('/api/v1/uploads/x', 'x', {}, new Script(site.url))).status).toBe(401);
    const before = kept();
    expect((await put('/api/v1/uploads/x', randomBytes(1_000_001))).status).toBe(413);
    const slowly = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 11; n++) controller.enqueue(new Uint8Array(100_000));
        controller.close();
      },
    });
    const untold = await fetch(new URL('/api/v1/uploads/x', site.url), {
      method: 'PUT',
      body: slowly,
      duplex: 'half',
      headers: { authorization: `Bearer ${admin.script.token ?? ''}` },
    });
    expect(untold.status).toBe(413);
    expect((await put('/api/v1/uploads/x', randomBytes(1_000_000))).status).toBe(201);
    expect(kept()).toBe(before + 1);
  });

  it.each([
    ['as they are', '/api/v1/uploads/x', 'PUT', {}],
    [
      'in pieces',
      '/api/v1/uploads',
      'POST',
      {
        'tus-resumable': '1.0.0',
        'upload-length': '100',
        'upload-metadata': 'filename eA==',
        'content-type': 'application/offset+octet-stream',
      },
    ],
  ])(
    'is answered in the middle of too many %s, and goes on with the same connection',
    async (_, path, method, more) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const ask = async (target: string, options: RequestOptions, body?: Buffer) => {
        const headers = { authorization: `Bearer ${admin.script.token ?? ''}`, ...options.headers };
        const asked = request(new URL(target, site.url), { agent, ...options, headers });
        asked.end(body);
        const [answer] = (await once(asked, 'response')) as [IncomingMessage];
        answer.resume();
        await once(answer, 'end');
        return answer.statusCode;
      };
      const chunked = { 'transfer-encoding': 'chunked', ...more };
      expect(await ask(path, { method, headers: chunked }, randomBytes(20_000_000))).toBe(413);
      expect(await ask('/api/v1/users/me', {})).toBe(200);
      agent.destroy();
    },
  );

  it('may add a file for nobody yet', async () => {
    const answer = await put('/api/v1/uploads/quiet.txt?audience=nobody', 'quiet');
    const { id } = (await answer.json()) as Shown;
    expect((await member.ask(`/api/v1/files/${id}`)).status).toBe(404);
    expect((await admin.script.ask(`/api/v1/files/${id}`)).status).toBe(200);
    expect((await put('/api/v1/uploads/quiet.txt?audience=all', 'quiet')).status).toBe(422);
  });
});

const bearer = () => ({ authorization: `Bearer ${admin.script.token ?? ''}` });
const cookies = () => ({ ...cookieOf(admin.browser), origin: new URL(site.url).origin });

/** Sends a form with a file, whose browser or program says that it is something else. */
function sendForm(path: string, name: string, bytes: Buffer, headers: Record<string, string>): Promise<Response> {
  const body = new FormData();
  body.append('file', new Blob([new Uint8Array(bytes)], { type: 'image/gif' }), name);
  return fetch(new URL(path, site.url), { method: 'POST', body, headers, redirect: 'manual' });
}

/** Sends it by tus in one request; the id of its file. */
async function sendByTus(bytes: Buffer, metadata: Record<string, string>): Promise<string> {
  const encoded = Object.entries({ ...metadata, filetype: 'image/gif' }).map(
    ([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`,
  );
  const answer = await fetch(new URL('/api/v1/uploads', site.url), {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: {
      ...bearer(),
      'tus-resumable': '1.0.0',
      'upload-length': `${bytes.length}`,
      'upload-metadata': encoded.join(','),
      'content-type': 'application/offset+octet-stream',
    },
  });
  return /files\/([\w-]+)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
}

/** A file of that name whose bytes say nothing, to be replaced. */
const toReplace = async (name: string) =>
  ((await (await put(`/api/v1/uploads/${encodeURIComponent(name)}`, '?')).json()) as Shown).id;

/** Each way in for bytes; under which id they are on the shelf. Another type that is told of them counts for nothing. */
const waysIn: Record<string, (name: string, bytes: Buffer) => Promise<string>> = {
  async 'raw bytes'(name, bytes) {
    const path = `/api/v1/uploads/${encodeURIComponent(name)}`;
    return ((await (await put(path, bytes, { 'content-type': 'image/gif' })).json()) as Shown).id;
  },
  async 'a form'(name, bytes) {
    return ((await (await sendForm('/api/v1/files', name, bytes, bearer())).json()) as Shown).id;
  },
  async 'a form of the page'(name, bytes) {
    await sendForm('/admin/files/upload', name, bytes, cookies());
    const { items } = (await (await admin.script.ask('/api/v1/files?limit=1')).json()) as { items: Shown[] };
    return items[0]?.id ?? '';
  },
  tus: (name, bytes) => sendByTus(bytes, { filename: name }),
  async 'raw bytes for a file'(name, bytes) {
    const id = await toReplace(name);
    await put(`/api/v1/files/${id}/content`, bytes, { 'content-type': 'image/gif' });
    return id;
  },
  async 'a form for a file'(name, bytes) {
    const id = await toReplace(name);
    await sendForm(`/api/v1/files/${id}/versions`, 'other.gif', bytes, bearer());
    return id;
  },
  async 'a form of the page for a file'(name, bytes) {
    const id = await toReplace(name);
    await sendForm(`/admin/files/${id}/replacement`, 'other.gif', bytes, cookies());
    return id;
  },
  async 'tus for a file'(name, bytes) {
    const replaces = await toReplace(name);
    return sendByTus(bytes, { filename: 'other.gif', replaces });
  },
};

describe('what a file is', () => {
  it.each([
    ['report.pdf', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj'), 'application/pdf'],
    ['report', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj'), 'application/pdf'],
    ['report.txt', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj'), 'text/plain'],
    ['BMI.csv', Buffer.from('BMI;Age\n'), 'text/csv'],
    ['BMI', Buffer.from('BMI;Age\n'), 'application/octet-stream'],
    ['GIF guide', Buffer.from('GIF guide\n'), 'application/octet-stream'],
    ['utf16.txt', Buffer.from('\ufeffnotes', 'utf16le'), 'text/plain'],
    ['utf16be.csv', Buffer.from('\ufeffName;Age\n', 'utf16le').swap16(), 'text/csv'],
    ['utf16be', Buffer.from('\ufeffnotes', 'utf16le').swap16(), 'application/octet-stream'],
    ['logo.ai', Buffer.from('%PDF-1.5\n%âãÏÓ\n1 0 obj'), 'application/postscript'],
    ['photo.dng', Buffer.from('49492a00080000000c00fe00', 'hex'), 'image/x-adobe-dng'],
    ['firmware.bin', Buffer.from('504b0304140000000000', 'hex'), 'application/octet-stream'],
    ['utf16', Buffer.from('\ufeffnotes', 'utf16le'), 'application/octet-stream'],
    ['app.ts', Buffer.from('export const answer = 42;\n'), 'application/octet-stream'],
    ['film.ts', Buffer.concat(Array.from({ length: 5 }, () => Buffer.alloc(188, 'G'))), 'video/mp2t'],
    ['backup.zzz', Buffer.from('504b0304140000000000', 'hex'), 'application/octet-stream'],
    ['picture', Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex'), 'image/png'],
    ['page.html', Buffer.from('<script>alert(1)</script>'), 'text/html'],
    ['archive.tar.gz', gzipSync('x'), 'application/gzip'],
    ['notes.txt', Buffer.from('notes'), 'text/plain'],
    ['unknown', Buffer.from('what'), 'application/octet-stream'],
  ])(
    '%s is told by the ending of its name, else by its bytes, however it comes in',
    async (name, bytes, contentType) => {
      for (const [way, take] of Object.entries(waysIn)) {
        const id = await take(name, bytes);
        const file = (await (await admin.script.ask(`/api/v1/files/${id}`)).json()) as Shown;
        expect([way, file.name, file.size, file.contentType]).toEqual([way, name, bytes.length, contentType]);
        const { headers } = await member.ask(`/api/v1/files/${id}/content`);
        expect([headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([contentType, 'nosniff']);
        expect(headers.get('content-disposition')).toMatch(/^attachment/);
        expect(headers.get('content-security-policy')).toContain('sandbox');
        expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      }
    },
  );
});

describe('a library that is full', () => {
  it('takes no more than its quota, however many come at once, and goes on serving', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => put('/api/v1/uploads/many.bin', randomBytes(700_000))),
    );
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201, 507]));
    const used = await site.app
      .get(DataSource)
      .query<{ used: number | string }[]>(`SELECT SUM("size") AS "used" FROM "file_versions"`);
    expect(Number(used[0]?.used)).toBeLessThanOrEqual(3_000_000);
    expect(Number(used[0]?.used)).toBeGreaterThan(2_300_000);
    const file = (await answers.find(({ status }) => status === 201)?.json()) as Shown;
    expect((await put(`/api/v1/files/${file.id}/content`, randomBytes(700_000))).status).toBe(507);
    expect((await member.ask(`/api/v1/files/${file.id}/content`)).status).toBe(200);
    const refused = await put('/api/v1/uploads/one-more.bin', randomBytes(700_000));
    expect([refused.status, await refused.json()]).toEqual([
      507,
      expect.objectContaining({ detail: 'There is no room for this file. Make some, then try again.' }),
    ]);
  });
});
