import { link, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Keys } from '../config/keys.js';
import { holdFile, type Settings } from '../config/settings.js';
import { SiteLock } from '../database/site-lock.js';
import { copy, examine, filesIn, placeOf, remove, sync, syncAll, writeWhole } from './bytes.js';
import { BackupFault, findManifest, writeManifest, type Entry, type Manifest } from './manifest.js';
import { takeSnapshot, type Version } from './snapshot.js';

/** The result of a backup. */
export interface BackedUp {
  readonly target: string;
  readonly createdAt: string;
  /** How many versions of files it has, their size in bytes together, and how many versions had to be copied. */
  readonly files: number;
  readonly bytes: number;
  readonly copied: number;
  /** The storage keys of versions whose bytes the site does not have, or has other bytes for. */
  readonly missing: readonly string[];
  /** Whether the database was made with the site's key. */
  readonly isOfKey: boolean;
}

/** The file in the data folder that says when and where the last backup was made. */
export const lastBackupFile = 'last-backup.json';
const refreshMs = 10_000;

/**
 * Backs a site up into a folder, while the site runs. It first takes a snapshot of the database, and then all bytes
 * that the snapshot names. Bytes never change, so they match the snapshot. It keeps bytes that are in the folder
 * already, and links bytes that the newest backup beside the folder has. An older backup in the folder stays valid
 * until the new manifest replaces its manifest, at the end.
 *
 * @param options.full copies every byte again.
 * @throws BackupFault if the folder holds something else, or lies in the data folder or around it; if the data folder,
 *   the key or the database is not there or not usable; or if another backup of the site is running.
 */
export async function backUp(settings: Settings, given: string, { full = false } = {}): Promise<BackedUp> {
  const target = resolve(given);
  const { dataDir } = settings;
  if (isInside(target, dataDir) || isInside(dataDir, target))
    throw new BackupFault('A backup and the data folder must not lie in each other: name a folder elsewhere.');
  await stat(dataDir).catch(() => {
    throw new BackupFault(`There is no data folder at ${dataDir}: let DATA_DIR name the site's.`);
  });
  await mkdir(target, { recursive: true, mode: 0o750 });
  const before = await findManifest(target);
  if (!before && (await readdir(target)).some((entry) => !isOurs(entry)))
    throw new BackupFault(`${target} holds something that is no backup: name an empty folder.`);
  const release = await hold(dataDir);
  try {
    return await write(settings, target, full ? undefined : await neighbourOf(target), full);
  } finally {
    await release();
  }
}

async function write(
  settings: Settings,
  target: string,
  neighbour: string | undefined,
  full: boolean,
): Promise<BackedUp> {
  const { dataDir } = settings;
  const createdAt = new Date().toISOString();
  const folder = `data-${createdAt.replace(/\D/g, '')}`;
  const own = join(target, folder);
  await mkdir(own, { mode: 0o750 });
  const { kind, name, rows, versions, isOfKey } = await takeSnapshot(settings, own, await keysIn(settings));
  const others: Entry[] = [];
  const secret = ['app-secret'].filter(() => settings.appSecret === undefined);
  const mails = (await filesIn(join(dataDir, 'outbox'))).filter((one) => one.endsWith('.eml'));
  for (const path of [...secret, ...mails.map((one) => join('outbox', one))])
    others.push({ path, ...(await copy(join(dataDir, path), join(own, path), path === 'app-secret' ? 0o600 : 0o640)) });

  const missing: string[] = [];
  let copied = 0;
  for (const version of versions) {
    const took = await take(version, join(dataDir, 'files'), join(target, 'files'), neighbour, full);
    if (took === 'missing') missing.push(version.storageKey);
    if (took === 'copied') copied++;
  }
  await syncAll(target);
  const database = { path: name, ...(await examine(join(own, name))) };
  const manifest: Manifest = { format: 1, createdAt, kind, folder, database, others, rows, missing };
  await writeManifest(target, manifest);
  await clear(target, folder, versions);
  await writeWhole(join(dataDir, lastBackupFile), `${JSON.stringify({ at: createdAt, target })}\n`);
  const bytes = versions.reduce((sum, { size }) => sum + size, 0);
  return { target, createdAt, files: versions.length, bytes, copied, missing, isOfKey };
}

