import { link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { brokenRestore, Keys } from '../config/keys.js';
import type { Settings } from '../config/settings.js';
import { sqlitePath } from '../database/data-source.js';
import { matchKey } from '../database/key-mark.js';
import { SiteLock } from '../database/site-lock.js';
import { copy, examine, filesIn, placeOf, remove, sync, syncAll, writeWhole } from './bytes.js';
import { BackupFault, readManifest, type Entry, type Manifest } from './manifest.js';
import { contentsOf, onPostgres, onSqlite, sqliteTables, type Ask, type Version } from './snapshot.js';
import { keysOf, load } from './verify.js';

/** The result of a restore. */
export interface Restored {
  readonly dataDir: string;
  readonly createdAt: string;
  readonly files: number;
  readonly missing: readonly string[];
  /** Whether the database was made with the key that the site has now. */
  readonly isOfKey: boolean;
}

/**
 * Replaces a site that is empty or stopped with a backup. It first copies the whole backup beside the old site and
 * compares every byte. Then it exchanges the two. If the restore is killed before the exchange, the old site is as it
 * was. If it is killed during the exchange, the site does not start until a restore has been run again.
 *
 * @throws BackupFault if the site runs, if the backup is not complete, or if DATABASE_URL names another kind of
 *   database than the backup has.
 */
export async function restore(settings: Settings, given: string): Promise<Restored> {
  const target = resolve(given);
  const manifest = await readManifest(target);
  const { dataDir } = settings;
  const path = sqlitePath(settings);
  if ((manifest.kind === 'sqlite') !== (path !== undefined))
    throw new BackupFault(`The backup is of a ${names[manifest.kind]}: let DATABASE_URL name one of that kind.`);
  await mkdir(dataDir, { recursive: true, mode: 0o750 });
  const lock = await SiteLock.alone(dataDir);
  if (!lock) throw new BackupFault(`The site in ${dataDir} runs, or a command works on it: stop it first.`);
  try {
    if (path === undefined) await refuseWhereInUse(settings.databaseUrl);
    return await exchange(settings, target, manifest, path);
  } finally {
    await lock.release();
  }
}

const journals = ['-wal', '-shm', '-journal'];
const names = { sqlite: 'SQLite', postgres: 'PostgreSQL' };

async function exchange(settings: Settings, target: string, manifest: Manifest, path: string | undefined) {
  const { dataDir, databaseUrl } = settings;
  const own = join(target, manifest.folder);
  const staging = join(dataDir, 'restoring');
  await remove(staging);
  await mkdir(staging, { mode: 0o750 });
  for (const entry of manifest.others) await bring(join(own, entry.path), join(staging, entry.path), entry);
  const database = join(path === undefined ? staging : dirname(path), 'gatehouse-restoring.db');
  await mkdir(dirname(database), { recursive: true, mode: 0o750 });
  // a restore that was killed may have left a journal, which would be replayed into the new copy
  for (const rest of journals) await rm(database + rest, { force: true });
  await bring(join(own, manifest.database.path), database, manifest.database);
  await mkdir(join(staging, 'files'), { mode: 0o750 });
  const versions = await versionsIn(target, manifest, database);
  for (const version of versions) {
    if (manifest.missing.includes(version.storageKey)) continue;
    await bringBytes(version, join(target, 'files'), join(dataDir, 'files'), join(staging, 'files'));
  }
  await syncAll(staging);

  // from here on the site is a mix of old and new: this file stops it from starting until the restore is complete
  await writeWhole(join(dataDir, brokenRestore), `${target}\n`);
  const keys = settings.appSecret === undefined ? await keysOf(settings, own, manifest) : new Keys(settings.appSecret);
  const settle = async (ask: Ask) => {
    await forgetUploads(ask, manifest);
    return (
      keys !== undefined && (await matchKey(ask, keys, (table) => manifest.rows[table] !== undefined)) !== 'another'
    );
  };
  let isOfKey: boolean;
  if (path === undefined)
    isOfKey = await onPostgres(databaseUrl, async (ask) => {
      await load(databaseUrl, database, ask);
      return settle(ask);
    });
  else {
    isOfKey = await onSqlite(database, settle);
    for (const rest of journals) await rm(path + rest, { force: true });
    await rename(database, path);
    await sync(dirname(path));
  }
  const old = join(dataDir, 'replaced');
  await remove(old);
  await mkdir(old, { mode: 0o750 });
  for (const name of ['files', 'outbox', ...(settings.appSecret === undefined ? ['app-secret'] : [])]) {
    await rename(join(dataDir, name), join(old, name)).catch(unlessMissing);
    await rename(join(staging, name), join(dataDir, name)).catch(unlessMissing);
  }
  await sync(dataDir);
  await rm(join(dataDir, brokenRestore));
  await sync(dataDir);
  await remove(old);
  await remove(staging);
  return { dataDir, createdAt: manifest.createdAt, files: versions.length, missing: manifest.missing, isOfKey };
}

/** Deletes unfinished uploads, because a backup does not have their bytes. Their clients begin again. */
async function forgetUploads(ask: Ask, { rows }: Manifest): Promise<void> {
  if (rows.uploads !== undefined) await ask('DELETE FROM "uploads" WHERE "addedFileId" IS NULL');
}

/**
 * The bytes that the backup has. A SQLite database names them. A PostgreSQL dump is not loaded yet at this point, so
 * the files in the backup are listed.
 */
async function versionsIn(target: string, { kind }: Manifest, database: string): Promise<Version[]> {
  if (kind === 'sqlite') return (await onSqlite(database, (ask) => contentsOf(ask, sqliteTables))).versions;
  const paths = await filesIn(join(target, 'files'));
  return Promise.all(
    paths.map(async (one) => ({ storageKey: one.replace(/\W/g, ''), ...(await examine(join(target, 'files', one))) })),
  );
}

async function bring(from: string, to: string, { path, size, sha256 }: Entry): Promise<void> {
  const found = await copy(from, to, path === 'app-secret' ? 0o600 : 0o640).catch((error: unknown) => {
    throw new BackupFault(`${from} cannot be copied: ${(error as Error).message}. The site is as it was.`);
  });
  if (found.size !== size || found.sha256 !== sha256)
    throw new BackupFault(`${from} has other bytes than when it was made: the site is as it was. See backup verify.`);
}

/** Links bytes that the old site already has, and copies all others. */
async function bringBytes({ storageKey, size, sha256 }: Version, from: string, old: string, to: string): Promise<void> {
  const place = placeOf(storageKey);
  const there = await examine(join(old, place)).catch(() => undefined);
  if (there?.sha256 === sha256) {
    await mkdir(dirname(join(to, place)), { recursive: true, mode: 0o750 });
    const isLinked = await link(join(old, place), join(to, place))
      .then(() => true)
      .catch(() => false);
    if (isLinked) return;
  }
  await bring(join(from, place), join(to, place), { path: place, size, sha256 });
}

/** @throws BackupFault if a site is running on this PostgreSQL database. */
export async function refuseWhereInUse(url: string): Promise<void> {
  const inUse = `SELECT COUNT(*) AS "count" FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'gatehouse'`;
  const [row] = await onPostgres(url, (ask) => ask(inUse));
  if (Number(row?.count) > 0) throw new BackupFault('A site runs on the database of DATABASE_URL: stop it first.');
}

function unlessMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
