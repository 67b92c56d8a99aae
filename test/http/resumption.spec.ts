import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import { startApp, type TestApp } from '../support/app.js';
import { makeLasting, type Lasting } from '../support/database.js';
import { person, Visitor } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';
import { sized } from '../support/suite.js';

let lasting: Lasting;
let site: TestApp;
beforeAll(async () => {
  lasting = await makeLasting();
  site = await startApp(lasting.environment);
});
afterAll(() => site.close());
afterAll(() => lasting.drop());

async function join(): Promise<Visitor> {
  const visitor = new Visitor(site.url);
  await visitor.register();
  return visitor;
}

const replace = ({ file }: Shelved, bytes: Buffer) =>
  site.app.get(FilesService).addVersion(file, Readable.from([bytes]));

/** What a client has on its disk of one address, in one place, and what it was told of that. */
interface Copy {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly date: string;
}

async function get(visitor: Visitor, path: string, headers: Record<string, string> = {}) {
  const answer = await visitor.ask(path, { headers });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const copy = { bytes, etag: answer.headers.get('etag') ?? '', date: answer.headers.get('last-modified') ?? '' };
  return { ...copy, status: answer.status, headers: answer.headers };
}

const first = { range: 'bytes=0-999' };
const from = (start: number) => ({ range: `bytes=${start}-` });

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What a member gets: the status, and the hash of the bytes. */
async function got(...asked: Parameters<typeof get>) {
  const { status, bytes } = await get(...asked);
  return [status, hash(bytes)];
}

/** Lets so many hours pass for all that was downloaded. */
const wait = (hours: number) =>
  site.app.get(DataSource).query(`UPDATE "downloads" SET "openedAt" = "openedAt" - ${hours * 3_600_000}`);

type By = 'nothing' | 'tag' | 'date' | 'match';
type Ask =
  | { do: 'begin' | 'complete'; copy: number; share: number; byRange: boolean }
  | { do: 'resume'; copy: number; by: By; isSuffix: boolean };
type Step =
  | Ask
  | { do: 'together'; asks: readonly [Ask, Ask]; size: number; when: 'never' | 'during' | 'between' }
  | { do: 'replace'; size: number }
  | { do: 'wait'; hours: number };

const copy = fc.nat(1);
const share = fc.double({ min: 0, max: 1, noNaN: true });
const by = fc.constantFrom<By>('nothing', 'nothing', 'tag', 'date', 'match');
const size = fc.integer({ min: 1, max: 400 });
const begin = fc.record({ do: fc.constantFrom('begin', 'complete'), copy, share, byRange: fc.boolean() });
const resume = fc.record({ do: fc.constant('resume'), copy, by, isSuffix: fc.boolean() });
const together = fc.record({
  do: fc.constant('together'),
  // of two connections, each fills a copy of its own
  asks: fc.tuple(fc.oneof(begin, resume, resume), fc.oneof(begin, resume, resume)).map(
    ([one, other]) =>
      [
        { ...one, copy: 0 },
        { ...other, copy: 1 },
      ] as const,
  ),
  size,
  when: fc.constantFrom('never', 'during', 'during', 'between'),
});
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: begin },
    { weight: 4, arbitrary: resume },
    { weight: 4, arbitrary: together },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('replace'), size }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), hours: fc.constantFrom(1, 25) }) },
  ),
  { minLength: 3, maxLength: 14 },
);

/** Asks for the rest of a copy, as a client does that puts a part in its place and takes a whole for what it is. */
async function goOn(visitor: Visitor, path: string, held: Copy, by: By, isSuffix: boolean): Promise<Copy> {
  const size = Number((await visitor.ask(path, { method: 'HEAD' })).headers.get('content-length'));
  const range = isSuffix ? `bytes=-${Math.max(1, size - held.bytes.length)}` : `bytes=${held.bytes.length}-`;
  const conditions = { nothing: {}, tag: { 'if-range': held.etag }, match: { 'if-match': held.etag } };
  const answer = await get(visitor, path, { range, ...(by === 'date' ? { 'if-range': held.date } : conditions[by]) });
  if (answer.status === 200) return answer;
  const start = Number(/^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1]);
  if (answer.status !== 206 || start > held.bytes.length) return held;
  return { ...answer, bytes: Buffer.concat([held.bytes.subarray(0, start), answer.bytes]) };
}

/**
 * Does what people and admins do, one thing after the other or two connections of a member at once, and sees after each
 * that no copy is of two versions.
 */
