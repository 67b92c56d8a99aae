import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { secondMs } from '../config/durations.js';
import { withQueryTimeout } from '../database/postgres-client.js';

interface Chore {
  /** How often, in milliseconds. */
  readonly every: number;
  readonly work: () => Promise<void> | void;
  /** The log message if the work fails. The work is tried again the next time. */
  readonly fault: string;
  running?: Promise<void> | undefined;
}

/**
 * How long a statement of a chore may take at least, in milliseconds. If the chore's interval is longer, the limit is
 * the interval.
 */
const leastMs = 10 * secondMs;

/**
 * Regular work of the site, such as deleting what has expired. Only a process that listens does it. An operator's
 * command may have other settings than the server, and must not delete by them.
 */
@Injectable()
export class Chores implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Chores');
  private readonly chores: Chore[] = [];
  private timers: NodeJS.Timeout[] = [];
  private isListening = false;

  constructor(private readonly host: HttpAdapterHost) {}

  /** Whether this process does chores, because it is a server. */
  get areDone(): boolean {
    return this.isListening;
  }

  /** Call this before the start is over. Does the work when the process begins to listen, and then at each interval. */
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

  /** Waits for work that runs, while the database is still open. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.chores.flatMap(({ running }) => running ?? []));
  }

  private begin(chore: Chore): void {
    chore.running ??= Promise.resolve()
      // to delete a year of old rows takes longer than a person waits for a page
      .then(() => withQueryTimeout(Math.max(chore.every, leastMs), chore.work))
      .catch((error: unknown) => this.logger.warn({ err: error }, chore.fault))
      .finally(() => (chore.running = undefined));
  }
}
