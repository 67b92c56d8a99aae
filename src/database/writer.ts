import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Settings } from '../config/settings.js';
import { sqlitePath } from './data-source.js';
import { bound } from './instants.js';
import { closeBefore } from './site.js';
import { SqliteConnection } from './sqlite-connection.js';

/** Writes that a repository has no words for: one statement of SQL that gives back rows, on both databases. */
@Injectable()
export class Writer {
  private readonly quick: SqliteConnection | undefined;

  constructor(
    private readonly dataSource: DataSource,
    settings: Settings,
  ) {
    const path = sqlitePath(settings);
    // what a commit leaves to the system to write outlives the process, and goes to disk with the next that does not
    if (path === undefined) return;
    this.quick = new SqliteConnection(path, 'read-write', 'PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    closeBefore(dataSource, this.quick);
  }

  /** Ends a SELECT inside an INSERT that must not read a row which another statement is changing. */
  get forShare(): string {
    return this.isPostgres ? 'FOR SHARE' : '';
  }

  /** Runs one INSERT, UPDATE or DELETE with RETURNING and gives its rows. Values stand as `$1`, `$2`, …, in that order. */
  async rows<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return rowsOf(await this.dataSource.query(`\n${sql}`, values.map(bound))) as readonly Row[];
  }

  /** Runs one statement that gives no rows, such as an INSERT into a view. */
  async run(sql: string, values: readonly unknown[]): Promise<void> {
    await this.dataSource.query(sql, values.map(bound));
  }

  /**
   * As `rows`, for a fixed few statements that come often: what is written outlives the process, but on SQLite not a
   * power cut in the next moment.
   */
  async quickly<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.quick ? ((await this.quick.rows(sql, values.map(bound))) as readonly Row[]) : this.rows(sql, values);
  }

  /**
   * As `rows`, while no other statement under the same lock runs, in any process: for a condition on other rows than
   * the one that is written. SQLite writes one at a time anyway; PostgreSQL takes an advisory lock first, since a
   * statement there does not see what another that runs beside it is about to change. The lock ends with a transaction of
   * these two statements, on a connection of its own: one of the session would be left behind a pooler.
   */
  async alone<Row>(lock: number, sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    if (!this.isPostgres) return this.rows(sql, values);
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.query('BEGIN');
      try {
        await runner.query('SELECT pg_advisory_xact_lock($1)', [lock]);
        const rows = rowsOf(await runner.query(sql, values.map(bound))) as readonly Row[];
        await runner.query('COMMIT');
        return rows;
      } catch (error) {
        await runner.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    } finally {
      await runner.release();
    }
  }

  private get isPostgres(): boolean {
    return this.dataSource.options.type === 'postgres';
  }
}

/** On PostgreSQL an UPDATE or DELETE gives a pair: its rows, and how many. */
function rowsOf(result: unknown): unknown {
  const [first, count] = result as [unknown, unknown];
  return Array.isArray(first) && typeof count === 'number' ? first : result;
}
