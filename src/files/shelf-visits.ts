import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { minuteMs } from '../config/durations.js';
import { Writer } from '../database/writer.js';
import type { Viewer } from '../http/access.js';

/** If a member comes back after a longer pause than this, a new visit begins. In milliseconds. */
const pause = 30 * minuteMs;

/** Notes when members look at their files. A file that came after a member's visit before is shown to them as new. */
@Injectable()
export class ShelfVisits {
  /** The answers of the last minute, so that a member who turns pages needs no statement. */
  private readonly recent = new LRUCache<string, Date>({ max: 10_000, ttl: minuteMs });

  constructor(private readonly writer: Writer) {}

  /** Notes that a member looks now. Returns the end of their visit before or, in their first visit, the start of it. */
  async note({ id }: Pick<Viewer, 'id'>): Promise<Date> {
    const known = this.recent.get(id);
    if (known) return known;
    const now = Date.now();
    const [row] = await this.writer.quickly<{ sinceAt: number | string }>(
      `INSERT INTO "shelf_visits" ("memberId", "seenAt", "sinceAt") VALUES ($1, $2, $2)
       ON CONFLICT ("memberId") DO UPDATE SET
         "sinceAt" = CASE WHEN "shelf_visits"."seenAt" < $3 THEN "shelf_visits"."seenAt" ELSE "shelf_visits"."sinceAt" END,
         "seenAt" = $2
       RETURNING "sinceAt"`,
      [id, now, now - pause],
    );
    const since = new Date(Number(row?.sinceAt ?? now));
    this.recent.set(id, since);
    return since;
  }
}
