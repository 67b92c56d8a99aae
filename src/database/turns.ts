import { secondMs } from '../config/durations.js';

/**
 * How long a statement waits while another process has the database locked, in milliseconds. This includes the wait for
 * its turn.
 */
const timeoutMs = 5 * secondMs;
/** How long one try of SQLite itself may wait for a lock, in milliseconds. */
export const tryMs = secondMs;

/**
 * Runs the statements of one SQLite connection one after the other. While another process has the database locked, each
 * statement waits at most five seconds, however many are before it. A statement that waited too long never runs.
 */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private isLocked = false;

  /** Runs a statement in its turn. @throws Error with the code SQLITE_BUSY if the database stays locked. */
  take<Done>(ask: () => Promise<Done>): Promise<Done> {
    const deadline = Date.now() + timeoutMs;
    const mine = this.last.then(() => this.ask(ask, deadline));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  private async ask<Done>(ask: () => Promise<Done>, deadline: number): Promise<Done> {
    for (;;) {
      if (this.isLocked && Date.now() >= deadline)
        throw Object.assign(new Error('SQLITE_BUSY: database is locked'), { code: 'SQLITE_BUSY' });
      try {
        const done = await ask();
        this.isLocked = false;
        return done;
      } catch (error) {
        this.isLocked = (error as NodeJS.ErrnoException).code === 'SQLITE_BUSY';
        if (!this.isLocked) throw error;
      }
    }
  }
}
