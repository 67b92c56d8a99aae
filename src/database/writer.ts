import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Writes that a repository has no words for: one statement of SQL that gives back rows, on both databases. */
@Injectable()
export class Writer {
  constructor(private readonly dataSource: DataSource) {}

  /** Ends a SELECT inside an INSERT that must not read a row which another statement is changing. */
  get forShare(): string {
    return this.isPostgres ? 'FOR SHARE' : '';
  }

  /** Runs one INSERT, UPDATE or DELETE with RETURNING and gives its rows. Values stand as `$1`, `$2`, …, in that order. */
  async rows<Row>(sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return rowsOf(await this.dataSource.query(`\n${sql}`, [...values])) as readonly Row[];
  }

  /**
   * As `rows`, while no other statement under the same lock runs, in any process: for a condition on other rows than
   * the one that is written. SQLite writes one at a time anyway; PostgreSQL takes an advisory lock first, since a
   * statement there does not see what another that runs beside it is about to change.
   */
  async alone<Row>(lock: number, sql: string, values: readonly unknown[]): Promise<readonly Row[]> {
    if (!this.isPostgres) return this.rows(sql, values);
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.query('SELECT pg_advisory_lock($1)', [lock]);
      try {
        return rowsOf(await runner.query(sql, [...values])) as readonly Row[];
      } finally {
        await runner.query('SELECT pg_advisory_unlock($1)', [lock]);
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
