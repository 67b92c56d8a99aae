import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { eachInTurn, type InTurn } from '../database/long-work.js';
import { descriptorOf, directoryEnd, headerOf, isLarge, recordOf, sizes, type Placed } from './zip-records.js';

/** A file in a zip: its name, its size in bytes, and when it was last changed. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly modified: Date;
}

/** The first entry of a zip. Its bytes are in memory. */
export interface ZipText {
  readonly name: string;
  readonly bytes: Buffer;
  readonly modified: Date;
}

/** A zip that is made while it is read. */
export interface Zip<Entry> {
  /** The length of the whole zip, in bytes. */
  readonly length: number;
  /** Where in the zip the content of each entry begins, in bytes. */
  readonly starts: ReadonlyMap<Entry, number>;
  /**
   * The bytes of the zip. They are made no faster than the stream is read. One entry is open at a time, and it is
   * closed if the stream is destroyed. The stream fails if an entry cannot be read, or if it does not have the size
   * that was given.
   */
  stream(open: (entry: Entry) => Promise<Readable>): Readable;
}

/**
 * Plans a zip whose entries are stored without compression, so that its length is known before a byte is read. Large
 * entries and large zips use zip64, the format for more than 4 GiB. The checksum of each entry follows its bytes
 * (APPNOTE.TXT 4.3.9). The plan takes time only for the number of entries and the bytes of `text`, and works in pieces.
 */
export async function zipOf<Entry extends ZipEntry>(
  text: ZipText,
  entries: readonly Entry[],
  inTurn: InTurn,
): Promise<Zip<Entry>> {
  const starts = new Map<Entry, number>();
  const { name, bytes, modified } = text;
  const first = { name, modified, size: bytes.length, offset: 0, checksum: await checksumOf(bytes, inTurn) };
  let position = sizes.header + Buffer.byteLength(name) + bytes.length;
  let directory = sizes.record + Buffer.byteLength(name);
  await eachInTurn(inTurn, entries, (entry) => {
    const length = Buffer.byteLength(entry.name);
    const large = isLarge({ size: entry.size, offset: position });
    directory += sizes.record + length + (large ? sizes.largeField : 0);
    const start = position + sizes.header + length;
    starts.set(entry, start);
    position = start + entry.size + (large ? sizes.largeDescriptor : sizes.descriptor);
  });
  const end = directoryEnd({ count: entries.length + 1, start: position, length: directory });
  return {
    length: position + directory + end.length,
    starts,
    stream: (open) => Readable.from(write(open), { objectMode: false }),
  };

  async function* write(open: (entry: Entry) => Promise<Readable>): AsyncGenerator<Buffer> {
    const placed: Placed[] = [first];
    yield headerOf(first);
    yield bytes;
    for (const entry of entries) {
      const offset = (starts.get(entry) ?? 0) - sizes.header - Buffer.byteLength(entry.name);
      const { name: called, size, modified: since } = entry;
      yield headerOf({ name: called, size, modified: since, offset });
      let checksum = 0;
      let left = size;
      for await (const chunk of (await open(entry)) as AsyncIterable<Buffer>) {
        checksum = crc32(chunk, checksum);
        left -= chunk.length;
        if (left < 0) break;
        yield chunk;
      }
      if (left !== 0) throw new Error('A file in a zip is not as long as was said.');
      const done = { name: called, size, modified: since, offset, checksum };
      placed.push(done);
      yield descriptorOf(done);
    }
    for (let start = 0; start < placed.length; start += recordsAtOnce)
      yield await inTurn(() => Buffer.concat(placed.slice(start, start + recordsAtOnce).map(recordOf)));
    yield end;
  }
}

const recordsAtOnce = 200;
const bytesAtOnce = 256 * 1_024;

async function checksumOf(bytes: Buffer, inTurn: InTurn): Promise<number> {
  let checksum = 0;
  for (let start = 0; start < bytes.length; start += bytesAtOnce)
    checksum = await inTurn(() => crc32(bytes.subarray(start, start + bytesAtOnce), checksum));
  return checksum;
}
