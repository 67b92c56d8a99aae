import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { minuteMs } from '../config/durations.js';
import { Writer } from '../database/writer.js';
import type { Viewer } from '../http/access.js';

/** A member who looks again after this long begins another visit. */
const pause = 30 * minuteMs;

/** When members looked at the shelf: what came since their visit before is new to them. */
@Injectable()
export class ShelfVisits {
  /** What was written within the last minute: who turns pages costs no statement. */
  private readonly recent = new LRUCache<string, Date>({ max: 10_000, ttl: minuteMs });

  constructor(private readonly writer: Writer) {}

  /** Notes that a member looks now, and gives the time of their visit before; in their first visit, when that began. */
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
