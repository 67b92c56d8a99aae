import { secondMs } from '../config/durations.js';

/** So long a statement waits for a database that another process has locked, its turn included. */
const timeoutMs = 5 * secondMs;
/** So long one try of SQLite's own may take. */
export const tryMs = secondMs;

/**
 * Lets the statements of one connection to SQLite run in a row. While another process has the database locked, each waits
 * five seconds at most, however many stand before it, and what was waited for in vain is never run.
 */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private isLocked = false;

  /** Runs a statement in its turn. @throws Error with the code SQLITE_BUSY where the database stayed locked. */
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
