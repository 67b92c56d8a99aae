import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole, type Content } from './bytes.js';

const name = 'gatehouse-backup.json';

/**
 * A file of a backup that does not belong to the library: its path in the backup's own folder, its size and SHA-256.
 */
export interface Entry extends Content {
  readonly path: string;
}

/**
 * The list of what a backup consists of. It is written last, in one move, so everything that it names is complete.
 * Anything else in the target is not a part of the backup.
 */
export interface Manifest {
  readonly format: 1;
  readonly createdAt: string;
  readonly kind: 'sqlite' | 'postgres';
  /**
   * The folder in the target that holds everything except the bytes of the library. Those are in the folder `files`.
   */
  readonly folder: string;
  readonly database: Entry;
  /** The site's key, and mails that wait as files. */
  readonly others: readonly Entry[];
  /** How many rows each table has. */
  readonly rows: Readonly<Record<string, number>>;
  /** The storage keys of versions whose bytes the site did not have, or had other bytes for. */
  readonly missing: readonly string[];
}

/** A backup cannot be made, read or restored. The message says why in one sentence. */
export class BackupFault extends Error {
  override name = 'BackupFault';
}

/**
 * The manifest of the backup in a folder.
 *
 * @throws BackupFault if there is no complete backup, or if a later version of Gatehouse made it.
 */
export async function readManifest(target: string): Promise<Manifest> {
  const text = await readFile(join(target, name), 'utf8').catch(() => {
    throw new BackupFault(`There is no whole backup in ${target}: it has no ${name}.`);
  });
  try {
    const manifest = JSON.parse(text) as Manifest;
    const { format } = manifest as { format: number };
    if (format === 1 && typeof manifest.database.path === 'string' && Array.isArray(manifest.others)) return manifest;
  } catch {
    // text that is not JSON gets the same error as any other damage, below
  }
  throw new BackupFault(`${join(target, name)} is damaged, or of a later version of Gatehouse.`);
}

export const findManifest = (target: string): Promise<Manifest | undefined> =>
  readManifest(target).catch(() => undefined);

export const writeManifest = (target: string, manifest: Manifest): Promise<void> =>
  writeWhole(join(target, name), `${JSON.stringify(manifest, null, 2)}\n`);
