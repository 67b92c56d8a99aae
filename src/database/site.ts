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

/** Closes another connection to the same database before the data source: what closes last must be able to write. */
export function closeBefore(dataSource: DataSource, connection: Closable): void {
  beside.get(dataSource)?.push(connection);
}

/**
 * Opens the database of a site that nobody restores meanwhile, and sees that key and files are of the same site. When it
 * is destroyed, all that was written is in the database's one file, and the site may be restored.
 *
 * @throws UnusableDatabase as `openDatabase`, while the site is being restored, and where key or files are another's.
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
    // beside another process that reads or writes it does what it can
    if (dataSource.options.type === 'sqlite')
      await dataSource.query('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => undefined);
    await destroy();
    await lock.release();
  };
  return dataSource;
}

/** A database that is not where it was must not be taken for a new site, whose first admin anybody could become. */
async function refuseEmptyBesideFiles(dataSource: DataSource, dataDir: string): Promise<void> {
  const files = join(dataDir, 'files');
  if (!(await holdsBytes(files)) || (await hasTables(dataSource))) return;
  throw new UnusableDatabase(
    `The database is empty, but ${files} holds the files of a site: let DATABASE_URL and DATA_DIR name those of one site, or restore a backup. To begin anew, let DATA_DIR name an empty folder.`,
  );
}

/** Whether there is a site in the database: its schema, of whatever version. */
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
    // of two first starts at once with two keys, one was first
    found = await match();
  }
  if (found === 'marked') return;
  takeBackKeys(keys);
  throw new UnusableDatabase(wordsOfOtherKey(keys));
}
