import { createRequire } from 'node:module';
import { join } from 'node:path';
import type sqlite3 from 'sqlite3';
import type { Database } from 'sqlite3';

const sqlite = createRequire(import.meta.url)('sqlite3') as typeof sqlite3;

/** The lock file of a data folder. Every data folder in use has one. */
export const siteLockIn = (dataDir: string): string => join(dataDir, 'site.lock');

/**
 * Shows whether a site is in use. Every process that works on the site shares the lock, and a restore takes it alone.
 * It is a lock of the operating system on `site.lock` in the data folder, taken through SQLite. The system releases it
 * when the process ends, even if the process is killed.
 */
export class SiteLock {
  private constructor(private readonly database: Database) {}

  /** Shares the lock, or returns undefined if another process has it alone. */
  static share(dataDir: string): Promise<SiteLock | undefined> {
    return SiteLock.take(siteLockIn(dataDir), 'BEGIN; SELECT COUNT(*) FROM sqlite_master', 1_000);
  }

  /** Takes the lock alone, or returns undefined if any other process has it. */
  static alone(dataDir: string): Promise<SiteLock | undefined> {
    return SiteLock.take(siteLockIn(dataDir), 'BEGIN EXCLUSIVE', 0);
  }

  /**
   * Takes the lock for a backup, or returns undefined if another backup runs. Only one backup of a site can run at a
   * time.
   */
  static forBackup(dataDir: string): Promise<SiteLock | undefined> {
    return SiteLock.take(join(dataDir, 'backup.lock'), 'BEGIN EXCLUSIVE', 0);
  }

  release(): Promise<void> {
    return new Promise((resolve) => {
      this.database.close(() => resolve());
    });
  }

  private static take(path: string, sql: string, busyTimeoutMs: number): Promise<SiteLock | undefined> {
    return new Promise((resolve, reject) => {
      const database = new sqlite.Database(path, (opening) => {
        if (opening) return reject(opening);
        database.configure('busyTimeout', busyTimeoutMs);
        database.exec(sql, (error) => {
          if (!error) return resolve(new SiteLock(database));
          database.close(() => {
            if ((error as NodeJS.ErrnoException).code === 'SQLITE_BUSY') resolve(undefined);
            else reject(error);
          });
        });
      });
    });
  }
}
