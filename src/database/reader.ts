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

/** So many long questions of one member wait at a time. */
const mostWaiting = 20;

/**
 * The fast way to read: plain rows, no entities. On SQLite it has a connection of its own, read-only, so that a
 * lookup never waits behind a write that is being flushed to disk; each statement is prepared once. What a write has
 * acknowledged is seen by the next read. On PostgreSQL it uses the data source's pool.
 */
@Injectable()
export class Reader {
  private readonly asked = new Map<string, Promise<unknown[]>>();
  private readonly waiting = new Map<string, Promise<unknown[]>>();
  /** Long questions that wait for their turn, by who asks and by what is asked. */
  private readonly waitingLong = new Map<string, Map<string, Promise<unknown[]>>>();
  private readonly connection: SqliteConnection | undefined;
  /** For what takes long, so that what is short does not wait behind it. */
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
   * The rows of one SELECT. Values stand as `$1`, `$2`, … in the order in which they first appear. The text must be
   * one of a fixed few, since each is kept prepared. Of equal questions one is asked at a time: those that come
   * meanwhile share the next, which is asked after all of them; so the rows are shared and must not be changed.
   */
  rows<Row>(sql: string, given: readonly unknown[] = []): Promise<readonly Row[]> {
    const values = given.map(bound);
    const question = `${sql}\n${JSON.stringify(values)}`;
    const waiting = this.waiting.get(question) ?? this.askInTurn(question, sql, values);
    return waiting as Promise<readonly Row[]>;
  }

  /**
   * As `rows`, for a question whose cost grows with how much there is, such as a search: one at a time, in the turn of
   * the member who asks, and beside what is short. Equal questions of one member that wait share one answer.
   *
   * @throws HttpException (429) if twenty others of the same member wait.
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
