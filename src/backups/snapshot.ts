import { join } from 'node:path';
import pg from 'pg';
import type { Keys } from '../config/keys.js';
import type { Settings } from '../config/settings.js';
import { damageIn, lookMs, wordsOfDamage } from '../database/damage.js';
import { sqlitePath } from '../database/data-source.js';
import { matchKey } from '../database/key-mark.js';
import { SqliteConnection } from '../database/sqlite-connection.js';
import { sync } from './bytes.js';
import { BackupFault } from './manifest.js';
import { programsFor, runOn } from './programs.js';

/** A version of a file whose bytes should be there: its storage key, its size in bytes, and its SHA-256 in hex. */
export interface Version {
  readonly storageKey: string;
  readonly size: number;
  readonly sha256: string;
}

/** A copy of a database at one point in time: its file, how many rows each table has, and which versions it names. */
export interface Snapshot {
  readonly kind: 'sqlite' | 'postgres';
  readonly name: string;
  readonly rows: Record<string, number>;
  readonly versions: Version[];
  /** Whether the database was made with the key that it was compared with. */
  readonly isOfKey: boolean;
}

/** The contents of a database. */
export type Contents = Pick<Snapshot, 'rows' | 'versions' | 'isOfKey'>;

/** Runs a statement in SQL on a database, and returns its rows. */
export type Ask = (sql: string) => Promise<readonly Record<string, unknown>[]>;

/**
 * Writes a copy of the database, as it is at this moment, into a folder. The site can run meanwhile.
 *
 * @throws BackupFault if a SQLite database is damaged or cannot be read, or if the PostgreSQL programs are missing or
 *   fail.
 */
export async function takeSnapshot(settings: Settings, folder: string, keys: Keys): Promise<Snapshot> {
  const path = sqlitePath(settings);
  return path === undefined ? dump(settings.databaseUrl, folder, keys) : copyOf(path, folder, keys);
}

async function copyOf(path: string, folder: string, keys: Keys): Promise<Snapshot> {
  const name = 'gatehouse.db';
  const copy = join(folder, name);
  const damage = await damageIn(path, lookMs).catch((error: unknown) => {
    throw new BackupFault(`The database at ${path} cannot be read: ${(error as Error).message}`);
  });
  if (damage !== undefined) throw new BackupFault(wordsOfDamage(damage));
  // VACUUM INTO only reads, so it does not block the site's writes, and its copy needs no journal file
  await onSqlite(path, (ask) => ask(`VACUUM INTO '${copy.replaceAll("'", "''")}'`));
  await sync(copy);
  return onSqlite(copy, async (ask) => ({ kind: 'sqlite', name, ...(await contentsOf(ask, sqliteTables, keys)) }));
}

async function dump(url: string, folder: string, keys: Keys): Promise<Snapshot> {
  const name = 'database.sql';
  return onPostgres(url, async (ask) => {
    await ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [server] = await ask(
      `SELECT current_setting('server_version_num') AS "version", pg_export_snapshot() AS "id"`,
    );
    const { dump: program } = await programsFor(Math.floor(Number(server?.version) / 10_000));
    const file = join(folder, name);
    const what = ['--no-owner', '--no-privileges', '--schema=public', `--snapshot=${String(server?.id)}`];
    await runOn(url, program, [...what, `--file=${file}`]);
    await sync(file);
    return { kind: 'postgres', name, ...(await contentsOf(ask, postgresTables, keys)) };
  });
}

export const sqliteTables = `SELECT "name" FROM sqlite_master WHERE "type" = 'table' AND "name" NOT LIKE 'sqlite_%'`;
export const postgresTables = `SELECT "table_name" AS "name" FROM information_schema.tables
  WHERE "table_schema" = 'public' AND "table_type" = 'BASE TABLE'`;

/**
 * Reads how many rows each table has, which versions have bytes, and whether the database was made with a key.
 *
 * @param tables a statement that lists the names of the tables.
 * @param keys the key to compare. Without one, `isOfKey` is true.
 */
export async function contentsOf(ask: Ask, tables: string, keys?: Keys): Promise<Contents> {
  const rows: Record<string, number> = {};
  for (const { name } of await ask(tables)) {
    const [row] = await ask(`SELECT COUNT(*) AS "count" FROM "${String(name)}"`);
    rows[String(name)] = Number(row?.count);
  }
  const isOfKey = !keys || (await matchKey(ask, keys, (table) => rows[table] !== undefined)) !== 'another';
  if (rows.file_versions === undefined) return { rows, versions: [], isOfKey };
  const found = await ask(`SELECT "storageKey", "size", "sha256" FROM "file_versions" WHERE "discardedAt" IS NULL`);
  const versions = found.map(({ storageKey, size, sha256 }) => ({
    storageKey: String(storageKey),
    size: Number(size),
    sha256: String(sha256),
  }));
  return { rows, versions, isOfKey };
}

/** Calls `work` with a connection to a SQLite file, and closes the connection. */
export async function onSqlite<Done>(path: string, work: (ask: Ask) => Promise<Done>): Promise<Done> {
  const connection = new SqliteConnection(path, 'read-write');
  try {
    return await work(async (sql) => (await connection.rows(sql, [])) as Record<string, unknown>[]);
  } finally {
    await connection.close();
  }
}

/** Calls `work` with a connection to a PostgreSQL database, and closes the connection. */
export async function onPostgres<Done>(url: string, work: (ask: Ask) => Promise<Done>): Promise<Done> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'gatehouse-backup',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(async (sql) => (await client.query<Record<string, unknown>>(sql)).rows);
  } finally {
    await client.end();
  }
}
