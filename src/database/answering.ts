import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { secondMs } from '../config/durations.js';

const timeoutMs = 3 * secondMs;

/** Checks whether the database answers and accepts writes. */
@Injectable()
export class Answering {
  private asking: Promise<unknown> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /** @throws Error if the database does not answer within three seconds, or refuses. */
  async mustAnswer(): Promise<void> {
    this.asking ??= this.dataSource.query(this.question).finally(() => (this.asking = undefined));
    const timer = new AbortController();
    const tooLate = sleep(timeoutMs, undefined, { signal: timer.signal }).then(
      () => Promise.reject(new Error('The database does not answer in time.')),
      () => undefined,
    );
    await Promise.race([this.asking, tooLate]).finally(() => timer.abort());
  }

  /** On SQLite a lock can block every write and still allow reads. So this is a write, but it changes no row. */
  private get question(): string {
    const isPostgres = this.dataSource.options.type === 'postgres';
    return isPostgres ? 'SELECT 1' : 'UPDATE "migrations" SET "name" = "name" WHERE 1 = 0';
  }
}
