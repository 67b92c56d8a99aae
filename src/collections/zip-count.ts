import { ForbiddenException } from '@nestjs/common';
import type { BoundFile } from './collection-files.js';
import type { Grant, Grants } from '../downloads/grants.js';
import type { Viewer } from '../http/access.js';

/**
 * Counts the downloads of a zip: each file in it counts as one download of that file. A file with a limit is counted
 * before the zip begins, because it is left out if no download is left. Each other file is counted when its bytes are
 * about to be sent.
 */
export class ZipCount {
  private readonly open = new Map<string, { readonly file: BoundFile; readonly grant: Grant }>();
  private readonly starts = new Map<string, number>();
  private isOver = false;

  constructor(
    private readonly grants: Grants,
    private readonly viewer: Viewer,
  ) {}

  /** Counts a download of each file that has a limit. Returns the files that have no limit or had a download left. */
  async spendLimited<File extends BoundFile>(files: readonly File[]): Promise<readonly File[]> {
    const left: File[] = [];
    try {
      for (const file of files) {
        const isLimited = file.memberLimit !== null || file.totalLimit !== null;
        if (!isLimited || (await this.isGranted(file))) left.push(file);
      }
      return left;
    } catch (error) {
      this.close(0);
      throw error;
    }
  }

  /** Call this before the first byte of a file is sent. */
  async begin(file: BoundFile): Promise<void> {
    if (!this.open.has(file.versionId)) await this.take(file);
  }

  /** Says where in the zip a file begins, in bytes. A file whose place is not known counts as not sent. */
  place({ versionId }: BoundFile, start: number): void {
    this.starts.set(versionId, start);
  }

  /** Call this once, when the answer is over, with the number of bytes of the zip that were sent. */
  close(sent: number): void {
    this.isOver = true;
    void this.grants.closeAll(this.viewer, this.closings(sent));
  }

  private *closings(sent: number): Generator<() => void> {
    for (const { file, grant } of this.open.values()) yield () => grant.close(this.sentOf(file, sent));
  }

  private async isGranted(file: BoundFile): Promise<boolean> {
    try {
      await this.take(file);
      return true;
    } catch (error) {
      if (error instanceof ForbiddenException) return false;
      throw error;
    }
  }

  private async take(file: BoundFile): Promise<void> {
    const range = { start: 0, end: file.size - 1 };
    const grant = await this.grants.open(this.viewer, { ...file, fileId: file.id, range });
    if (this.isOver) grant.close(0);
    else this.open.set(file.versionId, { file, grant });
  }

  private sentOf({ versionId, size }: BoundFile, sent: number): number {
    return Math.max(0, Math.min(sent - (this.starts.get(versionId) ?? Infinity), size));
  }
}
