import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ServerResponse } from 'node:http';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import { hourMs } from '../config/durations.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';

/** In an hour, in this process: of one thing by one member, and of all things by one member. */
const most = { ofOne: 10, ofAll: 1_000 };

/** What a member is sent. */
interface Download {
  readonly kind: Extract<EventKind, 'file.downloaded' | 'file.part-downloaded' | 'collection.downloaded'>;
  /** Of the file, or of the collection. */
  readonly id: string;
  /** What it is called. */
  readonly name: string;
}

/**
 * Writes down how downloads ended, of one member so many an hour: a program may ask for thousands, and what is written
 * down is kept for a year. Which bytes went is counted elsewhere, all of them.
 */
@Injectable()
export class DownloadNotes {
  private readonly logger = new Logger('Downloads');
  private readonly counts = new LRUCache<string, { count: number }>({ max: 20_000, ttl: hourMs });

  constructor(private readonly activity: ActivityService) {}

  /** Writes down how an answer ended, once it has. */
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
