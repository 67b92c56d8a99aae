import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import { zipOf, type ZipEntry, type ZipText } from '../../src/collections/zip.js';
import { etagOf, lastOf, packedOf, sumsOf } from '../../src/collections/packing.js';
import { LongWork, type InTurn } from '../../src/database/long-work.js';
import { linesOf, savedBy } from '../../src/downloads/checksums.js';
import type { BoundFile } from '../../src/collections/collection-files.js';

const inTurn = new LongWork().of({ id: 'ada' });
const modified = new Date('2021-03-04T05:06:08Z');
const GiB = 1_024 ** 3;

const textOf = (bytes = 'checksums\n'): ZipText => ({ name: 'SHA256SUMS', bytes: Buffer.from(bytes), modified });
const bytesOf = ({ size }: ZipEntry) => Buffer.alloc(size, 'x');

/** The same zip as another library makes it: what it holds, and how long it says that it is. */
function oracle(text: ZipText, entries: readonly ZipEntry[], { isRead = false, forceZip64Format = false } = {}) {
  const zip = new yazl.ZipFile();
  zip.addBuffer(text.bytes, text.name, { mtime: text.modified, compress: false });
  for (const entry of entries)
    zip.addReadStreamLazy(entry.name, { mtime: entry.modified, compress: false, size: entry.size }, (give) => {
      if (isRead) give(null, Readable.from([bytesOf(entry)]));
    });
  let length = -1;
  (zip.end as (options: yazl.EndOptions, tell: (size: number) => void) => void).call(
    zip,
    { forceZip64Format, comment: '' },
    (size) => {
      length = size;
    },
  );
  return { length, output: zip.outputStream as Readable };
}

const entriesOf = fc.uniqueArray(
  fc.record({
    name: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .map((name) => `f${name.replace(/[/\\:]/g, '_')}`),
    size: fc.nat(3_000),
    modified: fc.date({ min: new Date('1970-01-02'), max: new Date('2150-01-01'), noInvalidDate: true }),
  }),
  { selector: ({ name }) => name, maxLength: 12 },
);

