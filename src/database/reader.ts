import { HttpException, HttpStatus, Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Settings } from '../config/settings.js';
import { sqlitePath } from './data-source.js';
import { bound } from './instants.js';
import { LongWork } from './long-work.js';
import { withoutQueryTimeout } from './postgres-client.js';
import { closeBefore } from './site.js';
import { SqliteConnection } from './sqlite-connection.js';

/** How many long queries of one member can wait at the same time. */
const mostWaiting = 20;

/**
 * The fast way to read: plain rows, no entities. On SQLite it has its own read-only connections, so that a lookup never
 * waits for a write that is being flushed to disk. Each statement is prepared once. A read sees every write that
 * finished before it. On PostgreSQL it uses the data source's pool.
 */
@Injectable()
export class Reader {
  private readonly asked = new Map<string, Promise<unknown[]>>();
  private readonly waiting = new Map<string, Promise<unknown[]>>();
  /** The long queries that wait for their turn, by member and then by query. */
  private readonly waitingLong = new Map<string, Map<string, Promise<unknown[]>>>();
  private readonly connection: SqliteConnection | undefined;
  /** A connection for long queries, so that short queries do not wait for them. */
  private readonly aside: SqliteConnection | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly work: LongWork,
    settings: Settings,
  ) {
    const path = sqlitePath(settings);
    if (path === undefined) return;
    this.connection = new SqliteConnection(path, 'read-only');
    this.aside = new SqliteConnection(path, 'read-only');
    closeBefore(dataSource, this.connection);
    closeBefore(dataSource, this.aside);
  }

  /**
   * The rows of one SELECT. Write the values as `$1`, `$2`, … in the order in which they first appear. Each SQL text
   * stays prepared, so use only a small fixed set of texts. Equal queries run one at a time. Callers that ask during
   * one run share the next run. They share its rows too, so do not change the rows.
   */
  rows<Row>(sql: string, given: readonly unknown[] = []): Promise<readonly Row[]> {
    const values = given.map(bound);
    const question = `${sql}\n${JSON.stringify(values)}`;
    const waiting = this.waiting.get(question) ?? this.askInTurn(question, sql, values);
    return waiting as Promise<readonly Row[]>;
  }

  /**
   * Like `rows`, for a query that takes longer the more data there is, such as a search. These queries run one at a
   * time, in the turn of the member who asks, and do not delay short queries. Equal queries of one member that wait
   * share one answer.
   *
   * @throws HttpException (429) if twenty other queries of the same member wait.
   */
  async longRows<Row>(asker: { readonly id: string }, sql: string, given: readonly unknown[]): Promise<readonly Row[]> {
    const values = given.map(bound);
    const question = `${sql}\n${JSON.stringify(values)}`;
    const own = this.waitingLong.get(asker.id) ?? new Map<string, Promise<unknown[]>>();
    const waiting = own.get(question);
    if (waiting) return waiting as Promise<readonly Row[]>;
    if (own.size >= mostWaiting)
      throw new HttpException(
        'You have asked for much at once. Wait for its answers first.',
        HttpStatus.TOO_MANY_REQUESTS,
      );
    const answer = this.work.of(asker)(() => {
      own.delete(question);
      if (own.size === 0) this.waitingLong.delete(asker.id);
      return this.ask(sql, values, this.aside);
    });
    own.set(question, answer);
    this.waitingLong.set(asker.id, own);
    return answer as Promise<readonly Row[]>;
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

  private ask(sql: string, values: readonly unknown[], connection = this.connection): Promise<unknown[]> {
    if (connection) return connection.rows(sql, values);
    return withoutQueryTimeout(() => this.dataSource.query<unknown[]>(sql, [...values]));
  }
}
