import { secondMs } from '../config/durations.js';
import { SqliteConnection } from './sqlite-connection.js';

/**
 * How long the start of a server and a backup look for damage, in milliseconds. This is enough to check all of a
 * database of about 400 MB if the disk is fast or the file is cached. Of a larger database, only the first part is
 * checked.
 */
export const lookMs = 2 * secondMs;

/**
 * How long a command looks for damage, in milliseconds. It is short because an operator may run hundreds of commands in
 * a row, next to a server that has already looked.
 */
const glanceMs = 0.2 * secondMs;

/**
 * The damage in a SQLite file, in SQLite's words, or undefined if none was found within the given milliseconds. With
 * Infinity it checks all of the file. It uses a read-only connection: when another kind of connection closes, it could
 * write the `-wal` of some other database into the file.
 *
 * @throws Error of SQLite if the file cannot be read at all.
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

/** The message for an operator about a damaged database, with what to do next. */
export const wordsOfDamage = (what: string): string =>
  `The database is damaged (${what.replace(/\s+/g, ' ').trim()}): stop the site and restore a backup, npm run gatehouse -- restore FOLDER.`;
