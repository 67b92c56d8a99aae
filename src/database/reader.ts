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
  private readonly asked = new Map<string, Promise<unknown[]>>();
  private readonly waiting = new Map<string, Promise<unknown[]>>();
  private readonly statements = new Map<string, Promise<Statement>>();
  private connection: Promise<Database> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
  ) {}

  /**
   * The rows of one SELECT. Values stand as `$1`, `$2`, … in the order in which they first appear. The text must be
   * one of a fixed few, since each is kept prepared. Of equal questions one is asked at a time: those that come
   * meanwhile share the next, which is asked after all of them; so the rows are shared and must not be changed.
   */
  rows<Row>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const question = `${sql}\n${JSON.stringify(values)}`;
    const waiting = this.waiting.get(question) ?? this.askInTurn(question, sql, values);
    return waiting as Promise<readonly Row[]>;
  }

  async onApplicationShutdown(): Promise<void> {
    const connection = await this.connection;
    if (!connection) return;
    // one that cannot be prepared has nothing to be given back
    for (const preparing of await Promise.allSettled(this.statements.values()))
      if (preparing.status === 'fulfilled')
        await new Promise<void>((resolve) => preparing.value.finalize(() => resolve()));
    await new Promise((resolve) => connection.close(resolve));
  }

  private askInTurn(question: string, sql: string, values: readonly unknown[]): Promise<unknown[]> {
    const turn = Promise.allSettled([this.asked.get(question), nextTurn()]);
    const waiting = turn.then(() => {
      this.waiting.delete(question);
      const answer = this.ask(sql, values).finally(() => {
        if (this.asked.get(question) === answer) this.asked.delete(question);
      });
      this.asked.set(question, answer);
      return answer;
    });
    this.waiting.set(question, waiting);
    return waiting;
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

  /** Each statement once, for whoever asks at the same time too; one that cannot be prepared is tried anew the next time. */
  private prepare(path: string, sql: string): Promise<Statement> {
    const known = this.statements.get(sql);
    if (known) return known;
    const preparing = (this.connection ??= openReadOnly(path)).then((connection) => prepareOn(connection, sql));
    this.statements.set(sql, preparing);
    preparing.catch(() => this.statements.delete(sql));
    return preparing;
  }
}

function prepareOn(connection: Database, sql: string): Promise<Statement> {
  return new Promise((resolve, reject) => {
    const statement = connection.prepare(sql, (error: Error | null) => {
      if (error) reject(error);
      else resolve(statement);
    });
  });
}

function openReadOnly(path: string): Promise<Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite.Database(path, sqlite.OPEN_READONLY, (error) => {
      if (error) reject(error);
      else resolve(database);
    });
    database.configure('busyTimeout', 5_000);
    // one thread for it, and no more: those of a connection would wait for each other
    database.serialize();
  });
}
