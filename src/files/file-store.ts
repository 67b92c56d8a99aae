import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Settings } from '../config/settings.js';
import { tellingBytes } from './content-type.js';

const KiB = 1_024;
const MiB = 1_024 * KiB;
const hour = 3_600_000;
/** Larger reads cost fewer turns of the event loop: 256 KiB and more are 1.4 times as fast as Node's 64 KiB. */
const chunkSize = 512 * KiB;
/** What is asked for again and again is sent from memory: files up to `largest`, `all` bytes of them at most. */
const remembered = { all: 32 * MiB, largest: 4 * MiB };

/** Bytes that the store took in: where they are, how many, their SHA-256 in hex, and the first of them. */
export interface Stored {
  readonly storageKey: string;
  readonly size: number;
  readonly sha256: string;
  readonly head: Buffer;
}

/** How often it is looked whether what comes still fits. */
const slice = 8 * MiB;

/** From the first to the last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Keeps the bytes of files under random keys. What a key names never changes, and is either whole or not there. It
 * alone builds paths, and only from keys that it made: nothing from outside is ever part of one.
 */
@Injectable()
export class FileStore {
  private readonly folder: string;
  private readonly drafts: string;
  private readonly memory = new LRUCache<string, Buffer>({
    maxSize: remembered.all,
    maxEntrySize: remembered.largest,
    sizeCalculation: (bytes) => Math.max(1, bytes.length),
  });

  constructor({ dataDir }: Settings) {
    this.folder = join(dataDir, 'files');
    this.drafts = join(this.folder, 'incoming');
  }

  /**
   * Takes in a stream, hashing it on the way. When it returns, the bytes survive a power cut; when it throws, nothing
   * of them is left.
   *
   * @param fits is asked at the beginning and now and then, with the bytes that have come; what it throws ends it.
   */
  async put(source: Readable, fits: (size: number) => Promise<void> = () => Promise.resolve()): Promise<Stored> {
    const storageKey = randomBytes(16).toString('hex');
    const path = this.pathOf(storageKey);
    const draft = join(this.drafts, storageKey);
    // it may fail before the pipeline listens; the pipeline hears of it all the same
    source.on('error', () => undefined);
    const folder = join(path, '..');
    await mkdir(this.drafts, { recursive: true, mode: 0o750 });
    await mkdir(folder, { recursive: true, mode: 0o750 });

    await fits(0);
    const hash = createHash('sha256');
    let [size, asked, head] = [0, 0, Buffer.alloc(0)];
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        size += chunk.length;
        if (head.length < tellingBytes) head = Buffer.concat([head, chunk.subarray(0, tellingBytes - head.length)]);
        if (size < asked + slice) {
          done(null, chunk);
          return;
        }
        asked = size;
        fits(size).then(() => done(null, chunk), done);
      },
    });
    // opened before anything can fail: a stream that opens it by itself may do so after the draft was deleted
    const file = await open(draft, 'wx', 0o640);
    try {
      // `flush` is an fsync before the file is closed
      await pipeline(source, measure, file.createWriteStream({ flush: true }));
      await rename(draft, path);
      await syncFolder(folder);
      await syncFolder(this.folder);
    } catch (error) {
      await Promise.all([rm(draft, { force: true }), rm(path, { force: true })]);
      throw error;
    }
    return { storageKey, size, sha256: hash.digest('hex'), head };
  }

  /**
   * The bytes of a range: in memory where the file is small and wanted often, else a stream that reads no faster than
   * it is read and closes its file when it ends or is destroyed.
   *
   * @throws Error where the bytes are not there, before anything was sent.
   */
  async read(storageKey: string, size: number, range: ByteRange): Promise<Buffer | Readable> {
    if (size <= remembered.largest) return (await this.whole(storageKey, size)).subarray(range.start, range.end + 1);
    const file = await open(this.pathOf(storageKey), 'r');
    const { size: held } = await file.stat();
    if (held === size) return file.createReadStream({ ...range, highWaterMark: chunkSize });
    await file.close();
    throw new Error(`The file store holds ${held} bytes of ${storageKey}, not ${size}.`);
  }

  /** Forgets the bytes of a key; nothing happens where there are none. */
  async discard(storageKey: string): Promise<void> {
    this.memory.delete(storageKey);
    await rm(this.pathOf(storageKey), { force: true });
  }

  /** Every key, whichever file it is of, and when its bytes came. */
  async *keys(): AsyncGenerator<{ readonly storageKey: string; readonly since: Date }> {
    for (const folder of await readdir(this.folder).catch(() => [])) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      for (const rest of await readdir(join(this.folder, folder))) {
        const storageKey = folder + rest;
        const found = isKey(storageKey) ? await stat(this.pathOf(storageKey)).catch(() => undefined) : undefined;
        if (found) yield { storageKey, since: found.mtime };
      }
    }
  }

  /** What the bytes of a key are, read anew; undefined where there are none. */
  async examine(storageKey: string): Promise<Pick<Stored, 'size' | 'sha256'> | undefined> {
    const file = await open(this.pathOf(storageKey), 'r').catch(() => undefined);
    if (!file) return undefined;
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of file.createReadStream({ highWaterMark: chunkSize })) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    return { size, sha256: hash.digest('hex') };
  }

  /** Deletes what half-finished imports left behind: drafts that nobody has written to for an hour. */
  async sweep(): Promise<void> {
    await mkdir(this.drafts, { recursive: true, mode: 0o750 });
    for (const draft of await readdir(this.drafts)) {
      const path = join(this.drafts, draft);
      // a draft of another process may have become a file by now
      const found = await stat(path).catch(() => undefined);
      if (found && found.mtimeMs < Date.now() - hour) await rm(path, { force: true });
    }
  }

  private async whole(storageKey: string, size: number): Promise<Buffer> {
    const known = this.memory.get(storageKey);
    if (known) return known;
    const file = await open(this.pathOf(storageKey), 'r');
    try {
      const bytes = Buffer.alloc(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      if (bytesRead !== size) throw new Error(`The file store holds ${bytesRead} bytes of ${storageKey}, not ${size}.`);
      this.memory.set(storageKey, bytes);
      return bytes;
    } finally {
      await file.close();
    }
  }

  private pathOf(storageKey: string): string {
    if (!isKey(storageKey)) throw new Error('That is no key of the file store.');
    return join(this.folder, storageKey.slice(0, 2), storageKey.slice(2));
  }
}

const isKey = (text: string) => /^[0-9a-f]{32}$/.test(text);

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
