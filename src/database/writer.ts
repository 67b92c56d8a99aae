import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Settings } from '../config/settings.js';
import { sqlitePath } from './data-source.js';
import { bound } from './instants.js';
import { closeBefore } from './site.js';
import { SqliteConnection } from './sqlite-connection.js';

/** Writes that a repository cannot express: one SQL statement that returns rows, on both databases. */
@Injectable()
export class Writer {
  private readonly quick: SqliteConnection | undefined;

  constructor(
    private readonly dataSource: DataSource,
    settings: Settings,
  ) {
    const path = sqlitePath(settings);
    // with `synchronous = NORMAL` a commit survives the end of the process, and the next full commit flushes it to disk
    if (path === undefined) return;
    this.quick = new SqliteConnection(path, 'read-write', 'PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    closeBefore(dataSource, this.quick);
  }

  /** Goes at the end of a SELECT inside an INSERT, if it must not read a row that another statement is changing. */
  get forShare(): string {
    return this.isPostgres ? 'FOR SHARE' : '';
  }

  /**
   * Runs one INSERT, UPDATE or DELETE with RETURNING and returns its rows. Write the values as `$1`, `$2`, …, in that
   * order.
   */
  async rows<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return rowsOf(await this.dataSource.query(`\n${sql}`, values.map(bound))) as readonly Row[];
  }

  /** Runs one statement that returns no rows, such as an INSERT into a view. */
  async run(sql: string, values: readonly unknown[]): Promise<void> {
    await this.dataSource.query(sql, values.map(bound));
  }

  /**
   * Like `rows`, for statements that run often. Each SQL text stays prepared, so use only a small fixed set of texts. A
   * write survives the end of the process, but on SQLite it can be lost in a power cut that follows at once.
   */
  async quickly<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.quick ? ((await this.quick.rows(sql, values.map(bound))) as readonly Row[]) : this.rows(sql, values);
  }

  /**
   * Like `rows`, but no other statement with the same lock runs at the same time, in any process. Use it if the
   * condition reads other rows than the one it writes. SQLite always writes one statement at a time. PostgreSQL takes
   * an advisory lock first, because a statement there does not see changes that another statement has not committed.
   * The lock ends with a transaction of these two statements on its own connection. A lock of the session would stay
   * behind a connection pooler.
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

/** On PostgreSQL an UPDATE or DELETE returns a pair: its rows and their number. */
function rowsOf(result: unknown): unknown {
  const [first, count] = result as [unknown, unknown];
  return Array.isArray(first) && typeof count === 'number' ? first : result;
}
