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
/** After how many bytes `append` asks again whether there is still room. */
const slice = 8 * KiB * KiB;

/** The error message for a client that continues an upload at the wrong offset. */
export const elsewhere = 'The upload has come to another place than that: ask with HEAD where to go on.';

/**
 * Checks whether there is room. It is called at the start and again after every 8 MiB, with the number of bytes that
 * have arrived. If it throws, the upload stops with that error.
 */
export type Fits = (size: number) => Promise<void>;

/**
 * Drafts: files that have not arrived completely, in a folder of their own. The bytes that have arrived stay if the
 * process is killed.
 */
export class Drafts {
  /** The hashes of recent drafts, so that their bytes need not be read again when they continue. */
  private readonly known = new LRUCache<string, RunningHash>({ max: 1_000 });

  /** @param staleAfterMs how long after its last bytes a draft becomes stale, in milliseconds. */
  constructor(
    private readonly folder: string,
    private readonly staleAfterMs: number,
  ) {}

  /** Begins an empty draft, which survives a power cut. An existing draft keeps its bytes, and is no longer stale. */
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

  /** How many bytes have arrived; undefined if there is no such draft. */
  async sizeOf(key: string): Promise<number | undefined> {
    return (await unlessMissing(stat(this.pathOf(key))))?.size;
  }

  /**
   * Writes a stream at the end of a draft. If the stream breaks off, the bytes that have arrived stay. When this
   * returns, the bytes survive a power cut. Two processes can append to one draft at once only if they write the same
   * bytes.
   *
   * @param offset how many bytes the draft must have, so that the new bytes get to their right position.
   * @throws ConflictException if the draft has more bytes or fewer.
   * @throws Error with the code ENOENT if there is no such draft; and whatever `fits` throws.
   */
  async append(key: string, offset: number, source: Readable, fits: Fits): Promise<void> {
    // the stream can fail before it is read: without a listener that would end the process, and reading still throws it
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

  /** Moves a draft to a path and returns the hash of its bytes; undefined if there is no such draft. */
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

  /** Deletes a draft. Does nothing if there is none. */
  async discard(key: string): Promise<void> {
    this.known.delete(key);
    await rm(this.pathOf(key), { force: true });
  }

  /** The keys of the stale drafts: those that have had no new bytes for `staleAfterMs`. */
  async *stale(): AsyncGenerator<string> {
    for (const key of (await unlessMissing(readdir(this.folder))) ?? []) {
      // another process may have moved the draft by now
      const found = await unlessMissing(stat(join(this.folder, key)));
      if (found && found.mtimeMs < Date.now() - this.staleAfterMs) yield key;
    }
  }

  /** Takes the hash of a draft out of the cache, so that only one caller continues it, or reads the bytes again. */
  private async takeHash(key: string, draft: FileHandle): Promise<RunningHash> {
    const known = this.known.get(key);
    this.known.delete(key);
    const { size } = await draft.stat();
    // the sizes differ if a full disk took only a part of the bytes, or if another process has continued the draft
    return known?.size === size ? known : RunningHash.of(draft);
  }

  private pathOf(key: string): string {
    return join(this.folder, key);
  }
}

/** Hashes bytes while they arrive. It knows how many there are, the first `tellingBytes` of them, and their SHA-256. */
export class RunningHash {
  private readonly sha256 = createHash('sha256');
  size = 0;
  head = Buffer.alloc(0);

  /** Reads all bytes of a file and hashes them. */
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

  /** The SHA-256 of the bytes so far, in lower-case hex. More bytes can follow. */
  digest(): string {
    return this.sha256.copy().digest('hex');
  }
}

/** Says that an entry of the store is not a plain file but, for example, a link to another place. */
export class NoStoreFile extends Error {
  override name = 'NoStoreFile';
}

/**
 * Opens a file of the store. It does not follow a link, and it does not wait for the other end of a pipe.
 *
 * @throws NoStoreFile if the entry is not a plain file.
 * @throws Error with the code ENOENT if there is no such entry.
 */
export async function openEntry(path: string, access: number = constants.O_RDONLY): Promise<FileHandle> {
  const refuse = () => {
    throw new NoStoreFile(`What lies at ${path} is no plain file.`);
  };
  const entry = await open(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) =>
    // the errors for a link, a pipe that nobody reads, and a folder
    ['ELOOP', 'ENXIO', 'EISDIR', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')
      ? refuse()
      : Promise.reject(error as Error),
  );
  if ((await entry.stat()).isFile()) return entry;
  await entry.close();
  return refuse();
}

/** The result of a file operation, or undefined if there is no such file or folder. Throws any other error. */
export const unlessMissing = <Found>(asked: Promise<Found>): Promise<Found | undefined> =>
  asked.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });

/**
 * Makes a folder in the store's own folder, and the store's own folder if it is missing. It does not make the data
 * folder around them: if an operator has moved the data folder away, a new one would be in the way when it comes back.
 *
 * @throws Error with the code ENOENT if the data folder is not there.
 */
export async function makeStoreFolder(path: string): Promise<void> {
  for (const folder of [dirname(path), path])
    await mkdir(folder, { mode: 0o750 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
}

/** Makes sure that entries that were made in a folder, or moved into it, are still there after a power cut. */
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
