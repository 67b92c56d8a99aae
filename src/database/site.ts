import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { takeBackKeys, type Keys } from '../config/keys.js';
import type { Settings } from '../config/settings.js';
import { openDatabase, UnusableDatabase } from './data-source.js';
import { leaveMark, matchKey, wordsOfOtherKey } from './key-mark.js';
import { SiteLock } from './site-lock.js';

interface Closable {
  close(): Promise<void>;
}

const beside = new WeakMap<DataSource, Closable[]>();

/** Closes this connection before the data source closes. The connection that closes last must be able to write. */
export function closeBefore(dataSource: DataSource, connection: Closable): void {
  beside.get(dataSource)?.push(connection);
}

/**
 * Opens the database of a site and checks that the key and the files belong to it. No restore can run while it is open.
 * When the data source is destroyed, everything written is in the one database file, and the site can be restored.
 *
 * @throws UnusableDatabase if `openDatabase` does, if the site is being restored, or if the key or files are another
 * site's.
 */
export async function openSite(options: DataSourceOptions, { dataDir }: Settings, keys: Keys): Promise<DataSource> {
  const lock = await SiteLock.share(dataDir);
  if (!lock) throw new UnusableDatabase(`A restore is at work on ${dataDir}: wait until it is done.`);
  let dataSource: DataSource | undefined;
  try {
    dataSource = await openDatabase(options, (fresh) => refuseEmptyBesideFiles(fresh, dataDir));
    await refuseOtherKey(dataSource, keys);
  } catch (error) {
    await dataSource?.destroy();
    await lock.release();
    throw error;
  }
  return closingInOrder(dataSource, lock);
}

function closingInOrder(dataSource: DataSource, lock: SiteLock): DataSource {
  beside.set(dataSource, []);
  const destroy = dataSource.destroy.bind(dataSource);
  dataSource.destroy = async () => {
    for (const connection of beside.get(dataSource) ?? []) await connection.close();
    // this fails if another process reads or writes, and then that process does it later
    if (dataSource.options.type === 'sqlite')
      await dataSource.query('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => undefined);
    await destroy();
    await lock.release();
  };
  return dataSource;
}

/**
 * Refuses an empty database next to stored files. The database may have been moved away. If the site started as a new
 * one, anybody could become its first admin.
 */
async function refuseEmptyBesideFiles(dataSource: DataSource, dataDir: string): Promise<void> {
  const files = join(dataDir, 'files');
  if (!(await holdsBytes(files)) || (await hasTables(dataSource))) return;
  throw new UnusableDatabase(
    `The database is empty, but ${files} holds the files of a site: let DATABASE_URL and DATA_DIR name those of one site, or restore a backup. To begin anew, let DATA_DIR name an empty folder.`,
  );
}

/** Whether the database holds a site, with a schema of any version. */
export async function hasTables(dataSource: DataSource): Promise<boolean> {
  const runner = dataSource.createQueryRunner();
  try {
    return await runner.hasTable('migrations');
  } finally {
    await runner.release();
  }
}

async function holdsBytes(files: string): Promise<boolean> {
  for (const name of await readdir(files).catch(() => []))
    if (/^[0-9a-f]{2}$/.test(name) && (await readdir(join(files, name)).catch(() => [])).length > 0) return true;
  return false;
}

async function refuseOtherKey(dataSource: DataSource, keys: Keys): Promise<void> {
  const match = () => matchKey((sql) => dataSource.query<Record<string, unknown>[]>(sql), keys);
  let found = await match();
  if (found === 'unmarked') {
    await dataSource.query(...leaveMark(keys));
    // if two first starts run at once with two keys, only the first one left its mark
    found = await match();
  }
  if (found === 'marked') return;
  takeBackKeys(keys);
  throw new UnusableDatabase(wordsOfOtherKey(keys));
}
