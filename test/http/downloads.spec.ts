import { beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';
import { Script, Visitor } from '../support/people.js';
import { largeSize, shelve, type Shelved } from '../support/stored.js';

const size = 1_000;
const all = `0-${size - 1}`;

const site = aSite();
let script: Script;
let visitor: Visitor;
let kept: Shelved;
let empty: Shelved;
let single: Shelved;
let large: Shelved;
let etag: string;
let lastModified: string;
beforeAll(async () => {
  script = new Script(site.url);
  visitor = new Visitor(site.url);
  await script.register();
  await visitor.register();
  kept = await shelve(site, size, 'kept.pdf');
  empty = await shelve(site, 0, 'empty.txt');
  single = await shelve(site, 1, 'one');
  large = await shelve(site, largeSize, 'large.zip');
  etag = `"${kept.file.sha256}"`;
  lastModified = kept.file.createdAt.toUTCString();
});

type Headers = Record<string, string>;
type Row = [
  what: string,
  headers: (known: { etag: string; date: string; time: number }) => Headers,
  expected: string | number,
];

/** Expected: a status, or the bytes of a 206. */
const rows: Row[] = [
  // Range (RFC 9110 14.2)
  ['a range from the first byte', () => ({ range: 'bytes=0-9' }), '0-9'],
  ['a range in the middle', () => ({ range: 'bytes=500-599' }), '500-599'],
  ['one byte', () => ({ range: 'bytes=7-7' }), '7-7'],
  ['the last byte', () => ({ range: `bytes=${size - 1}-${size - 1}` }), `${size - 1}-${size - 1}`],
  ['an open range', () => ({ range: 'bytes=990-' }), `990-${size - 1}`],
  ['the whole as a range', () => ({ range: 'bytes=0-' }), all],
  ['a range that ends beyond the end', () => ({ range: 'bytes=990-99999' }), `990-${size - 1}`],
  ['a range that ends beyond all numbers', () => ({ range: `bytes=990-${'9'.repeat(40)}` }), `990-${size - 1}`],
  ['the last bytes', () => ({ range: 'bytes=-5' }), `995-${size - 1}`],
  ['more last bytes than there are', () => ({ range: 'bytes=-5000' }), all],
  ['more last bytes than any number', () => ({ range: `bytes=-${'9'.repeat(400)}` }), all],
  ['a unit in capitals', () => ({ range: 'BYTES=0-9' }), '0-9'],
  ['a range that starts at the end', () => ({ range: `bytes=${size}-` }), 416],
  ['a range that starts beyond the end', () => ({ range: 'bytes=5000-6000' }), 416],
  ['a range that starts beyond all numbers', () => ({ range: `bytes=${'9'.repeat(40)}-` }), 416],
  ['no last bytes', () => ({ range: 'bytes=-0' }), 416],
  ['a range that ends before it starts', () => ({ range: 'bytes=9-0' }), 200],
  ['no range', () => ({ range: 'bytes=' }), 200],
  ['a dash', () => ({ range: 'bytes=-' }), 200],
  ['words', () => ({ range: 'bytes=a-b' }), 200],
  ['no unit', () => ({ range: '0-9' }), 200],
  ['a unit alone', () => ({ range: 'bytes' }), 200],
  ['a signed number', () => ({ range: 'bytes=+1-5' }), 200],
  ['a fraction', () => ({ range: 'bytes=1.5-5' }), 200],
  ['a number in hex', () => ({ range: 'bytes=0x1-0x5' }), 200],
  ['two dashes', () => ({ range: 'bytes=1-2-3' }), 200],
  ['more than one range', () => ({ range: 'bytes=0-9,20-29' }), 200],
  ['another unit', () => ({ range: 'lines=0-9' }), 200],
  ['ranges that overlap', () => ({ range: 'bytes=0-9,5-14' }), 200],
  ['a range and one beyond the end', () => ({ range: 'bytes=0-9,5000-' }), 200],
  ['a range with blanks around it', () => ({ range: 'bytes= 0-9 ' }), '0-9'],
  ['a range with blanks in it', () => ({ range: 'bytes=0 - 9' }), 200],

  // If-Range (13.1.5)
  ['a range of the version it has', ({ etag }) => ({ range: 'bytes=0-9', 'if-range': etag }), '0-9'],
  ['a range of another version', () => ({ range: 'bytes=0-9', 'if-range': '"another"' }), 200],
  ['a range by a weak tag', ({ etag }) => ({ range: 'bytes=0-9', 'if-range': `W/${etag}` }), 200],
  ['a range by a tag without quotes', ({ etag }) => ({ range: 'bytes=0-9', 'if-range': etag.slice(1, -1) }), 200],
  ['a range by its date', ({ date }) => ({ range: 'bytes=0-9', 'if-range': date }), '0-9'],
  ['a range by an earlier date', ({ time }) => ({ range: 'bytes=0-9', 'if-range': utc(time - 1_000) }), 200],
  ['a range by a later date', ({ time }) => ({ range: 'bytes=0-9', 'if-range': utc(time + 1_000) }), 200],
  ['a range of another version, beyond the end', () => ({ range: 'bytes=5000-', 'if-range': '"another"' }), 200],
  ['a range by any tag', () => ({ range: 'bytes=0-9', 'if-range': '*' }), 200],
  ['a range by a list of tags', ({ etag }) => ({ range: 'bytes=0-9', 'if-range': `${etag}, "another"` }), 200],
  ['a range by a date that is none', () => ({ range: 'bytes=0-9', 'if-range': 'yesterday' }), 200],
  ['a range that cannot be read, of its version', ({ etag }) => ({ range: 'bytes=9-0', 'if-range': etag }), 200],
  ['a range beyond the end, of its version', ({ etag }) => ({ range: 'bytes=5000-', 'if-range': etag }), 416],
  ['a version and no range', () => ({ 'if-range': '"another"' }), 200],

  // If-None-Match (13.1.2): weak comparison
  ['another than the version it has', ({ etag }) => ({ 'if-none-match': etag }), 304],
  ['another than any of a list', ({ etag }) => ({ 'if-none-match': `"a", W/"b",${etag} , "c"` }), 304],
  ['another than any', () => ({ 'if-none-match': '*' }), 304],
  ['another than a weak tag names', ({ etag }) => ({ 'if-none-match': `W/${etag}` }), 304],
  ['another than one it has not', () => ({ 'if-none-match': '"another"' }), 200],
  ['another than a tag without quotes', ({ etag }) => ({ 'if-none-match': etag.slice(1, -1) }), 200],

  // If-Match (13.1.1): strong comparison
  ['the version it has', ({ etag }) => ({ 'if-match': etag }), 200],
  ['one of a list', ({ etag }) => ({ 'if-match': `"a", ${etag}` }), 200],
  ['any version', () => ({ 'if-match': '*' }), 200],
  ['one of others', () => ({ 'if-match': '"a", "b"' }), 412],
  ['a version by a tag without quotes', ({ etag }) => ({ 'if-match': etag.slice(1, -1) }), 412],
  ['a version that is gone', () => ({ 'if-match': '"another"' }), 412],
  ['a version by a weak tag', ({ etag }) => ({ 'if-match': `W/${etag}` }), 412],
  ['a version by a tag named like any', () => ({ 'if-match': '"*"' }), 412],
  ['a range of the version it has, and no other', ({ etag }) => ({ 'if-match': etag, range: 'bytes=0-9' }), '0-9'],

  // dates (13.1.3, 13.1.4, 5.6.7)
  ['what is newer than its date', ({ date }) => ({ 'if-modified-since': date }), 304],
  ['what is newer than a later date', ({ time }) => ({ 'if-modified-since': utc(time + 5_000) }), 304],
  ['what is newer than an earlier date', ({ time }) => ({ 'if-modified-since': utc(time - 1_000) }), 200],
  ['what is newer than a date like C prints', ({ time }) => ({ 'if-modified-since': asctime(time) }), 304],
  ['what is newer than a day without a date', () => ({ 'if-modified-since': 'Sun' }), 200],
  ['what is newer than a number', () => ({ 'if-modified-since': '2999' }), 200],
  ['what is newer than an ISO date', () => ({ 'if-modified-since': '2999-01-01T00:00:00Z' }), 200],
  ['what is not newer than its date', ({ date }) => ({ 'if-unmodified-since': date }), 200],
  ['what is not newer than an earlier date', ({ time }) => ({ 'if-unmodified-since': utc(time - 1_000) }), 412],
  ['what is not newer than no date', () => ({ 'if-unmodified-since': 'yesterday' }), 200],

  // which goes first (13.2.2)
  ['tags before dates: not this', ({ date }) => ({ 'if-none-match': '"another"', 'if-modified-since': date }), 200],
  [
    'tags before dates: this',
    ({ etag, time }) => ({ 'if-match': etag, 'if-unmodified-since': utc(time - 9_000) }),
    200,
  ],
  ['If-Match before If-None-Match', ({ etag }) => ({ 'if-match': '"another"', 'if-none-match': etag }), 412],
  ['If-Match, then If-None-Match', ({ etag }) => ({ 'if-match': etag, 'if-none-match': etag }), 304],
  ['If-None-Match before the range', ({ etag }) => ({ 'if-none-match': etag, range: 'bytes=0-9' }), 304],
  ['If-Match before a range beyond the end', () => ({ 'if-match': '"another"', range: 'bytes=5000-' }), 412],
];

const utc = (time: number) => new Date(time).toUTCString();

function asctime(time: number): string {
  const [day = '', date = '', month = '', year = '', clock = ''] = utc(time).replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${clock} ${year}`;
}

describe('a member who asks for', () => {
  it.each(rows)('%s gets what RFC 9110 says', async (_, headersOf, expected) => {
    const headers = headersOf({ etag, date: lastModified, time: kept.file.createdAt.getTime() });
    const answer = await script.ask(kept.content, { headers });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const status = typeof expected === 'number' ? expected : 206;
    expect(answer.status).toBe(status);
    if (typeof expected === 'string') {
      const [start = 0, end = 0] = expected.split('-').map(Number);
      expect(answer.headers.get('content-range')).toBe(`bytes ${expected}/${size}`);
      expect(answer.headers.get('content-length')).toBe(String(end - start + 1));
      expect(bytes.equals(kept.bytes.subarray(start, end + 1))).toBe(true);
    } else expect(answer.headers.get('content-range')).toBe(status === 416 ? `bytes */${size}` : null);
    if (status === 200) expect(bytes.equals(kept.bytes)).toBe(true);
    if (status < 400) expectHeadersOfAnyAnswer(answer.headers);
    if (status === 304) expectNothingSent(answer.headers, bytes);
    if (status >= 400) {
      expect(answer.headers.get('etag')).toBeNull();
      expect(JSON.parse(bytes.toString())).toMatchObject({ status });
    }
  });

  // a range is defined for GET alone (14.2)
  it.each(rows)('%s with HEAD gets no range and no content', async (_, of, expected) => {
    const headers = of({ etag, date: lastModified, time: kept.file.createdAt.getTime() });
    const answer = await script.ask(kept.content, { method: 'HEAD', headers });
    expect(answer.status).toBe(typeof expected === 'string' || expected === 416 ? 200 : expected);
    expect(answer.headers.get('content-range')).toBeNull();
    if (answer.status < 400) expectHeadersOfAnyAnswer(answer.headers);
    if (answer.status === 200) expect(answer.headers.get('content-length')).toBe(String(size));
    if (answer.status === 304) expectNothingSent(answer.headers, Buffer.from(await answer.arrayBuffer()));
  });
});

describe('what comes with a file', () => {
  it.each(['GET', 'HEAD'])('by %s is all that the contract names, for a browser and a script alike', async (method) => {
    for (const answer of [await script.ask(kept.content, { method }), await visitor.ask(kept.download, { method })]) {
      expect(answer.status).toBe(200);
      expectHeadersOfAnyAnswer(answer.headers);
      expect(answer.headers.get('content-type')).toBe('application/pdf');
      expect(answer.headers.get('content-disposition')).toBe('attachment; filename="kept.pdf"');
      expect(answer.headers.get('content-length')).toBe(String(size));
      expect(answer.headers.get('transfer-encoding')).toBeNull();
      const digest = createHash('sha256').update(kept.bytes).digest('base64');
      expect(answer.headers.get('repr-digest')).toBe(`sha-256=:${digest}:`);
      expect((await answer.arrayBuffer()).byteLength).toBe(method === 'GET' ? size : 0);
    }
  });

  it('is no cookie', async () => {
    expect((await visitor.ask(kept.download)).headers.getSetCookie()).toEqual([]);
  });
});

describe('a file of', () => {
  it('no bytes comes whole, and has no ranges', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await script.ask(empty.content, { method });
      expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '0']);
      expect((await answer.arrayBuffer()).byteLength).toBe(0);
    }
    for (const range of ['bytes=0-0', 'bytes=0-', 'bytes=-1', 'bytes=-0']) {
      const answer = await script.ask(empty.content, { headers: { range } });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */0']);
    }
  });

  it('one byte comes whole, or as its one range', async () => {
    for (const range of ['bytes=0-0', 'bytes=0-', 'bytes=-1', 'bytes=-9', 'bytes=0-9']) {
      const answer = await script.ask(single.content, { headers: { range } });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([206, 'bytes 0-0/1']);
      expect(Buffer.from(await answer.arrayBuffer()).equals(single.bytes)).toBe(true);
    }
    expect((await script.ask(single.content, { headers: { range: 'bytes=1-' } })).status).toBe(416);
  });

  it('many bytes comes whole, with its length told ahead', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await script.ask(large.content, { method });
      expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(largeSize)]);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.equals(method === 'GET' ? large.bytes : Buffer.alloc(0))).toBe(true);
    }
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});

function expectHeadersOfAnyAnswer(headers: globalThis.Headers): void {
  expect(headers.get('etag')).toBe(etag);
  expect(headers.get('last-modified')).toBe(lastModified);
  expect(headers.get('cache-control')).toBe('private, no-cache');
  expect(headers.get('accept-ranges')).toBe('bytes');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
}

function expectNothingSent(headers: globalThis.Headers, bytes: Buffer): void {
  expect(bytes).toHaveLength(0);
  for (const name of ['content-type', 'content-length', 'content-disposition', 'repr-digest'])
    expect(headers.get(name)).toBeNull();
}