describe('a zip', () => {
  it('is the one that another library makes, byte for byte, and as long as was said', async () => {
    await fc.assert(
      fc.asyncProperty(entriesOf, fc.string(), async (entries, said) => {
        const text = textOf(said);
        const zip = await zipOf(text, entries, inTurn);
        const made = await buffer(zip.stream((entry) => Promise.resolve(Readable.from([bytesOf(entry)]))));
        expect(made.length).toBe(zip.length);
        expect(made.equals(await buffer(oracle(text, entries, { isRead: true }).output))).toBe(true);
        for (const [entry, start] of zip.starts)
          expect(made.subarray(start, start + entry.size).equals(bytesOf(entry))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('has the length that another library tells, at every border of zip64', async () => {
    const near = fc.oneof(
      fc.integer({ min: 4 * GiB - 200, max: 4 * GiB + 3 }),
      fc.constantFrom(4 * GiB - 2, 4 * GiB - 1, 4 * GiB, 2 * GiB, 0, 1),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(near, { minLength: 1, maxLength: 6 }), async (all) => {
        const entries = all.map((size, index) => ({ name: `ä${index}`, size, modified }));
        expect((await zipOf(textOf(), entries, inTurn)).length).toBe(oracle(textOf(), entries).length);
      }),
      { numRuns: 200 },
    );
  });

  it.each([65_533, 65_534])('of %i files beside its list is as long as was said', async (count) => {
    const entries = Array.from({ length: count }, (_, index) => ({ name: `${index}`, size: 0, modified }));
    const zip = await zipOf(textOf(), entries, inTurn);
    let length = 0;
    for await (const chunk of zip.stream(() => Promise.resolve(Readable.from([]))) as AsyncIterable<Buffer>)
      length += chunk.length;
    expect(length).toBe(zip.length);
    // the other one writes more than it must where the directory is long, unless it must anyway
    if (count + 1 >= 65_535) expect(length).toBe(oracle(textOf(), entries, { forceZip64Format: true }).length);
  });

  it('breaks off where a file is shorter or longer than was said', async () => {
    for (const size of [2, 4]) {
      const zip = await zipOf(textOf(), [{ name: 'a', size, modified }], inTurn);
      await expect(buffer(zip.stream(() => Promise.resolve(Readable.from([Buffer.from('123')]))))).rejects.toThrow();
    }
  });
});

/** Files whose names come again and again, the oldest first, and how often anything of them was looked at. */
function manyFiles(count: number): { files: readonly BoundFile[]; looks: () => number } {
  let looks = 0;
  const files = Array.from({ length: count }, (_, index) => {
    const [id, name] = [`${index}`.padStart(8, '0'), `minutes ${(index * 7_919) % (count / 4)}.txt`];
    const file = { id, name, searchName: name, sha256: 'a'.repeat(64), size: 1, versionedAt: modified };
    return new Proxy(file as BoundFile, {
      get: (target, key) => {
        looks++;
        return Reflect.get(target, key) as unknown;
      },
    });
  });
  return { files, looks: () => looks };
}

describe('of twice as many files', () => {
  const all = async (inTurn: InTurn, files: readonly BoundFile[]) => {
    const packed = await packedOf(files, inTurn);
    await lastOf(modified, files, inTurn);
    await etagOf(packed, inTurn);
    const text = { ...textOf(), bytes: await sumsOf(packed, inTurn) };
    const zip = await zipOf(text, packed, inTurn);
    const empty = () => Promise.resolve(Readable.from([Buffer.alloc(1)]));
    for await (const chunk of zip.stream(empty) as AsyncIterable<Buffer>) expect(chunk.length).toBeGreaterThan(0);
    expect(new Set(packed.map(({ name }) => name)).size).toBe(files.length);
  };
  const shelf = async (inTurn: InTurn, files: readonly BoundFile[]) => {
    const lines = await buffer(Readable.from(linesOf(await savedBy(Readable.from([files]), inTurn), inTurn)));
    expect(lines.toString().split('\n')).toHaveLength(files.length + 1);
  };

  it.each([
    ['a zip', all],
    ['SHA256SUMS', shelf],
  ])(
    '%s takes at most 2.3 times as many pieces, and looks at the files at most 2.3 times as often',
    async (_, work) => {
      const costOf = async (count: number) => {
        let pieces = 0;
        const { files, looks } = manyFiles(count);
        await work((piece) => {
          pieces++;
          return inTurn(piece);
        }, files);
        return { pieces, looks: looks() };
      };
      const [small, large] = [await costOf(4_000), await costOf(8_000)];
      expect(small.pieces).toBeGreaterThan(20);
      expect(small.looks).toBeGreaterThan(4_000);
      expect(large.pieces / small.pieces).toBeLessThanOrEqual(2.3);
      expect(large.looks / small.looks).toBeLessThanOrEqual(2.3);
    },
  );
});

describe('long work', () => {
  it('runs one piece at a time, each in a turn of its own, and members take turns', async () => {
    const work = new LongWork();
    const order: string[] = [];
    let atOnce = 0;
    const piece = (name: string) => async () => {
      expect(++atOnce).toBe(1);
      await Promise.resolve();
      order.push(name);
      atOnce--;
    };
    const tick = () => setImmediate(() => (order.push('turn'), order.length < 12 && tick()));
    const [ada, grace] = [work.of({ id: 'ada' }), work.of({ id: 'grace' })];
    const all = [ada(piece('a1')), ada(piece('a2')), ada(piece('a3')), grace(piece('g1'))];
    tick();
    await Promise.all(all);
    expect(order.filter((name) => name !== 'turn')).toEqual(['a1', 'g1', 'a2', 'a3']);
    expect(order.filter((name) => name === 'turn').length).toBeGreaterThanOrEqual(3);
    await expect(ada(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await ada(() => 1)).toBe(1);
  });
});
