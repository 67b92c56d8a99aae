import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { randomBytes } from 'node:crypto';
import { access, constants, lstat, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { hourMs, minuteMs } from '../config/durations.js';
import { holdFile, Settings } from '../config/settings.js';
import { siteLockIn } from '../database/site-lock.js';
import { Busy } from '../http/errors.js';
import type { ByteRange } from './byte-range.js';
import { Drafts, makeStoreFolder, openEntry, RunningHash, syncFolder, unlessMissing, type Fits } from './drafts.js';
import { FileReader } from './file-reader.js';

const MiB = 1_024 * 1_024;
/** The cache of small files: the size of the whole cache, and of the largest file that it takes, in bytes. */
const remembered = { all: 32 * MiB, largest: 4 * MiB };

/**
 * Bytes that the store holds: their key, their size in bytes, their SHA-256 in lower-case hex, and the first
 * `tellingBytes` of them.
 */
export interface Stored {
  readonly storageKey: string;
  readonly size: number;
  readonly sha256: string;
  readonly head: Buffer;
}

/**
 * Whether this process can read the bytes of a key, how many bytes there are, and the id of the system user that owns
 * them. Size and owner are missing if the folder around the bytes is closed. Undefined if there are no bytes.
 */
export type Glance = { readonly isOpen: boolean; readonly size?: number; readonly uid?: number } | undefined;

/**
 * Keeps the bytes of files under random keys. The bytes of a key never change, and are either complete or not there.
 * Paths are built only from keys that the store made: no input from outside is ever part of a path.
 */
@Injectable()
export class FileStore {
  private readonly folder: string;
  /** Files that arrive in one stream. */
  private readonly incoming: Drafts;
  /** Files that arrive in pieces. A client can continue them for a day. */
  private readonly pieces: Drafts;
  /** An empty draft for each key whose bytes are complete, but that is not settled yet. */
  private readonly unsettled: Drafts;
  private readonly memory = new LRUCache<string, Buffer>({
    maxSize: remembered.all,
    maxEntrySize: remembered.largest,
    sizeCalculation: (bytes) => Math.max(1, bytes.length),
  });

  constructor(private readonly settings: Settings) {
    const { dataDir } = settings;
    this.folder = join(dataDir, 'files');
    this.incoming = new Drafts(join(this.folder, 'incoming'), hourMs);
    this.pieces = new Drafts(join(this.folder, 'pieces'), 48 * hourMs);
    this.unsettled = new Drafts(join(this.folder, 'unsettled'), hourMs);
  }

  /**
   * Stores a stream and hashes it on the way. When this returns, the bytes survive a power cut; if it throws, none of
   * them are left. Call `settle` once a row of the database names the key.
   *
   * @throws Busy if the data folder is not there; and whatever `fits` or the stream throws.
   */
  async put(source: Readable, fits: Fits = () => Promise.resolve()): Promise<Stored> {
    // the stream can fail before it is read: without a listener that would end the process, and reading still throws it
    source.on('error', () => undefined);
    await this.mustBeThere();
    const key = newKey();
    try {
      await this.incoming.begin(key);
      await this.incoming.append(key, 0, source, fits);
      return await this.keep(key, this.incoming);
    } catch (error) {
      await this.discard(key);
      throw error;
    }
  }

  /**
   * Makes a key for bytes that arrive in pieces. `append` adds a piece, and `finish` completes the bytes.
   *
   * @throws Busy if the data folder is not there.
   */
  async begin(): Promise<string> {
    await this.mustBeThere();
    const key = newKey();
    await this.pieces.begin(key);
    return key;
  }

  /** How many bytes of a key have arrived, complete or not; undefined if there is no such key. */
  async sizeOf(storageKey: string): Promise<number | undefined> {
    return (await this.pieces.sizeOf(storageKey)) ?? (await unlessMissing(stat(this.pathOf(storageKey))))?.size;
  }

  /**
   * Adds a piece to the bytes of a key. The bytes that have arrived stay, even if the stream breaks off or the process
   * is killed. When this returns, they survive a power cut. Two calls for one key at once must add the same bytes.
   *
   * @param offset how many bytes must have arrived before, so that the piece gets to its right position.
   * @throws ConflictException if more bytes have arrived, or fewer.
   * @throws Error if `begin` did not make the key, or if its bytes are complete; and whatever `fits` throws.
   */
  append(storageKey: string, offset: number, piece: Readable, fits: Fits): Promise<void> {
    return this.pieces.append(storageKey, offset, piece, fits);
  }

  /**
   * Completes the bytes of a key. If they are complete already, it returns the same again. Call `settle` once a row of
   * the database names the key.
   *
   * @throws Error if `begin` did not make the key.
   * @throws Busy if the data folder is not there.
   */
  finish(storageKey: string): Promise<Stored> {
    return this.keep(storageKey, this.pieces);
  }

  /** Deletes the pieces of a key. Bytes that are complete stay. */
  abandon(storageKey: string): Promise<void> {
    return this.pieces.discard(storageKey);
  }

  /** Tells the store that a row of the database names this key. An unsettled key can be swept after an hour. */
  async settle(storageKey: string): Promise<void> {
    await this.unsettled.discard(storageKey);
  }

  /**
   * The bytes of a range. For a file of up to 4 MiB they are a buffer from the cache. For a larger file they are a
   * stream that reads no faster than its client, and that closes the file when it ends or is destroyed.
   *
   * @param size the size of the whole file, in bytes.
   * @throws Error if the bytes are missing or cut short. It is thrown before any bytes are sent.
   */
  async read(storageKey: string, size: number, range: ByteRange): Promise<Buffer | Readable> {
    if (size <= remembered.largest) return (await this.whole(storageKey, size)).subarray(range.start, range.end + 1);
    const file = await openEntry(this.pathOf(storageKey));
    const { size: held } = await file.stat();
    if (held === size) return new FileReader(file, range);
    await file.close();
    throw new Error(`The file store holds ${held} bytes of ${storageKey}, not ${size}.`);
  }

  /** Deletes the bytes of a key, complete or not. Does nothing if there are none. */
  async discard(storageKey: string): Promise<void> {
    this.memory.delete(storageKey);
    await rm(this.pathOf(storageKey), { force: true });
    for (const drafts of [this.incoming, this.pieces, this.unsettled]) await drafts.discard(storageKey);
  }

  /** Every key whose bytes are complete, even if no row of the database names it, and when its last bytes arrived. */
  async *keys(): AsyncGenerator<{ readonly storageKey: string; readonly since: Date }> {
    for (const folder of await readdir(this.folder).catch(() => [])) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      for (const rest of await readdir(join(this.folder, folder))) {
        const storageKey = folder + rest;
        const found = isKey(storageKey) ? await lstat(this.pathOf(storageKey)).catch(() => undefined) : undefined;
        if (found) yield { storageKey, since: found.mtime };
      }
    }
  }

  /**
   * Reads all bytes of a key and hashes them; undefined if there are none.
   *
   * @throws NoStoreFile if the entry of the key is not a plain file.
   */
  async examine(storageKey: string): Promise<Stored | undefined> {
    const file = await unlessMissing(openEntry(this.pathOf(storageKey)));
    if (!file) return undefined;
    try {
      return storedAs(storageKey, await RunningHash.of(file));
    } finally {
      await file.close();
    }
  }

  /** Looks at the bytes of a key without reading them. */
  async glanceAt(storageKey: string): Promise<Glance> {
    const path = this.pathOf(storageKey);
    try {
      const { size, uid } = await lstat(path);
      return await access(path, constants.R_OK).then(
        () => ({ size, uid, isOpen: true }),
        () => ({ size, uid, isOpen: false }),
      );
    } catch (error) {
      // this process may not be allowed to look into the folder of the bytes
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : { isOpen: false };
    }
  }

  /** Whether a backup is running. It may still need bytes that the site would delete. */
  async isHeld(): Promise<boolean> {
    const held = await unlessMissing(stat(join(this.folder, '..', holdFile)));
    return held !== undefined && held.mtimeMs > Date.now() - 2 * minuteMs;
  }

  /**
   * Deletes what was left behind: stale drafts, and complete bytes that were not settled in an hour.
   *
   * @param isNamed whether a row of the database names this key, although `settle` was not called. Such bytes stay.
   */
  async sweep(isNamed: (storageKey: string) => Promise<boolean>): Promise<void> {
    for (const drafts of [this.incoming, this.pieces])
      for await (const key of drafts.stale()) await drafts.discard(key);
    for await (const key of this.unsettled.stale())
      await (isKey(key) && !(await isNamed(key)) ? this.discard(key) : this.unsettled.discard(key));
  }

  /**
   * A data folder that an operator has moved away is not made again, because the new one would be in the way when the
   * old one comes back.
   *
   * @throws Busy if the data folder is not there.
   */
  private async mustBeThere(): Promise<void> {
    await access(siteLockIn(this.settings.dataDir)).catch(() => {
      throw new Busy(30, 'The data folder of this site is not there. Please try again once it is back.');
    });
  }

  private async keep(key: string, drafts: Drafts): Promise<Stored> {
    const path = this.pathOf(key);
    const folder = join(path, '..');
    await makeStoreFolder(folder).catch(async (error: unknown) => {
      await this.mustBeThere();
      throw error;
    });
    await this.unsettled.begin(key);
    const hash = await drafts.moveTo(path, key);
    if (hash) {
      await syncFolder(folder);
      await syncFolder(this.folder);
    }
    const stored = hash ? storedAs(key, hash) : await this.examine(key);
    if (!stored) throw new Error(`The file store holds nothing of ${key}.`);
    return stored;
  }

  private async whole(storageKey: string, size: number): Promise<Buffer> {
    const known = this.memory.get(storageKey);
    if (known) return known;
    const file = await openEntry(this.pathOf(storageKey));
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

const newKey = () => randomBytes(16).toString('hex');

const storedAs = (storageKey: string, hash: RunningHash): Stored => ({
  storageKey,
  size: hash.size,
  sha256: hash.digest(),
  head: hash.head,
});
