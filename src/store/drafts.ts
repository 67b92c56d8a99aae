import { ConflictException } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { tellingBytes } from './content-type.js';

const KiB = 1_024;
const chunkSize = 512 * KiB;
/** How often it is looked whether what comes still fits, in bytes. */
const slice = 8 * KiB * KiB;

/** What is said to who goes on with an upload from where it does not stand. */
export const elsewhere = 'The upload has come to another place than that: ask with HEAD where to go on.';

/** Is asked at the beginning and now and then, with the bytes that have come; what it throws ends the taking in. */
export type Fits = (size: number) => Promise<void>;

/** Bytes on their way into the store, in a folder of their own: what has come of them stays when the process is killed. */
export class Drafts {
  /** Of drafts that are likely to be gone on with, so that their bytes need not be read again. */
  private readonly known = new LRUCache<string, RunningHash>({ max: 1_000 });

  /** @param staleAfterMs milliseconds after which a draft that nobody goes on with is stale. */
  constructor(
    private readonly folder: string,
    private readonly staleAfterMs: number,
  ) {}

  /** Begins a draft that outlives a power cut, empty as it is; where there is one, it is no longer stale. */
  async begin(key: string): Promise<void> {
    await makeStoreFolder(this.folder);
    const draft = await open(this.pathOf(key), 'a', 0o640);
    try {
      await draft.utimes(new Date(), new Date());
    } finally {
      await draft.close();
    }
    await syncFolder(this.folder);
  }

  /** How many bytes have come; undefined if there is no such draft. */
  async sizeOf(key: string): Promise<number | undefined> {
    return (await unlessMissing(stat(this.pathOf(key))))?.size;
  }

  /**
   * Writes a stream after what is there. What came of it stays where it breaks off; when this returns, it survives a
   * power cut. Two at once under one key, as two processes may do, must be of the same bytes.
   *
   * @param offset how many bytes must be there, for what is written to be in its place.
   * @throws ConflictException if there are more, or less.
   */
  async append(key: string, offset: number, source: Readable, fits: Fits): Promise<void> {
    // it may fail before anything is read of it; whoever reads hears of it all the same
    source.on('error', () => undefined);
    const draft = await openEntry(this.pathOf(key), constants.O_RDWR);
    try {
      const hash = await this.takeHash(key, draft);
      try {
        if (hash.size !== offset) throw new ConflictException(elsewhere);
        await fits(hash.size);
        let asked = hash.size;
        for await (const chunk of source as AsyncIterable<Buffer | string>) {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
          await writeAll(draft, bytes, hash.size);
          hash.take(bytes);
          if (hash.size < asked + slice) continue;
          asked = hash.size;
          await fits(asked);
        }
      } finally {
        this.known.set(key, hash);
        await draft.sync();
      }
    } finally {
      await draft.close();
    }
  }

  /** Moves a draft to where it belongs and says what it is; undefined if there is none. */
  async moveTo(path: string, key: string): Promise<RunningHash | undefined> {
    const draft = await unlessMissing(openEntry(this.pathOf(key)));
    if (!draft) return undefined;
    try {
      const hash = await this.takeHash(key, draft);
      await rename(this.pathOf(key), path);
      return hash;
    } finally {
      await draft.close();
    }
  }

  /** Forgets a draft; nothing happens if there is none. */
  async discard(key: string): Promise<void> {
    this.known.delete(key);
    await rm(this.pathOf(key), { force: true });
  }

  /** The keys of drafts that nobody goes on with. */
  async *stale(): AsyncGenerator<string> {
    for (const key of (await unlessMissing(readdir(this.folder))) ?? []) {
      // a draft of another process may have become a file by now
      const found = await unlessMissing(stat(join(this.folder, key)));
      if (found && found.mtimeMs < Date.now() - this.staleAfterMs) yield key;
    }
  }

  /** The hash of what has come, which nobody else goes on with. */
  private async takeHash(key: string, draft: FileHandle): Promise<RunningHash> {
    const known = this.known.get(key);
    this.known.delete(key);
    const { size } = await draft.stat();
    // they differ where a full disk took half of what came, or another process went on
    return known?.size === size ? known : RunningHash.of(draft);
  }

  private pathOf(key: string): string {
    return join(this.folder, key);
  }
}

/** What is known of bytes while they come: how many, the first of them, and their SHA-256 so far. */
export class RunningHash {
  private readonly sha256 = createHash('sha256');
  size = 0;
  head = Buffer.alloc(0);

  /** Of all the bytes of a file, read anew. */
  static async of(file: FileHandle): Promise<RunningHash> {
    const hash = new RunningHash();
    const bytes = file.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkSize });
    for await (const chunk of bytes) hash.take(chunk as Buffer);
    return hash;
  }

  take(bytes: Buffer): void {
    this.sha256.update(bytes);
    this.size += bytes.length;
    if (this.head.length < tellingBytes)
      this.head = Buffer.concat([this.head, bytes.subarray(0, tellingBytes - this.head.length)]);
  }

  /** In hex; more bytes can come after. */
  digest(): string {
    return this.sha256.copy().digest('hex');
  }
}

/** What lies in the store is no file of its own, such as a link to another place. */
export class NoStoreFile extends Error {
  override name = 'NoStoreFile';
}

/**
 * Opens a file of the store: a link is not followed, and nothing waits for the other end of a pipe.
 *
 * @throws NoStoreFile if it is anything but a plain file.
 */
export async function openEntry(path: string, access: number = constants.O_RDONLY): Promise<FileHandle> {
  const refuse = () => {
    throw new NoStoreFile(`What lies at ${path} is no plain file.`);
  };
  const entry = await open(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) =>
    // a link, a pipe that nobody reads, a folder
    ['ELOOP', 'ENXIO', 'EISDIR', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')
      ? refuse()
      : Promise.reject(error as Error),
  );
  if ((await entry.stat()).isFile()) return entry;
  await entry.close();
  return refuse();
}

/** What is asked of the disk, or undefined if there is no such file or folder; any other fault is one. */
export const unlessMissing = <Found>(asked: Promise<Found>): Promise<Found | undefined> =>
  asked.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });

/**
 * Makes a folder of the store, and the store's own, but not the data folder around it: one that was moved away would be
 * in the way when it comes back.
 *
 * @throws Error with the code ENOENT where the data folder is not there.
 */
export async function makeStoreFolder(path: string): Promise<void> {
  for (const folder of [dirname(path), path])
    await mkdir(folder, { mode: 0o750 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
}

/** Makes sure that what was made or moved in a folder is found there after a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
