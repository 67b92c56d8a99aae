import { mkdir, mkdtemp, open, readdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { create, extract } from 'tar';
import { dayMs } from '../config/durations.js';
import { remove, sync } from './bytes.js';
import { BackupFault } from './manifest.js';

/** Whether a backup is a single `.tar` file and not a folder. */
export const isArchive = (target: string): boolean => target.endsWith('.tar');

/**
 * Calls `work` to make a backup in a draft folder beside the archive, and packs the folder into the archive. The
 * archive is replaced in one move: if this fails, it is as it was before.
 */
export async function packed<Done>(target: string, work: (folder: string) => Promise<Done>): Promise<Done> {
  const path = resolve(target);
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  await removeLeftovers(path);
  const drafts = await mkdtemp(draftsOf(path));
  try {
    const folder = join(drafts, 'backup');
    const done = await work(folder);
    const draft = join(drafts, 'archive.tar');
    await create({ file: draft, cwd: folder, portable: true }, ['.']);
    const file = await open(draft, 'r+');
    await file.chmod(0o640);
    await file.sync();
    await file.close();
    await rename(draft, path);
    await sync(dirname(path));
    return done;
  } finally {
    await remove(drafts);
  }
}

const draftsOf = (path: string) => join(dirname(path), `.${basename(path)}-`);

/**
 * Deletes draft folders of backups that were killed. They must be older than a day, so that no backup still uses them.
 */
async function removeLeftovers(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    const leftover = join(dirname(path), name);
    if (!leftover.startsWith(draftsOf(path)) || leftover.length !== draftsOf(path).length + 6) continue;
    const found = await stat(leftover).catch(() => undefined);
    if (found && found.mtimeMs < Date.now() - dayMs) await remove(leftover);
  }
}

/**
 * Unpacks an archive into a temporary folder, calls `work` with it, and deletes the folder.
 *
 * @throws BackupFault if the archive cannot be unpacked.
 */
export async function unpacked<Done>(target: string, work: (folder: string) => Promise<Done>): Promise<Done> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-backup-'));
  try {
    await stat(target);
    await extract({ file: target, cwd: folder, strict: true });
  } catch (error) {
    await remove(folder);
    throw new BackupFault(`${target} cannot be unpacked: ${(error as Error).message}`);
  }
  return work(folder).finally(() => remove(folder));
}
