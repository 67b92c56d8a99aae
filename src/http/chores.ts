import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { secondMs } from '../config/durations.js';
import { withQueryTimeout } from '../database/postgres-client.js';

interface Chore {
  /** How often, in milliseconds. */
  readonly every: number;
  readonly work: () => Promise<void> | void;
  /** What the log says where it fails: the next time it is tried again. */
  readonly fault: string;
  running?: Promise<void> | undefined;
}

/** So long a statement of a chore may take at least; else until the chore's next turn. */
const leastMs = 10 * secondMs;

/**
 * What the site does by itself, again and again, such as deleting what is over. Only a process that listens does it: a
 * command of the operator's may have other settings than the server, and must not forget by them.
 */
@Injectable()
export class Chores implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Chores');
  private readonly chores: Chore[] = [];
  private timers: NodeJS.Timeout[] = [];
  private isListening = false;

  constructor(private readonly host: HttpAdapterHost) {}

  /** Whether this process is the server, or one of them. */
  get areDone(): boolean {
    return this.isListening;
  }

  /** To be called before the start is over: does the work once the process listens, and every so many milliseconds. */
  every(milliseconds: number, work: () => Promise<void> | void, fault: string): void {
    this.chores.push({ every: milliseconds, work, fault });
  }

  onApplicationBootstrap(): void {
    (this.host.httpAdapter.getHttpServer() as Server).once('listening', () => {
      this.isListening = true;
      this.timers = this.chores.map((chore) => setInterval(() => this.begin(chore), chore.every).unref());
      for (const chore of this.chores) this.begin(chore);
    });
  }

  /** While the database is still open: what is under way is finished. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.chores.flatMap(({ running }) => running ?? []));
  }

  private begin(chore: Chore): void {
    chore.running ??= Promise.resolve()
      // a year of old rows takes longer to delete than anybody waits for a page
      .then(() => withQueryTimeout(Math.max(chore.every, leastMs), chore.work))
      .catch((error: unknown) => this.logger.warn({ err: error }, chore.fault))
      .finally(() => (chore.running = undefined));
  }
}
