import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole, type Content } from './bytes.js';

const name = 'gatehouse-backup.json';

/** A file of a backup beside the bytes of the library: its path in the backup's own folder, and what it holds. */
export interface Entry extends Content {
  readonly path: string;
}

/** What a backup is. It is written last, in one move: what it names is whole, and what it does not name counts for nothing. */
export interface Manifest {
  readonly format: 1;
  readonly createdAt: string;
  readonly kind: 'sqlite' | 'postgres';
  /** The folder in the target that holds all but the library's bytes, which are in `files`. */
  readonly folder: string;
  readonly database: Entry;
  /** The key, and mails that wait as files. */
  readonly others: readonly Entry[];
  /** How many rows each table has. */
  readonly rows: Readonly<Record<string, number>>;
  /** Keys of bytes that the site itself did not have. */
  readonly missing: readonly string[];
}

/** Says in one sentence why a backup cannot be made, read or restored. */
export class BackupFault extends Error {
  override name = 'BackupFault';
}

/** @throws BackupFault if there is no backup, or one of another kind. */
export async function readManifest(target: string): Promise<Manifest> {
  const text = await readFile(join(target, name), 'utf8').catch(() => {
    throw new BackupFault(`There is no whole backup in ${target}: it has no ${name}.`);
  });
  try {
    const manifest = JSON.parse(text) as Manifest;
    const { format } = manifest as { format: number };
    if (format === 1 && typeof manifest.database.path === 'string' && Array.isArray(manifest.others)) return manifest;
  } catch {
    // said below
  }
  throw new BackupFault(`${join(target, name)} is damaged, or of a later version of Gatehouse.`);
}

export const findManifest = (target: string): Promise<Manifest | undefined> =>
  readManifest(target).catch(() => undefined);

export const writeManifest = (target: string, manifest: Manifest): Promise<void> =>
  writeWhole(join(target, name), `${JSON.stringify(manifest, null, 2)}\n`);
