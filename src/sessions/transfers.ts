import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { secondMs } from '../config/durations.js';
import type { Viewer } from '../http/access.js';
import { SessionsService } from './sessions.service.js';

/**
 * Tracks which long answers, such as downloads, belong to which session, and cuts them when the session ends. A
 * transfer outlives its session by about a second at most, even if another process ended the session.
 */
@Injectable()
export class Transfers implements OnApplicationShutdown {
  private readonly logger = new Logger('Transfers');
  private readonly flowing = new Map<ServerResponse, Viewer>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly sessions: SessionsService) {}

  /** Ties an answer to the session of its request until the answer is sent or cut. */
  follow(response: ServerResponse, viewer: Viewer): void {
    if (response.destroyed) return;
    this.flowing.set(response, viewer);
    response.once('close', () => void this.flowing.delete(response));
    this.timer ??= setTimeout(() => void this.look(), secondMs).unref();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    try {
      await Promise.all([...this.flowing].map(([response, viewer]) => this.lookAt(response, viewer)));
    } catch (error) {
      this.logger.warn({ err: error }, 'it could not be looked up which downloads may go on');
    }
    this.timer = this.flowing.size > 0 ? setTimeout(() => void this.look(), secondMs).unref() : undefined;
  }

  private async lookAt(response: ServerResponse, { session: { id } }: Viewer): Promise<void> {
    const viewer = await this.sessions.findLive(id);
    // a running download counts as use, so that it does not let its own session time out
    if (viewer) await this.sessions.touch(viewer);
    else response.destroy();
  }
}