async function live(visitor: Visitor, path: string, first: Buffer, next: (bytes: Buffer) => unknown, list: Step[]) {
  const versions = [first];
  const held: (Copy | undefined)[] = [];
  const replaceBy = (bytes: Buffer) => {
    versions.push(bytes);
    return next(bytes);
  };
  const ask = async (one: Ask) => {
    if (one.do === 'resume') {
      const before = held[one.copy];
      if (before) held[one.copy] = await goOn(visitor, path, before, one.by, one.isSuffix);
      return;
    }
    const until = Math.max(1, Math.floor(one.share * (versions.at(-1) ?? first).length));
    const isPart = one.do === 'begin';
    const sent = await get(visitor, path, isPart && one.byRange ? { range: `bytes=0-${until - 1}` } : {});
    // what the site takes for sent can be lost on the way
    held[one.copy] = { ...sent, bytes: isPart ? sent.bytes.subarray(0, until) : sent.bytes };
  };
  for (const one of list) {
    if (one.do === 'wait') await wait(one.hours);
    else if (one.do === 'replace') await replaceBy(randomBytes(one.size));
    else if (one.do === 'together') {
      const [mine, other] = one.asks;
      const bytes = randomBytes(one.size);
      if (one.when === 'between') {
        // one connection is still going on when the other begins, with the next version already there
        const begun = ask(mine);
        await replaceBy(bytes);
        await Promise.all([begun, ask(other)]);
      } else await Promise.all([ask(mine), ask(other), one.when === 'during' && replaceBy(bytes)]);
    } else await ask(one);
    for (const known of held)
      if (known) expect(versions.some((whole) => whole.subarray(0, known.bytes.length).equals(known.bytes))).toBe(true);
  }
}

describe('in whichever order things happen, a member who goes on never has a mixture', () => {
  it('of two versions of a file', async () => {
    const ada = await join();
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const shelved = await shelve(site, 300);
        await live(ada, shelved.download, shelved.bytes, (bytes) => replace(shelved, bytes), list);
      }),
      { numRuns: sized('60 orders of things around a file that is replaced, 12 of them', 12, 60) },
    );
  });

  it('of two files that are featured one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const shelved = await shelve(site, 300);
        // the newest is featured, and is replaced now and then
        let newest = shelved;
        const next = async (bytes: Buffer) => {
          if (bytes.length % 2 === 0) await replace(newest, bytes);
          else newest = await shelve(site, bytes);
        };
        await live(await join(), '/download', shelved.bytes, next, list);
      }),
      { numRuns: sized('25 orders of things around featured files, 6 of them', 6, 25) },
    );
  });
});

describe('of a file that was replaced, a range without If-Range', () => {
  const old = randomBytes(3_000);
  const now = randomBytes(2_000);
  const oldRest = [206, hash(old.subarray(1_000))];
  const whole = [200, hash(now)];

  it.each<[string, (visitor: Visitor, shelved: Shelved) => Promise<unknown>, unknown[]]>([
    ['is the rest of the version that the member began', (ada, { download }) => get(ada, download, first), oldRest],
    ['is the whole for who has the old one whole', (ada, { download }) => get(ada, download), whole],
    [
      'is the whole for who began longer than a day ago',
      (ada, { download }) => get(ada, download, first).then(() => wait(25)),
      whole,
    ],
    ['is the whole for who began none', () => Promise.resolve(), whole],
  ])('%s', async (_, before, expected) => {
    const [ada, shelved] = [await join(), await shelve(site, old)];
    await before(ada, shelved);
    await replace(shelved, now);
    expect(await got(ada, shelved.download, from(1_000))).toEqual(expected);
  });

  it('is the rest of the new version for who began that one alone, and the whole for who began both', async () => {
    const [ada, grace, shelved] = [await join(), await join(), await shelve(site, old)];
    await get(grace, shelved.download, first);
    await replace(shelved, now);
    for (const who of [ada, grace]) await get(who, shelved.download, first);
    expect(await got(ada, shelved.download, from(1_000))).toEqual([206, hash(now.subarray(1_000))]);
    expect(await got(grace, shelved.download, from(1_000))).toEqual(whole);
    // who says which one goes on with either
    for (const [bytes, etag] of [
      [old, `"${shelved.file.sha256}"`],
      [now, (await get(ada, shelved.download)).etag],
    ] as const)
      for (const name of ['if-range', 'if-match'])
        expect(await got(grace, shelved.download, { ...from(1_000), [name]: etag })).toEqual([
          206,
          hash(bytes.subarray(1_000)),
        ]);
  });

  it('of its last bytes is the whole, as is one by a date, which two versions of one second share', async () => {
    const [ada, shelved] = [await join(), await shelve(site, old)];
    const { date } = await get(ada, shelved.download);
    await replace(shelved, now);
    await site.app
      .get(DataSource)
      .query(`UPDATE "files" SET "versionedAt" = "createdAt" WHERE "id" = $1`, [shelved.file.id]);
    expect(await got(ada, shelved.download, { range: 'bytes=-500' })).toEqual(whole);
    expect(await got(ada, shelved.download, { ...from(1_000), 'if-range': date })).toEqual(whole);
    expect(await got(ada, shelved.download, { range: 'bytes=0-9' })).toEqual([206, hash(now.subarray(0, 10))]);
    const head = await ada.ask(shelved.download, { method: 'HEAD', headers: from(1_000) });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '2000']);
  });

  it('is the same after a restart', async () => {
    const shelved = await shelve(site, old);
    const [ada, who] = [new Visitor(site.url), person()];
    await ada.register(who);
    await get(ada, shelved.download, first);
    await replace(shelved, now);
    await site.close();
    site = await startApp(lasting.environment);
    const again = new Visitor(site.url);
    await again.visit('/login', { form: { email: who.email, password: who.password } });
    expect(await got(again, shelved.download, from(1_000))).toEqual(oldRest);
    await get(again, shelved.download);
    expect(await got(again, shelved.download, from(1_000))).toEqual(whole);
  });
});
