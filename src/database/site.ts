import type { DataSource, DataSourceOptions } from 'typeorm';
import { openDatabase, UnusableDatabase } from './data-source.js';
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
 * Opens the database of a site that nobody restores meanwhile. When it is destroyed, all that was written is in the
 * database's one file, and the site may be restored.
 *
 * @throws UnusableDatabase as `openDatabase`, or while the site is being restored.
 */
export async function openSite(options: DataSourceOptions, dataDir: string): Promise<DataSource> {
  const lock = await SiteLock.share(dataDir);
  if (!lock) throw new UnusableDatabase(`A restore is at work on ${dataDir}: wait until it is done.`);
  const dataSource = await openDatabase(options).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  beside.set(dataSource, []);
  const destroy = dataSource.destroy.bind(dataSource);
  dataSource.destroy = async () => {
    for (const connection of beside.get(dataSource) ?? []) await connection.close();
    // beside another process that reads or writes it does what it can
    if (options.type === 'sqlite') await dataSource.query('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => undefined);
    await destroy();
    await lock.release();
  };
  return dataSource;
}
