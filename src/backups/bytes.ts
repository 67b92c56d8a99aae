import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const chunkSize = 1_024 * 1_024;

/** The size of a file in bytes, and its SHA-256 in lower-case hex. */
export interface Content {
  readonly size: number;
  readonly sha256: string;
}

/** Reads a file, and returns its size and SHA-256. */
export async function examine(path: string): Promise<Content> {
  const file = await open(path, 'r');
  try {
    return await digest(file.createReadStream({ autoClose: false, highWaterMark: chunkSize }), () => Promise.resolve());
  } finally {
    await file.close();
  }
}

/**
 * Copies a file with its time, and returns the size and SHA-256 of the copied bytes. It makes the folders that are
 * missing. The copy is complete or not there at all. Call `syncAll` or `sync` on its folder so that its name survives a
 * power cut.
 */
export async function copy(from: string, to: string, mode = 0o640): Promise<Content> {
  await mkdir(dirname(to), { recursive: true, mode: 0o750 });
  const source = await open(from, 'r');
  try {
    const draft = `${to}.draft`;
    const target = await open(draft, 'w', mode);
    let copied: Content;
    try {
      const bytes = source.createReadStream({ autoClose: false, highWaterMark: chunkSize });
      copied = await digest(bytes, (chunk) => target.writeFile(chunk));
      const { mtime } = await source.stat();
      await target.utimes(mtime, mtime);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(draft, to);
    return copied;
  } finally {
    await source.close();
  }
}

/** Writes a small file. It is complete or not there at all, and survives a power cut. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, 'w', 0o640);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await sync(dirname(path));
}

/** Makes sure that the bytes of a file, or the entries of a folder, are on the disk. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes sure that the entries of a folder, and of all folders in it, are on the disk. */
export async function syncAll(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isDirectory()) await sync(join(entry.parentPath, entry.name));
  await sync(folder);
}

/** The paths of all files in a folder, relative to it; none if the folder does not exist. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((one) => one.isFile()).map((one) => relative(folder, join(one.parentPath, one.name)));
}

export const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

async function digest(bytes: AsyncIterable<unknown>, take: (chunk: Buffer) => Promise<void>) {
  const sha256 = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    sha256.update(chunk);
    size += chunk.length;
    await take(chunk);
  }
  return { size, sha256: sha256.digest('hex') };
}

/** The path of the bytes of a storage key, relative to a `files` folder. */
export const placeOf = (storageKey: string): string => join(storageKey.slice(0, 2), storageKey.slice(2));
