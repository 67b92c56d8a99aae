import { ForbiddenException, Injectable, Logger, NotFoundException } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import type { Viewer } from '../http/access.js';
import { bytesOf, join, readCoverage, writeCoverage, type Coverage } from './coverage.js';
import type { ByteRange } from './file-store.js';

/** For so long, in milliseconds, a download that was spent may be taken up again. */
export const grantLasts = 24 * 3_600_000;

/** What of a file is to be sent. */
export interface Part {
  readonly fileId: string;
  readonly versionId: string;
  /** Of the whole version, in bytes. */
  readonly size: number;
  readonly range: ByteRange;
}

/** Leave to send a part of a file. */
export interface Grant {
  /** To be called once, when the answer is over: with the bytes that were sent, from the start of the part on. */
  close(sent: number): void;
}

interface Row {
  readonly openedAt: number | string;
  readonly coverage: string;
}

/** What is not written down yet of one member and one version. */
interface Ended {
  readonly memberId: string;
  readonly versionId: string;
  readonly size: number;
  coverage: string;
  sent: ByteRange[];
  /** Bytes that were reserved and not sent, by the grant that they were reserved under. */
  readonly unsent: Map<number, number>;
}

/**
 * Counts downloads. The first bytes that a member is sent of a version spend one and open a grant: for 24 hours, and
 * until about twice its size was sent, ranges and resumes of that version are free. What is spent is written down
 * before the first byte goes out; which bytes went, once the answer is over.
 */
@Injectable()
export class Grants {
  private readonly logger = new Logger('Grants');
  private readonly ended = new Map<string, Ended>();
  private readonly writing = new Map<string, Promise<void>>();

  constructor(
    private readonly writer: Writer,
    private readonly reader: Reader,
  ) {}

  /**
   * Leave for a member to be sent a part, under the grant that is open, else one that is spent now.
   *
   * @throws ForbiddenException where every download of the file is spent, theirs or all there are.
   * @throws NotFoundException where the version has gone meanwhile.
   */
  async open({ id: memberId }: Pick<Viewer, 'id'>, { fileId, versionId, size, range }: Part): Promise<Grant> {
    const reserved = range.end - range.start + 1;
    const now = Date.now();
    const values = [memberId, versionId, fileId, now, reserved, now - grantLasts, 2 * Math.max(size, 1)];
    const [row] = await this.writer.rows<Row>(spend, values).catch(refuse);
    if (!row) throw new ForbiddenException('You have downloaded this file as often as you may.');
    const openedAt = Number(row.openedAt);
    return {
      close: (sent) => this.end({ memberId, versionId, size, coverage: row.coverage }, range, sent, openedAt),
    };
  }

  /** Waits until all that has ended is written down. */
  async settle(): Promise<void> {
    while (this.writing.size > 0) await Promise.all(this.writing.values());
  }

  private end(known: Omit<Ended, 'sent' | 'unsent'>, range: ByteRange, sent: number, openedAt: number): void {
    const key = `${known.memberId} ${known.versionId}`;
    const ended = this.ended.get(key) ?? { ...known, sent: [], unsent: new Map<number, number>() };
    const unsent = range.end - range.start + 1 - sent;
    if (sent > 0) ended.sent.push({ start: range.start, end: range.start + sent - 1 });
    if (unsent > 0) ended.unsent.set(openedAt, (ended.unsent.get(openedAt) ?? 0) + unsent);
    this.ended.set(key, ended);
    if (this.writing.has(key)) return;
    const writing = this.writeDown(key)
      .catch((error: unknown) => this.logger.warn({ err: error }, 'what was sent could not be written down'))
      .finally(() => this.writing.delete(key));
    this.writing.set(key, writing);
  }

  /** One member's parts of one version one after the other; what ends meanwhile goes together. */
  private async writeDown(key: string): Promise<void> {
    for (let ended = this.ended.get(key); ended; ended = this.ended.get(key)) {
      this.ended.delete(key);
      for (const [openedAt, bytes] of ended.unsent)
        await this.writer.rows(giveBack, [bytes, ended.memberId, ended.versionId, openedAt]);
      await this.cover(ended);
    }
  }

  private async cover({ memberId, versionId, size, coverage: known, sent }: Ended): Promise<void> {
    for (let before = known; ;) {
      const coverage: Coverage = join(readCoverage(before), sent);
      const after = writeCoverage(coverage);
      // nothing to add; of an empty file, everything was sent with nothing
      if (after === before && size > 0) return;
      const bytes = bytesOf(coverage);
      const now = Date.now();
      const values = [after, bytes, now, bytes === size ? now : null, memberId, versionId, before];
      if ((await this.writer.rows(write, values)).length > 0) return;
      // another process has written meanwhile
      const [row] = await this.reader.rows<Pick<Row, 'coverage'>>(read, [memberId, versionId]);
      if (!row) return;
      before = row.coverage;
    }
  }
}

const isOpen = `("downloads"."openedAt" > $6 AND "downloads"."grantedBytes" < $7)`;

/**
 * Bytes are reserved before they are sent, so that many at once are not all free. Nothing comes back where the member
 * has no download left; where nobody has, a trigger refuses.
 */
const spend = `
  INSERT INTO "downloads"
    ("memberId", "versionId", "fileId", "spent", "openedAt", "grantedBytes", "firstAt", "lastAt")
  VALUES ($1, $2, $3, 1, $4, $5, $4, $4)
  ON CONFLICT ("memberId", "versionId") DO UPDATE SET
    "spent" = "downloads"."spent" + CASE WHEN ${isOpen} THEN 0 ELSE 1 END,
    "openedAt" = CASE WHEN ${isOpen} THEN "downloads"."openedAt" ELSE excluded."openedAt" END,
    "grantedBytes" = CASE WHEN ${isOpen} THEN "downloads"."grantedBytes" ELSE 0 END + excluded."grantedBytes",
    "lastAt" = excluded."lastAt"
  WHERE ${isOpen} OR COALESCE(
    "downloads"."spent" < (SELECT "memberLimit" FROM "files" WHERE "files"."id" = "downloads"."fileId"), true)
  RETURNING "openedAt", "coverage"`;

const giveBack = `
  UPDATE "downloads" SET "grantedBytes" = "grantedBytes" - $1
  WHERE "memberId" = $2 AND "versionId" = $3 AND "openedAt" = $4 RETURNING "grantedBytes"`;

const write = `
  UPDATE "downloads" SET
    "coverage" = $1, "coveredBytes" = $2, "lastAt" = $3, "completedAt" = COALESCE("completedAt", $4)
  WHERE "memberId" = $5 AND "versionId" = $6 AND "coverage" = $7 RETURNING "coveredBytes"`;

const read = `SELECT "coverage" FROM "downloads" WHERE "memberId" = $1 AND "versionId" = $2`;

function refuse(error: unknown): never {
  const { message } = error as Error;
  if (message.includes('every download of this file is spent'))
    throw new ForbiddenException('Every download of this file is spent.');
  if (/foreign key/i.test(message)) throw new NotFoundException('There is no such file here for you.');
  throw error;
}
