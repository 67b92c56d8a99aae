import { ForbiddenException, Injectable, Logger, NotFoundException, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { secondMs } from '../config/durations.js';
import { eachInTurn, LongWork } from '../database/long-work.js';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import type { Viewer } from '../http/access.js';
import type { ByteRange } from '../store/byte-range.js';
import { updateEntry, type LedgerEntry, type GrantRequest, type EndedAnswer } from './download-ledger.js';

/** The part of a file that is to be sent. */
export interface Part {
  readonly fileId: string;
  readonly versionId: string;
  /** The size of the whole version, in bytes. */
  readonly size: number;
  /** How many downloads of the version the member has; no limit if null. */
  readonly memberLimit: number | null;
  readonly range: ByteRange;
  /** Whether it is sent from the address of the featured file. */
  readonly asFeatured?: boolean;
}

/** How long a stopping site waits until all that was sent is written down, in milliseconds. */
const endMs = 5 * secondMs;

/** Permission to send a part of a file. */
export interface Grant {
  /** Call this once, when the answer is over, with the number of bytes that were sent from the start of the part. */
  close(sent: number): void;
}

/** What is still to be written to the ledger, for one member and one version. */
interface PendingEntry {
  readonly memberId: string;
  readonly fileId: string;
  readonly versionId: string;
  readonly size: number;
  readonly asked: GrantRequest[];
  readonly ended: EndedAnswer[];
  asFeatured: boolean;
  isWriting: boolean;
  /** Whether it waits for its member's turn to be written. */
  isQueued: boolean;
}

/**
 * Counts downloads. When a member is sent the first bytes of a version, one download is counted and a grant opens.
 * Under the grant, further ranges of that version are free for 24 hours, until about twice its size was sent. The count
 * is written before the first byte is sent; which bytes were sent is written once the answer is over. All answers to
 * one member about one version are written by one statement, which changes a row only if it is still as it was read. So
 * several processes can count at once.
 */
@Injectable()
export class Grants implements OnApplicationShutdown {
  private readonly logger = new Logger('Grants');
  private readonly pending = new Map<string, PendingEntry>();
  private readonly known = new LRUCache<string, LedgerEntry>({ max: 10_000 });
  private closing = 0;

  constructor(
    private readonly writer: Writer,
    private readonly reader: Reader,
    private readonly work: LongWork,
  ) {}

  /**
   * Gives a member permission to be sent a part of a file. If the member has an open grant, the part is sent under it.
   * If not, a download is counted and a new grant opens.
   *
   * @throws ForbiddenException if no download is left, of the member's own or of all members' together.
   * @throws NotFoundException if the version was deleted meanwhile.
   */
  async open(viewer: Pick<Viewer, 'id'>, part: Part): Promise<Grant> {
    const { range, memberLimit } = part;
    const bytes = range.end - range.start + 1;
    const grant = await new Promise<number>((grantedAt, refused) => {
      const entry = this.pendingOf(viewer.id, part);
      entry.asFeatured ||= part.asFeatured === true;
      entry.asked.push({ bytes, memberLimit, grantedAt, refused });
      if (!entry.isWriting) void this.writeDown(entry);
    });
    return {
      close: (sent) => {
        const entry = this.pendingOf(viewer.id, part);
        entry.ended.push({ grant, unsent: bytes - sent, start: range.start, end: range.start + sent - 1 });
        this.queue(entry);
      },
    };
  }

  /** Calls any number of functions that close grants of one member. Other members get a turn in between. */
  async closeAll(member: Pick<Viewer, 'id'>, closings: Iterable<() => void>): Promise<void> {
    this.closing++;
    try {
      await eachInTurn(this.work.of(member), closings, (close) => close());
    } finally {
      this.closing--;
    }
  }

  /** Whether all answers that have ended are written down. */
  get areSettled(): boolean {
    return this.pending.size + this.closing === 0;
  }

  /** Writes down the answers that have ended, and waits at most `endMs` for a database that does not answer. */
  async onApplicationShutdown(): Promise<void> {
    const latest = Date.now() + endMs;
    while (!this.areSettled && Date.now() < latest) await sleep(10);
    if (!this.areSettled) this.logger.warn('some of what was sent could not be written down before the end');
  }

  private pendingOf(memberId: string, { fileId, versionId, size }: Part): PendingEntry {
    const key = keyOf({ memberId, versionId });
    const empty = { asked: [], ended: [], asFeatured: false, isWriting: false, isQueued: false };
    const entry = this.pending.get(key) ?? { memberId, fileId, versionId, size, ...empty };
    this.pending.set(key, entry);
    return entry;
  }

  /**
   * Writes ended answers later, in their member's turn. A zip ends thousands of answers at once, and new answers must
   * not wait for them.
   */
  private queue(entry: PendingEntry): void {
    if (entry.isWriting || entry.isQueued) return;
    entry.isQueued = true;
    void this.work.of({ id: entry.memberId })(() => {
      const isLeft = this.pending.get(keyOf(entry)) === entry && !entry.isWriting;
      return isLeft ? this.writeDown(entry) : undefined;
    });
  }

  private async writeDown(entry: PendingEntry): Promise<void> {
    entry.isWriting = true;
    await nextTurn();
    while (entry.asked.length > 0 || entry.ended.length > 0) {
      const [asked, ended] = [entry.asked.splice(0), entry.ended.splice(0)];
      try {
        await this.settle(entry, asked, ended);
      } catch (error) {
        for (const { refused } of asked) refused(error);
        if (ended.length > 0) this.logger.warn({ err: error }, 'what was sent could not be written down');
      }
    }
    // in the same step as the last check, so that a request that comes next starts a new entry
    this.pending.delete(keyOf(entry));
  }

  private async settle(entry: PendingEntry, asked: GrantRequest[], ended: EndedAnswer[]): Promise<void> {
    for (;;) {
      const before = this.known.get(keyOf(entry)) ?? (await this.read(entry));
      const { after, isChanged, granted, refused, left } = updateEntry(before, entry.size, asked, ended, Date.now());
      try {
        // without a row or a new grant, no answer can have ended
        const isWritten = !isChanged || (!before && granted.length === 0) || (await this.store(entry, before, after));
        if (!isWritten) {
          this.known.delete(keyOf(entry));
          continue;
        }
      } catch (error) {
        this.known.delete(keyOf(entry));
        if (!isSpent(error)) throw isGone(error) ? new NotFoundException('There is no such file here for you.') : error;
        // all members' downloads are used up: refuse the requests that need one, and try again for those under an open
        // grant
        const spenders = granted.filter(({ spends }) => spends).map(({ asked: one }) => one);
        for (const one of spenders) one.refused(new ForbiddenException('Every download of this file is spent.'));
        asked = asked.filter((one) => !spenders.includes(one));
        continue;
      }
      if (granted.length > 0 || before) this.known.set(keyOf(entry), after);
      for (const { asked: one, grant } of granted) one.grantedAt(grant);
      for (const one of refused)
        one.refused(new ForbiddenException('You have downloaded this file as often as you may.'));
      entry.asked.unshift(...left);
      return;
    }
  }

  private async read({ memberId, versionId }: PendingEntry): Promise<LedgerEntry | undefined> {
    const [row] = await this.reader.rows<Record<keyof LedgerEntry, string | number>>(
      `SELECT "spent", "openedAt", "grantedBytes", "coverage", "coveredBytes" FROM "downloads"
       WHERE "memberId" = $1 AND "versionId" = $2`,
      [memberId, versionId],
    );
    return (
      row && {
        spent: Number(row.spent),
        openedAt: Number(row.openedAt),
        grantedBytes: Number(row.grantedBytes),
        coverage: String(row.coverage),
        coveredBytes: Number(row.coveredBytes),
      }
    );
  }

  /** Writes an entry if it is still as it was read, and says whether it was. */
  private async store(entry: PendingEntry, before: LedgerEntry | undefined, after: LedgerEntry): Promise<boolean> {
    const { memberId, versionId, fileId, size, asFeatured } = entry;
    const now = Date.now();
    const isComplete = after.coveredBytes === size;
    const { spent, openedAt, grantedBytes, coverage, coveredBytes } = after;
    const rows = before
      ? await this.writer.quickly(
          `UPDATE "downloads" SET "spent" = $1, "openedAt" = $2, "grantedBytes" = $3, "coverage" = $4,
             "coveredBytes" = $5, "lastAt" = $6, "completedAt" = COALESCE("completedAt", $7),
             "asFeatured" = ("asFeatured" OR $8)
           WHERE "memberId" = $9 AND "versionId" = $10 AND "spent" = $11 AND "openedAt" = $12 AND "grantedBytes" = $13
             AND "coverage" = $14
           RETURNING "spent"`,
          [
            ...[spent, openedAt, grantedBytes, coverage, coveredBytes, now, isComplete ? now : null, asFeatured],
            ...[memberId, versionId, before.spent, before.openedAt, before.grantedBytes, before.coverage],
          ],
        )
      : await this.writer.quickly(
          `INSERT INTO "downloads" ("memberId", "versionId", "fileId", "spent", "openedAt", "grantedBytes", "firstAt",
             "lastAt", "completedAt", "asFeatured")
           VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING "spent"`,
          [memberId, versionId, fileId, spent, openedAt, grantedBytes, now, isComplete ? now : null, asFeatured],
        );
    return rows.length > 0;
  }
}

const keyOf = ({ memberId, versionId }: Pick<PendingEntry, 'memberId' | 'versionId'>) => `${memberId} ${versionId}`;

const isSpent = (error: unknown) => (error as Error).message.includes('every download of this file is spent');
const isGone = (error: unknown) => /foreign key/i.test((error as Error).message);