/** The site's key. @throws BackupFault if it is not there. */
async function keysIn({ dataDir, appSecret }: Settings): Promise<Keys> {
  const path = join(dataDir, 'app-secret');
  const secret = appSecret ?? (await readFile(path, 'utf8').catch(() => '')).trim();
  if (secret !== '') return new Keys(secret);
  throw new BackupFault(`There is no key in ${path}: put it back, or set APP_SECRET as the site has it.`);
}

async function take(
  { storageKey, size, sha256 }: Version,
  from: string,
  to: string,
  neighbour: string | undefined,
  full: boolean,
): Promise<'kept' | 'linked' | 'copied' | 'missing'> {
  const place = placeOf(storageKey);
  const [source, copied] = [join(from, place), join(to, place)];
  const live = await stat(source).catch(() => undefined);
  if (!full && (await isSame(copied, size, live?.mtimeMs))) return 'kept';
  const known = neighbour === undefined ? undefined : join(neighbour, 'files', place);
  if (known !== undefined && (await isSame(known, size, live?.mtimeMs)) && (await linked(known, copied)))
    return 'linked';
  if (!live) return 'missing';
  const found = await copy(source, copied);
  return found.size === size && found.sha256 === sha256 ? 'copied' : 'missing';
}

/** Compares a file by its size and time, as rsync does. `backup verify` reads every byte. */
async function isSame(path: string, size: number, mtimeMs: number | undefined): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.size === size && (mtimeMs === undefined || Math.abs(found.mtimeMs - mtimeMs) < 2_000);
}

async function linked(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true, mode: 0o750 });
  try {
    await remove(to);
    await link(from, to);
    return true;
  } catch {
    return false;
  }
}

/** The newest other backup in the same parent folder. Its bytes can be linked, so that they are not stored twice. */
async function neighbourOf(target: string): Promise<string | undefined> {
  const parent = dirname(target);
  let newest: { path: string; createdAt: string } | undefined;
  for (const name of await readdir(parent)) {
    if (name === basename(target)) continue;
    const found = await findManifest(join(parent, name));
    if (found && found.createdAt > (newest?.createdAt ?? ''))
      newest = { path: join(parent, name), createdAt: found.createdAt };
  }
  return newest?.path;
}

/** Deletes everything in the target that the new backup does not name. */
async function clear(target: string, folder: string, versions: readonly Version[]): Promise<void> {
  for (const name of await readdir(target))
    if (name.startsWith('data-') && name !== folder) await remove(join(target, name));
  const wanted = new Set(versions.map(({ storageKey }) => placeOf(storageKey)));
  for (const path of await filesIn(join(target, 'files')))
    if (!wanted.has(path)) await remove(join(target, 'files', path));
  await sync(target);
}

/**
 * Stops the site from deleting bytes. This ends when the returned function is called or, if this process is killed, two
 * minutes later.
 *
 * @throws BackupFault if another backup of the site is running.
 */
async function hold(dataDir: string): Promise<() => Promise<void>> {
  const lock = await SiteLock.forBackup(dataDir);
  if (!lock) throw new BackupFault('Another backup of this site is being made: wait until it has ended.');
  const path = join(dataDir, holdFile);
  await writeFile(path, '', { mode: 0o640 });
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), refreshMs);
  return async () => {
    clearInterval(timer);
    await remove(path);
    await lock.release();
  };
}

const isOurs = (name: string) =>
  name === 'files' || name.startsWith('data-') || name.startsWith('gatehouse-backup.json');

const isInside = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
