import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ServerResponse } from 'node:http';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import { hourMs } from '../config/durations.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';

/** How many downloads of one member this process logs in an hour: of one file or collection, and in total. */
const most = { ofOne: 10, ofAll: 1_000 };

/** A download to log. */
interface Download {
  readonly kind: Extract<EventKind, 'file.downloaded' | 'file.part-downloaded' | 'collection.downloaded'>;
  /** The id of the file or the collection. */
  readonly id: string;
  /** The name of the file or the collection. */
  readonly name: string;
}

/**
 * Logs how downloads ended, up to a limit for each member and hour. A program may ask for thousands of downloads, and
 * the log is kept for a year. `Grants` counts all downloads, without this limit.
 */
@Injectable()
export class DownloadNotes {
  private readonly logger = new Logger('Downloads');
  private readonly counts = new LRUCache<string, { count: number }>({ max: 20_000, ttl: hourMs });

  constructor(private readonly activity: ActivityService) {}

  /** Logs how an answer ended, once it has ended. */
  noteEnd(response: ServerResponse, { kind, id, name }: Download, member: Viewer, caller: Caller): void {
    if (!this.mayNote(`${member.id} ${kind} ${id}`, most.ofOne) || !this.mayNote(member.id, most.ofAll)) return;
    response.once('close', () => {
      const outcome = response.writableFinished ? 'success' : 'broken';
      this.activity
        .record({ kind, outcome, member, target: name }, caller)
        .catch((error: unknown) => this.logger.warn({ err: error }, 'a download could not be written down'));
    });
  }

  private mayNote(key: string, limit: number): boolean {
    const known = this.counts.get(key);
    if (known) return ++known.count <= limit;
    this.counts.set(key, { count: 1 });
    return true;
  }
}
