import { secondMs } from '../config/durations.js';
import { SqliteConnection } from './sqlite-connection.js';

/**
 * So many milliseconds the start of a server and a backup look for damage. A database of 400 MB or so is looked at whole in
 * this time, if the disk is quick or has been read before; of a larger one its first part.
 */
export const lookMs = 2 * secondMs;

/** So many a command looks: there may be hundreds of them in a row, beside a server that has looked. */
const glanceMs = 0.2 * secondMs;

/**
 * What is damaged in a SQLite file, in SQLite's words, or undefined where nothing was found in so many
 * milliseconds; all of it is looked at if they are Infinity. It looks on a connection that reads only: another one, when it closes, would write a `-wal` of
 * some other database into the file.
 *
 * @throws Error of SQLite where the file cannot be read at all.
 */
export async function damageIn(path: string, milliseconds = glanceMs): Promise<string | undefined> {
  const connection = new SqliteConnection(path, 'read-only');
  const timer = milliseconds === Infinity ? undefined : setTimeout(() => connection.interrupt(), milliseconds);
  try {
    const [row] = (await connection.rows('PRAGMA quick_check(1)', [])) as { quick_check: string }[];
    return row === undefined || row.quick_check === 'ok' ? undefined : row.quick_check;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'SQLITE_INTERRUPT') return undefined;
    if (code === 'SQLITE_CORRUPT') return message;
    throw error;
  } finally {
    clearTimeout(timer);
    await connection.close();
  }
}

/** Whether a statement failed because the database is damaged. */
export function isDamage(error: unknown): boolean {
  const { driverError = error } = error as { driverError?: unknown };
  return (driverError as NodeJS.ErrnoException).code === 'SQLITE_CORRUPT';
}

/** What is said of a damaged database, and what to do. */
export const wordsOfDamage = (what: string): string =>
  `The database is damaged (${what.replace(/\s+/g, ' ').trim()}): stop the site and restore a backup, npm run gatehouse -- restore FOLDER.`;
