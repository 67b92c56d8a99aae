import { Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { secondMs } from '../config/durations.js';

/** Tracks the requests in flight, and whether the process still takes new ones. */
@Injectable()
export class Lifecycle {
  private readonly inFlight = new Set<ServerResponse>();
  private emptied: (() => void) | undefined;
  private draining = false;

  get isDraining(): boolean {
    return this.draining;
  }

  track(response: ServerResponse): void {
    this.inFlight.add(response);
    response.once('close', () => {
      this.inFlight.delete(response);
      if (this.inFlight.size === 0) this.emptied?.();
    });
  }

  /** Refuses new requests and waits for those in flight to finish, at most `seconds`. Then it cuts off the rest. */
  async drain(seconds: number): Promise<void> {
    this.draining = true;
    if (this.inFlight.size === 0) return;
    const timer = new AbortController();
    const empty = new Promise<void>((resolve) => (this.emptied = resolve));
    const deadline = sleep(seconds * secondMs, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([empty, deadline]);
    timer.abort();
    for (const response of this.inFlight) response.destroy();
  }
}
