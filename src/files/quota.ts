import { HttpException, HttpStatus, Injectable } from '@nestjs/common';
import { statfs } from 'node:fs/promises';
import pLimit from 'p-limit';
import { Settings } from '../config/settings.js';
import { Reader } from '../database/reader.js';

/** How many bytes of the disk files must leave free, so that the database can still write. */
const reserve = 32 * 1_024 * 1_024;

/** 507: there is no room for these bytes. */
class InsufficientStorage extends HttpException {
  constructor() {
    super('There is no room for this file. Make some, then try again.', HttpStatus.INSUFFICIENT_STORAGE);
  }
}

/** Checks whether there is room for more files, both in the quota of the library and on the disk. */
@Injectable()
export class Quota {
  private readonly inTurn = pLimit(1);

  constructor(
    private readonly settings: Settings,
    private readonly reader: Reader,
  ) {}

  /**
   * Checks whether there is room for a file.
   *
   * @param bytes the size of the file.
   * @param written how many of these bytes are already on the disk.
   * @throws InsufficientStorage if there is no room.
   */
  async mustFit(bytes: number, written = 0): Promise<void> {
    const { dataDir, libraryQuota } = this.settings;
    const disk = await statfs(dataDir);
    if (disk.bavail * disk.bsize - (bytes - written) < reserve) throw new InsufficientStorage();
    if (libraryQuota !== undefined && (await this.used()) + bytes > libraryQuota) throw new InsufficientStorage();
  }

  /**
   * Calls `take`, which uses the bytes, if there is room for them. Only one call runs at a time, so that many calls at
   * once cannot exceed the quota together.
   *
   * @param bytes how many bytes `take` uses.
   * @param written how many of these bytes are already on the disk.
   * @throws InsufficientStorage if there is no room; and whatever `take` throws.
   */
  claim<Done>(bytes: number, take: () => Promise<Done>, written = 0): Promise<Done> {
    return this.inTurn(async () => {
      await this.mustFit(bytes, written);
      return take();
    });
  }

  /**
   * How many bytes of the quota are in use: the bytes of all versions, including those of deleted files that can still
   * be restored, and the bytes that are claimed for unfinished uploads.
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

/** Throws InsufficientStorage if the error says that the disk or a disk quota is full. Else throws the error itself. */
export function refuseInsufficientStorage(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  throw code === 'ENOSPC' || code === 'EDQUOT' ? new InsufficientStorage() : error;
}
