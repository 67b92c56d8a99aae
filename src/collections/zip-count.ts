import { ForbiddenException } from '@nestjs/common';
import type { BoundFile } from './collection-files.js';
import type { Grant, Grants } from '../downloads/grants.js';
import type { Viewer } from '../http/access.js';

/**
 * Counts a zip: each file in it is a download of that file. One that has a limit is spent before the zip begins, since
 * a zip without it is another one; each other when it is its turn.
 */
export class ZipCount {
  private readonly open = new Map<string, { readonly file: BoundFile; readonly grant: Grant }>();
  private readonly starts = new Map<string, number>();
  private isOver = false;

  constructor(
    private readonly grants: Grants,
    private readonly viewer: Viewer,
  ) {}

  /** Those of these files that are not limited, or of which a download was there to be spent. */
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

  /** To be called before the first byte of a file goes. */
  async begin(file: BoundFile): Promise<void> {
    if (!this.open.has(file.versionId)) await this.take(file);
  }

  /** Where in the zip a file begins; without it, nothing of it is taken for sent. */
  place({ versionId }: BoundFile, start: number): void {
    this.starts.set(versionId, start);
  }

  /** To be called once, when the answer is over: with how many bytes of the zip were sent. */
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
