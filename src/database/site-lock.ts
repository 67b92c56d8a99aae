import { createRequire } from 'node:module';
import { join } from 'node:path';
import type sqlite3 from 'sqlite3';
import type { Database } from 'sqlite3';

const sqlite = createRequire(import.meta.url)('sqlite3') as typeof sqlite3;

/** The file that each data folder in use has. */
export const siteLockIn = (dataDir: string): string => join(dataDir, 'site.lock');

/**
 * Says whether a site is in use: whoever works on it shares the lock, and a restore has it alone. It is a lock of the
 * system on `site.lock` in the data folder, taken by SQLite, so it goes with its process, also where that is killed.
 */
export class SiteLock {
  private constructor(private readonly database: Database) {}

  /** Shares the lock; undefined where somebody has it alone. */
  static share(dataDir: string): Promise<SiteLock | undefined> {
    return SiteLock.take(siteLockIn(dataDir), 'BEGIN; SELECT COUNT(*) FROM sqlite_master', 1_000);
  }

  /** Takes the lock alone; undefined where anybody else has it. */
  static alone(dataDir: string): Promise<SiteLock | undefined> {
    return SiteLock.take(siteLockIn(dataDir), 'BEGIN EXCLUSIVE', 0);
  }

  /** Takes the lock that each backup of a site has alone; undefined where another is at work. */
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
