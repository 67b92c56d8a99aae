import { Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import { grantLasts } from './download-ledger.js';
import type { StoredFile } from '../files/stored-file.entity.js';

/** A version of a file, with what is needed to send it. */
export type Sendable = Pick<
  StoredFile,
  'id' | 'name' | 'memberLimit' | 'versionId' | 'contentType' | 'size' | 'sha256' | 'storageKey' | 'versionedAt'
>;

/** The version to send, and whether the answer may be a range of it. If not, the answer is the whole version. */
interface Choice {
  readonly file: Sendable;
  readonly takesRange: boolean;
}

/**
 * A request for a file, at its own address or at the address of the featured file, which may serve another file later.
 */
export interface Asking {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly asFeatured: boolean;
}

interface Row {
  readonly versionId: string;
  readonly fileId: string;
  readonly contentType: string;
  readonly size: number | string;
  readonly sha256: string;
  readonly storageKey: string;
  readonly createdAt: number | string;
  readonly discardedAt: number | string | null;
  readonly openedAt: number | string;
  readonly completedAt: number | string | null;
}

/**
 * Lets a member finish the download of a version, even if the file was replaced meanwhile. Makes sure that no client
 * joins the end of one version to the beginning of another.
 */
@Injectable()
export class Resumption {
  constructor(private readonly reader: Reader) {}

  /**
   * Chooses the version to send. That is the version that `If-Range` or `If-Match` names, if the member began to
   * download it within the last 24 hours. If the client names no version, a range is sent only if there is no doubt
   * which version it means: the file never had another one, the member has begun only one, or the range begins at the
   * first byte. If there is doubt, the answer is the whole newest version.
   */
  async choose(newest: StoredFile, viewer: Pick<Viewer, 'id'>, asking: Asking): Promise<Choice> {
    const { method, headers, asFeatured } = asking;
    const asked = { file: newest, takesRange: true };
    if (method !== 'GET' || headers.range === undefined) return asked;
    const named = namedBy(headers);
    if (named === newest.sha256) return asked;
    if (named !== undefined) return { ...asked, file: await this.named(newest, viewer, named) };

    const wasAlwaysThis = newest.versionNumber === 1 && !asFeatured;
    if (wasAlwaysThis || (headers['if-range'] === undefined && beginsAnew(headers.range))) return asked;
    const whole = { file: newest, takesRange: false };
    // a date cannot tell apart two versions of the same second
    if (headers['if-range'] !== undefined) return whole;
    const [only, another] = asFeatured
      ? await this.reader.rows<Row>(begunAsFeatured, [viewer.id])
      : await this.reader.rows<Row>(begunOf, [viewer.id, newest.id]);
    if (!only || another || only.fileId !== newest.id) return whole;
    if (only.versionId === newest.versionId) return asked;
    const isGoingOn = only.completedAt === null && Number(only.openedAt) > Date.now() - grantLasts;
    return isGoingOn && only.discardedAt === null ? { ...asked, file: versionOf(newest, only) } : whole;
  }

  private async named(newest: StoredFile, { id }: Pick<Viewer, 'id'>, sha256: string): Promise<Sendable> {
    const [row] = await this.reader.rows<Row>(begunNamed, [id, newest.id, Date.now() - grantLasts, sha256]);
    return row ? versionOf(newest, row) : newest;
  }
}

/**
 * The SHA-256 in `If-Range`, or in `If-Match` if there is no `If-Range`. Undefined if the header is not one strong tag.
 */
function namedBy(headers: IncomingHttpHeaders): string | undefined {
  const tag = headers['if-range'] ?? headers['if-match'];
  return /^"([0-9a-f]{64})"$/.exec(tag?.toString().trim() ?? '')?.[1];
}

/** Whether a range begins at the first byte, so that the client does not join it to bytes it already has. */
const beginsAnew = (range: string) => /^bytes=[ \t]*0+-/i.test(range);

const versionOf = ({ id, name, memberLimit }: StoredFile, row: Row): Sendable => ({
  id,
  name,
  memberLimit,
  versionId: row.versionId,
  contentType: row.contentType,
  size: Number(row.size),
  sha256: row.sha256,
  storageKey: row.storageKey,
  versionedAt: new Date(Number(row.createdAt)),
});

const begun = `
  SELECT v."id" AS "versionId", v."fileId", v."contentType", v."size", v."sha256", v."storageKey", v."createdAt",
    v."discardedAt", d."openedAt", d."completedAt"
  FROM "downloads" d JOIN "file_versions" v ON v."id" = d."versionId"
  WHERE d."memberId" = $1`;

const begunNamed = `${begun} AND d."fileId" = $2 AND d."openedAt" > $3 AND v."discardedAt" IS NULL AND v."sha256" = $4
  ORDER BY d."lastAt" DESC LIMIT 1`;

/**
 * The versions of a file from which the member was ever sent bytes. Two rows are enough to see whether there is only
 * one.
 */
const begunOf = `${begun} AND d."fileId" = $2 LIMIT 2`;

/** The same for versions of any file that were sent from the address of the featured file. */
const begunAsFeatured = `${begun} AND d."asFeatured" = true LIMIT 2`;
