import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { secondMs } from '../config/durations.js';

const timeoutMs = 3 * secondMs;

/** Knows whether the database answers, and takes what is written. */
@Injectable()
export class Answering {
  private asking: Promise<unknown> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /** @throws Error where it does not within three seconds. */
  async mustAnswer(): Promise<void> {
    this.asking ??= this.dataSource.query(this.question).finally(() => (this.asking = undefined));
    const timer = new AbortController();
    const tooLate = sleep(timeoutMs, undefined, { signal: timer.signal }).then(
      () => Promise.reject(new Error('The database does not answer in time.')),
      () => undefined,
    );
    await Promise.race([this.asking, tooLate]).finally(() => timer.abort());
  }

  /** On SQLite a read goes past a lock that holds up every write: so it writes, but nothing. */
  private get question(): string {
    const isPostgres = this.dataSource.options.type === 'postgres';
    return isPostgres ? 'SELECT 1' : 'UPDATE "migrations" SET "name" = "name" WHERE 1 = 0';
  }
}
