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
/** What is asked for again and again is sent from memory: files up to `largest`, `all` bytes of them at most. */
const remembered = { all: 32 * MiB, largest: 4 * MiB };

/** Bytes that the store took in: where they are, how many, their SHA-256 in hex, and the first of them. */
export interface Stored {
  readonly storageKey: string;
  readonly size: number;
  readonly sha256: string;
  readonly head: Buffer;
}

/** Whether this process may read bytes, how many there are and whose; undefined if there are none. */
export type Glance = { readonly isOpen: boolean; readonly size?: number; readonly uid?: number } | undefined;

/**
 * Keeps the bytes of files under random keys. What a key names never changes, and is either whole or not there. It
 * alone builds paths, and only from keys that it made: nothing from outside is ever part of one.
 */
@Injectable()
export class FileStore {
  private readonly folder: string;
  /** Bytes that come at once, and bytes that come in pieces and can be gone on with for a day. */
  private readonly incoming: Drafts;
  private readonly pieces: Drafts;
  /** Names whole bytes until something else does. */
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
   * Takes in a stream, hashing it on the way. When it returns, the bytes survive a power cut; when it throws, nothing
   * of them is left. They are to be settled once something names them.
   */
  async put(source: Readable, fits: Fits = () => Promise.resolve()): Promise<Stored> {
    // it may fail before anything is read of it; whoever reads hears of it all the same
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

  /** A key for bytes that come in pieces: `append` takes them, `finish` makes them whole. */
  async begin(): Promise<string> {
    await this.mustBeThere();
    const key = newKey();
    await this.pieces.begin(key);
    return key;
  }

  /** How many bytes have come for a key; undefined if it names none. */
  async sizeOf(storageKey: string): Promise<number | undefined> {
    return (await this.pieces.sizeOf(storageKey)) ?? (await unlessMissing(stat(this.pathOf(storageKey))))?.size;
  }

  /**
   * Adds a piece to the bytes of a key. What came of it stays, also where the stream breaks off or the process is
   * killed; when it returns, it survives a power cut. Two at once under one key must be of the same bytes.
   *
   * @param offset how many bytes have come before, for these to be in their place.
   * @throws ConflictException if more have, or less; Error if nothing was begun under the key, or it is whole.
   */
  append(storageKey: string, offset: number, piece: Readable, fits: Fits): Promise<void> {
    return this.pieces.append(storageKey, offset, piece, fits);
  }

  /**
   * Makes the bytes of a key whole; the same again if they are already. They are to be settled once something names
   * them.
   *
   * @throws Error if nothing was begun under the key.
   */
  finish(storageKey: string): Promise<Stored> {
    return this.keep(storageKey, this.pieces);
  }

  /** Forgets the pieces of a key; what is whole stays. */
  abandon(storageKey: string): Promise<void> {
    return this.pieces.discard(storageKey);
  }

  /** Tells the store that something names these bytes: those of which nobody says so for an hour may be swept. */
  async settle(storageKey: string): Promise<void> {
    await this.unsettled.discard(storageKey);
  }

  /**
   * The bytes of a range: in memory if the file is small and wanted often, else a stream that reads no faster than
   * it is read and closes its file when it ends or is destroyed.
   *
   * @throws Error if the bytes are not there, before anything was sent.
   */
  async read(storageKey: string, size: number, range: ByteRange): Promise<Buffer | Readable> {
    if (size <= remembered.largest) return (await this.whole(storageKey, size)).subarray(range.start, range.end + 1);
    const file = await openEntry(this.pathOf(storageKey));
    const { size: held } = await file.stat();
    if (held === size) return new FileReader(file, range);
    await file.close();
    throw new Error(`The file store holds ${held} bytes of ${storageKey}, not ${size}.`);
  }

  /** Forgets the bytes of a key, whole or not; nothing happens if there are none. */
  async discard(storageKey: string): Promise<void> {
    this.memory.delete(storageKey);
    await rm(this.pathOf(storageKey), { force: true });
    for (const drafts of [this.incoming, this.pieces, this.unsettled]) await drafts.discard(storageKey);
  }

  /** Every key, whichever file it is of, and when its bytes came. */
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

  /** What the bytes of a key are, read anew; undefined if there are none. @throws NoStoreFile. */
  async examine(storageKey: string): Promise<Stored | undefined> {
    const file = await unlessMissing(openEntry(this.pathOf(storageKey)));
    if (!file) return undefined;
    try {
      return storedAs(storageKey, await RunningHash.of(file));
    } finally {
      await file.close();
    }
  }

  /** What can be seen of the bytes of a key without reading them. */
  async glanceAt(storageKey: string): Promise<Glance> {
    const path = this.pathOf(storageKey);
    try {
      const { size, uid } = await lstat(path);
      return await access(path, constants.R_OK).then(
        () => ({ size, uid, isOpen: true }),
        () => ({ size, uid, isOpen: false }),
      );
    } catch (error) {
      // they may be there, behind a folder that is closed
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : { isOpen: false };
    }
  }

  /** Whether a backup is at work that still wants the bytes which it has seen. */
  async isHeld(): Promise<boolean> {
    const held = await unlessMissing(stat(join(this.folder, '..', holdFile)));
    return held !== undefined && held.mtimeMs > Date.now() - 2 * minuteMs;
  }

  /**
   * Deletes what was left behind: drafts that nobody goes on with, and whole bytes that were never settled.
   *
   * @param isNamed whether something names these bytes, although nobody said so.
   */
  async sweep(isNamed: (storageKey: string) => Promise<boolean>): Promise<void> {
    for (const drafts of [this.incoming, this.pieces])
      for await (const key of drafts.stale()) await drafts.discard(key);
    for await (const key of this.unsettled.stale())
      await (isKey(key) && !(await isNamed(key)) ? this.discard(key) : this.unsettled.discard(key));
  }

  /** A folder that was moved away is not made anew: what it holds would be in the way when it comes back. */
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
