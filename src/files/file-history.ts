import { Injectable } from '@nestjs/common';
import { rowReader, type Cell } from '../database/columns.js';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import { newestId, cursorPageOf, type PagingInput, type CursorPage } from '../http/paging.input.js';
import { FileVersion } from './file-version.entity.js';
import { reachOf } from './reach.js';
import type { StoredFile } from './stored-file.entity.js';

type Row = Readonly<Record<keyof FileVersion, Cell>>;

/** The versions of a file that a member may see. */
@Injectable()
export class FileHistory {
  constructor(private readonly reader: Reader) {}

  /**
   * A page of the versions of a file, the newest first. An admin sees all versions. A member sees the newest version,
   * each version that they could have when the next one replaced it, and each version of which they were sent bytes.
   */
  async versionsFor(
    viewer: Viewer,
    { id }: Pick<StoredFile, 'id'>,
    { limit, cursor = newestId }: PagingInput,
  ): Promise<CursorPage<FileVersion>> {
    const rows =
      reachOf(viewer) === 'admin'
        ? await this.reader.rows<Row>(all, [id, cursor, limit + 1])
        : await this.reader.rows<Row>(told, [id, viewer.id, cursor, limit + 1]);
    return cursorPageOf(rows.map(fromRow), limit);
  }
}

const fromRow = rowReader(FileVersion);

const all = `SELECT v.* FROM "file_versions" v WHERE v."fileId" = $1 AND v."id" < $2 ORDER BY v."id" DESC LIMIT $3`;

const later = (one: string, other: string) => `CASE WHEN ${one} > ${other} THEN ${one} ELSE ${other} END`;

/** Each way in which the member has the file, and since when. */
const ways = `
  SELECT f."sharedAt" AS "at" FROM "asked" CROSS JOIN "files" f WHERE f."id" = "asked"."file" AND f."isForEveryone" = true
  UNION ALL
  SELECT f."sharedAt" FROM "asked" CROSS JOIN "files" f JOIN "audiences" a ON a."fileId" = f."id"
    WHERE f."id" = "asked"."file" AND a."memberId" = "asked"."member"
  UNION ALL
  SELECT ${later('f."sharedAt"', 'm."addedAt"')} FROM "asked" CROSS JOIN "files" f
    JOIN "audiences" a ON a."fileId" = f."id" JOIN "group_members" m ON m."groupId" = a."groupId"
    WHERE f."id" = "asked"."file" AND m."memberId" = "asked"."member"
  UNION ALL
  SELECT ${later('i."addedAt"', 'c."sharedAt"')} FROM "asked" CROSS JOIN "collection_files" i
    JOIN "collections" c ON c."id" = i."collectionId"
    WHERE i."fileId" = "asked"."file" AND (c."isForEveryone" = true OR EXISTS (
      SELECT 1 FROM "audiences" a WHERE a."collectionId" = c."id" AND a."memberId" = "asked"."member"))
  UNION ALL
  SELECT ${later(later('i."addedAt"', 'c."sharedAt"'), 'm."addedAt"')} FROM "asked" CROSS JOIN "collection_files" i
    JOIN "collections" c ON c."id" = i."collectionId"
    JOIN "audiences" a ON a."collectionId" = c."id" JOIN "group_members" m ON m."groupId" = a."groupId"
    WHERE i."fileId" = "asked"."file" AND m."memberId" = "asked"."member"`;

/** A member must not learn of a version that they could not have when the next one replaced it. */
const told = `
  WITH "asked" AS (SELECT CAST($1 AS varchar(36)) AS "file", CAST($2 AS varchar(36)) AS "member"),
    "ways" AS (${ways})
  SELECT v.* FROM "asked" CROSS JOIN "file_versions" v
    LEFT JOIN "file_versions" next ON next."fileId" = v."fileId" AND next."number" = v."number" + 1
  WHERE v."fileId" = "asked"."file" AND v."id" < $3
    AND (next."id" IS NULL
      OR (v."wasOut" = true AND next."createdAt" > (SELECT MIN("at") FROM "ways"))
      OR EXISTS (SELECT 1 FROM "downloads" d WHERE d."memberId" = "asked"."member" AND d."versionId" = v."id"))
  ORDER BY v."id" DESC LIMIT $4`;
