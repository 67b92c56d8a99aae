import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type sqlite3 from 'sqlite3';
import type { Database, Statement } from 'sqlite3';
import { DataSource } from 'typeorm';
import { Settings } from '../config/settings.js';
import { sqlitePath } from './data-source.js';

const sqlite = createRequire(import.meta.url)('sqlite3') as typeof sqlite3;

/**
 * The fast way to read: plain rows, no entities. On SQLite it has a connection of its own, read-only, so that a
 * lookup never waits behind a write that is being flushed to disk; each statement is prepared once. What a write has
 * acknowledged is seen by the next read. On PostgreSQL it uses the data source's pool.
 */
@Injectable()
export class Reader implements OnApplicationShutdown {
  private readonly thisTurn = new Map<string, Promise<unknown[]>>();
  private readonly statements = new Map<string, Statement>();
  private connection: Promise<Database> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
  ) {}

  /**
   * The rows of one SELECT. Values stand as `$1`, `$2`, … in the order in which they first appear. The text must be
   * one of a fixed few, since each is kept prepared. Equal questions that are asked in one turn of the event loop are
   * asked of the database once, after all of them; so the rows are shared and must not be changed.
   */
  rows<Row>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const question = `${sql}\n${JSON.stringify(values)}`;
    let answer = this.thisTurn.get(question);
    if (!answer) {
      answer = nextTurn().then(() => {
        this.thisTurn.delete(question);
        return this.ask(sql, values);
      });
      this.thisTurn.set(question, answer);
    }
    return answer as Promise<readonly Row[]>;
  }

  async onApplicationShutdown(): Promise<void> {
    const connection = await this.connection;
    if (!connection) return;
    for (const statement of this.statements.values())
      await new Promise<void>((resolve) => statement.finalize(() => resolve()));
    await new Promise((resolve) => connection.close(resolve));
  }

  private async ask(sql: string, values: readonly unknown[]): Promise<unknown[]> {
    const path = sqlitePath(this.settings);
    if (path === undefined) return this.dataSource.query<unknown[]>(sql, [...values]);
    const statement = await this.prepare(path, sql);
    return new Promise((resolve, reject) => {
      statement.all(values, (error, rows) => {
        if (error) reject(error);
        else resolve(rows);
      });
    });
  }

  private async prepare(path: string, sql: string): Promise<Statement> {
    const prepared = this.statements.get(sql);
    if (prepared) return prepared;
    const connection = await (this.connection ??= openReadOnly(path));
    const statement = this.statements.get(sql) ?? connection.prepare(sql);
    this.statements.set(sql, statement);
    return statement;
  }
}

function openReadOnly(path: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite.Database(path, sqlite.OPEN_READONLY, (error) => {
      if (error) reject(error);
      else resolve(database);
    });
    database.configure('busyTimeout', 5_000);
  });
}
