import { Injectable } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import type { Conditions } from './conditions.js';
import { grantLasts } from './download-account.js';
import type { StoredFile } from './stored-file.entity.js';

/** A version as it is sent. */
export type Sendable = Pick<
  StoredFile,
  'id' | 'name' | 'memberLimit' | 'versionId' | 'contentType' | 'size' | 'sha256' | 'storageKey' | 'versionedAt'
>;

interface Row {
  readonly versionId: string;
  readonly contentType: string;
  readonly size: number | string;
  readonly sha256: string;
  readonly storageKey: string;
  readonly createdAt: number | string;
}

/** Lets a member who is in the middle of a version have the rest of it, though the file was replaced meanwhile. */
@Injectable()
export class Resumption {
  constructor(private readonly reader: Reader) {}

  /**
   * The version that a request goes on with: one that the member began within 24 hours, named by `If-Range`; or, where
   * a client resumes without naming one, that which it began last and has not had whole. Else the newest: under another
   * entity tag, so that the two are never mixed.
   */
  async versionFor(file: StoredFile, { id }: Pick<Viewer, 'id'>, conditions: Conditions): Promise<Sendable> {
    if (file.versionNumber === 1 || conditions.range === undefined) return file;
    const since = Date.now() - grantLasts;
    const ifRange = conditions['if-range']?.trim();
    if (ifRange === undefined) {
      const [last] = /^bytes=[ \t]*0*[1-9]/i.test(conditions.range)
        ? await this.reader.rows<Row>(begunLast, [id, file.id, since])
        : [];
      return last ? versionOf(file, last) : file;
    }
    const [, sha256] = /^"([0-9a-f]{64})"$/.exec(ifRange) ?? [];
    if (sha256 === undefined || sha256 === file.sha256) return file;
    const [named] = await this.reader.rows<Row>(begunNamed, [id, file.id, since, sha256]);
    return named ? versionOf(file, named) : file;
  }
}

const versionOf = ({ id, name, memberLimit }: StoredFile, { size, createdAt, ...row }: Row): Sendable => ({
  ...row,
  id,
  name,
  memberLimit,
  size: Number(size),
  versionedAt: new Date(Number(createdAt)),
});

const begun = (columns: string) => `
  SELECT v."id" AS "versionId", v."contentType", v."size", v."sha256", v."storageKey", v."createdAt"${columns}
  FROM "downloads" d JOIN "file_versions" v ON v."id" = d."versionId"
  WHERE d."memberId" = $1 AND d."fileId" = $2 AND d."openedAt" > $3 AND v."discardedAt" IS NULL`;

const begunNamed = `${begun('')} AND v."sha256" = $4 ORDER BY d."lastAt" DESC LIMIT 1`;

/** The one that was asked for last, if there is something left of it. */
const begunLast = `SELECT * FROM (
  ${begun(', d."completedAt"')} ORDER BY d."lastAt" DESC, d."versionId" DESC LIMIT 1) latest
  WHERE "completedAt" IS NULL`;
