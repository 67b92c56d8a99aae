import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import type sqlite3 from 'sqlite3';
import {
  AbstractLogger,
  DataSource,
  MigrationExecutor,
  type DataSourceOptions,
  type LogLevel,
  type LogMessage,
  type QueryRunner,
} from 'typeorm';
import { secondMs } from '../config/durations.js';
import type { Settings } from '../config/settings.js';
import { damageIn, isDamage, wordsOfDamage } from './damage.js';
import { bindInstantsAsNumbers } from './instants.js';
import { migrations } from './migrations.js';
import { PostgresClient } from './postgres-client.js';
import { tryMs, Turns } from './turns.js';

/** The path of the SQLite file that the settings name, or undefined if they name PostgreSQL. */
export function sqlitePath({ databaseUrl, dataDir }: Settings): string | undefined {
  if (!databaseUrl.startsWith('sqlite:')) return undefined;
  const path = databaseUrl.slice('sqlite:'.length);
  return isAbsolute(path) ? path : resolve(dataDir, path);
}

/**
 * Writes TypeORM's own messages, such as which migration failed, to standard error. Scripts read the output of commands
 * from standard output.
 */
class BesideOutput extends AbstractLogger {
  protected writeLog(_: LogLevel, said: LogMessage | string | number | (LogMessage | string | number)[]): void {
    for (const { message } of this.prepareLogMessages(said)) process.stderr.write(`${String(message)}\n`);
  }
}

/** How long to wait for a connection to PostgreSQL, in milliseconds. The wait for an answer is twice as long. */
const connectTimeoutMs = 5 * secondMs;

/** TypeORM's options for the database that the settings name. SQLite and PostgreSQL use the same entities. */
export function dataSourceOptions(settings: Settings): DataSourceOptions {
  const shared = {
    migrations,
    migrationsTableName: 'migrations',
    synchronize: false,
    // without this, a lookup by an undefined key would return the first row
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    logger: new BesideOutput(),
  } as const;
  const path = sqlitePath(settings);
  if (path === undefined)
    return {
      ...shared,
      type: 'postgres',
      url: settings.databaseUrl,
      applicationName: 'gatehouse',
      poolSize: 10,
      connectTimeoutMS: connectTimeoutMs,
      extra: { Client: PostgresClient, query_timeout: 2 * connectTimeoutMs, keepAlive: true },
    };
  return { ...shared, type: 'sqlite', database: path, driver: quietSqlite(), enableWAL: true, busyTimeout: tryMs };
}

/** Says in one line, for an operator, why the site cannot start on this database. */
export class UnusableDatabase extends Error {
  override name = 'UnusableDatabase';
}

/**
 * Opens the database, brings its schema up to date, and returns the data source. If two processes start at once, they
 * take turns.
 *
 * @param look is called before anything is written to the database. Its errors are thrown on.
 * @throws UnusableDatabase if the database cannot be opened or is damaged, or if its schema is from a later version
 * than this one knows.
 */
export async function openDatabase(
  options: DataSourceOptions,
  look: (dataSource: DataSource) => Promise<void> = () => Promise.resolve(),
): Promise<DataSource> {
  if (options.type === 'sqlite') await refuseDamaged(options.database);
  const dataSource = new DataSource(options);
  bindInstantsAsNumbers(dataSource);
  await dataSource.initialize().catch(cannotBeOpened);
  try {
    await look(dataSource);
    if (options.type === 'sqlite') await migrateSqlite(dataSource);
    else await migratePostgres(options);
  } catch (error) {
    await dataSource.destroy();
    throw isDamage(error) ? new UnusableDatabase(wordsOfDamage((error as Error).message)) : error;
  }
  return dataSource;
}

function cannotBeOpened(error: unknown): never {
  const { message, code } = error as NodeJS.ErrnoException;
  const advice = code === 'SQLITE_NOTADB' ? ': restore a backup, or let DATABASE_URL name the right file.' : '';
  // if a host has several addresses and all of them refuse, the error has no message
  throw new UnusableDatabase(`The database of DATABASE_URL cannot be opened: ${message || code}${advice}`);
}

