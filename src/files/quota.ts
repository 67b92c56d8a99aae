import { HttpException, HttpStatus, Injectable } from '@nestjs/common';
import { statfs } from 'node:fs/promises';
import pLimit from 'p-limit';
import { Settings } from '../config/settings.js';
import { Reader } from '../database/reader.js';

/** Of the disk, so many bytes stay free: the database must be able to write while files cannot. */
const reserve = 32 * 1_024 * 1_024;

/** 507: there is no room for these bytes. */
class InsufficientStorage extends HttpException {
  constructor() {
    super('There is no room for this file. Make some, then try again.', HttpStatus.INSUFFICIENT_STORAGE);
  }
}

/** How much more may be taken in: what the quota of the library leaves, and the disk. */
@Injectable()
export class Quota {
  private readonly inTurn = pLimit(1);

  constructor(
    private readonly settings: Settings,
    private readonly reader: Reader,
  ) {}

  /**
   * Looks whether so many bytes fit, of which some lie on the disk already.
   *
   * @throws InsufficientStorage if they do not.
   */
  async mustFit(bytes: number, written = 0): Promise<void> {
    const { dataDir, libraryQuota } = this.settings;
    const disk = await statfs(dataDir);
    if (disk.bavail * disk.bsize - (bytes - written) < reserve) throw new InsufficientStorage();
    if (libraryQuota !== undefined && (await this.used()) + bytes > libraryQuota) throw new InsufficientStorage();
  }

  /**
   * Does what takes so many bytes where they fit, one such thing after the other: many at once cannot pass the quota
   * together.
   *
   * @throws InsufficientStorage if they do not.
   */
  claim<Done>(bytes: number, take: () => Promise<Done>, written = 0): Promise<Done> {
    return this.inTurn(async () => {
      await this.mustFit(bytes, written);
      return take();
    });
  }

  /**
   * Bytes of all files and their versions, also of those that are deleted and can be had back, and those that were
   * claimed for what still comes in pieces.
   */
  private async used(): Promise<number> {
    const [row] = await this.reader.rows<{ kept: number | string | null; claimed: number | string | null }>(
      `SELECT (SELECT SUM("size") FROM "file_versions" WHERE "discardedAt" IS NULL) AS "kept",
        (SELECT SUM("size") FROM "uploads" WHERE "addedFileId" IS NULL AND "expiresAt" > $1) AS "claimed"`,
      [Date.now()],
    );
    return Number(row?.kept ?? 0) + Number(row?.claimed ?? 0);
  }
}

/** A disk that is full, or a share of it, is told as that. */
export function refuseInsufficientStorage(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  throw code === 'ENOSPC' || code === 'EDQUOT' ? new InsufficientStorage() : error;
}