/**
 * Looks for damage in a SQLite file for the given milliseconds, or for the short time of `damageIn`.
 *
 * @throws UnusableDatabase if the file is damaged or is not a SQLite database.
 */
export async function refuseDamaged(path: string, milliseconds?: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return;
  const damage = await damageIn(path, milliseconds).catch(cannotBeOpened);
  if (damage !== undefined) throw new UnusableDatabase(wordsOfDamage(damage));
}

async function migrateSqlite(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  await runner.query('PRAGMA synchronous = FULL');
  // IMMEDIATE, because a deferred transaction that reads first fails at once if another process writes
  await runner.query('BEGIN IMMEDIATE');
  try {
    await migrate(dataSource, runner);
    await runner.query('COMMIT');
  } catch (error) {
    await runner.query('ROLLBACK');
    throw error;
  }
}

/** An arbitrary number. No other program may take the same advisory lock on this database. */
const migrationLock = 4_283_467_381;

async function migratePostgres(options: DataSourceOptions): Promise<void> {
  // no query timeout, because the migration of a large table takes longer than a person waits for a page
  const dataSource = await new DataSource({ ...options, extra: {}, entities: [] }).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('BEGIN');
    // this lock ends with the transaction; a lock of the session would stay behind a connection pooler
    await runner.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    await migrate(dataSource, runner);
    await runner.query('COMMIT');
  } catch (error) {
    await runner.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    await runner.release();
    await dataSource.destroy();
  }
}

async function migrate(dataSource: DataSource, runner: QueryRunner): Promise<void> {
  const executor = new MigrationExecutor(dataSource, runner);
  executor.transaction = 'none';
  const known = new Set(dataSource.migrations.map((migration) => migration.constructor.name));
  const unknown = (await executor.getExecutedMigrations()).filter(({ name }) => !known.has(name));
  if (unknown.length > 0)
    throw new UnusableDatabase(
      `The database is of a later version of Gatehouse (it has ${unknown.map(({ name }) => name).join(', ')}): start that version, or restore a backup.`,
    );
  await executor.executePendingMigrations();
}

/**
 * The sqlite3 driver with two changes. First, it stays out of verbose mode, which TypeORM turns on. Verbose mode halves
 * the speed, and it writes the values of a failed query into the error's stack and so into the log. Second, its
 * statements run one after the other. If they ran at once, each would block one of libuv's four threads while it waits
 * for the one that is being flushed to disk.
 */
function quietSqlite(): unknown {
  const sqlite = createRequire(import.meta.url)('sqlite3') as typeof sqlite3;
  class Database extends sqlite.Database {
    private readonly turns = new Turns();

    constructor(...given: ConstructorParameters<typeof sqlite.Database>) {
      super(...given);
      this.serialize();
    }

    override run(sql: string, ...given: unknown[]): this {
      return this.inTurn((...rest) => super.run(sql, ...rest), given);
    }

    override all(sql: string, ...given: unknown[]): this {
      return this.inTurn((...rest) => super.all(sql, ...rest), given);
    }

    /**
     * Runs a statement in its turn. If the last argument is a callback, it is called with the statement as `this`,
     * because TypeORM reads the number of changes and the last id from it.
     */
    private inTurn(ask: (...given: unknown[]) => unknown, given: unknown[]): this {
      const tell = given.at(-1);
      if (typeof tell !== 'function') {
        ask(...given);
        return this;
      }
      const work = () =>
        new Promise<() => void>((resolve, reject) => {
          ask(...given.slice(0, -1), function (this: unknown, error: Error | null, ...rest: unknown[]) {
            const { code } = (error ?? {}) as NodeJS.ErrnoException;
            if (error && code === 'SQLITE_BUSY') reject(error);
            else resolve(() => void Reflect.apply(tell, this, [error, ...rest]));
          });
        });
      void this.turns.take(work).then(
        (done) => done(),
        (error: unknown) => void Reflect.apply(tell, this, [error]),
      );
      return this;
    }
  }
  const quiet = { ...sqlite, Database, verbose: () => quiet };
  return quiet;
}
