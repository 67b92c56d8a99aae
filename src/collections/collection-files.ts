import { Injectable } from '@nestjs/common';
import type { Cell } from '../database/columns.js';
import { Reader } from '../database/reader.js';
import { asking, isOut, me, reachOf, type Reach } from '../files/reach.js';
import { cursorAt, readCursor } from '../files/shelf-cursor.js';
import {
  forEachReach,
  readFile,
  shelfColumns,
  shelfFileFrom,
  type ShelfFile,
  type ShelfRow,
} from '../files/shelf-row.js';
import type { StoredFile } from '../files/stored-file.entity.js';
import type { Viewer } from '../http/access.js';
import type { CursorPage, SearchInput } from '../http/paging.input.js';
import { afterWords, hasWords, wordsOf } from '../http/search.js';

/** A file, with what is needed to send it together with others. */
export type BoundFile = Pick<StoredFile, (typeof bound)[number]>;

/** The files of a collection that a member may have. A member who may not have the collection gets none of them. */
@Injectable()
export class CollectionFiles {
  constructor(private readonly reader: Reader) {}

  /** One page of the files, sorted by name. @throws InvalidInput if the cursor is not valid. */
  async listIn(
    collectionId: string,
    viewer: Viewer,
    { limit, cursor, q }: SearchInput,
  ): Promise<CursorPage<ShelfFile>> {
    const values = [...asking(viewer), collectionId, ...readCursor(cursor, 'name'), ...wordsOf(q), limit + 1];
    const rows = await this.reader.longRows<ShelfRow>(viewer, inCollection[reachOf(viewer)], values);
    const items = rows.slice(0, limit).map(shelfFileFrom);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, nextCursor: last ? cursorAt(last, 'name') : null };
  }

  /** How many files of a collection a member may have, and their total size in bytes. */
  async sumOf(collectionId: string, viewer: Viewer): Promise<{ count: number; size: number }> {
    const [row] = await this.reader.longRows<{ count: string | number; size: string | number | null }>(
      viewer,
      sums[reachOf(viewer)],
      [...asking(viewer), collectionId],
    );
    return { count: Number(row?.count), size: Number(row?.size ?? 0) };
  }

  /** All files of a collection that a member may have, the oldest first, in slices of at most `slice` files. */
  async *allIn(collectionId: string, viewer: Viewer): AsyncGenerator<readonly BoundFile[]> {
    const statement = slicesOfCollection[reachOf(viewer)];
    let last: string | undefined = '';
    while (last !== undefined) {
      const values = [...asking(viewer), collectionId, last, slice];
      const rows: readonly BoundRow[] = await this.reader.longRows<BoundRow>(viewer, statement, values);
      yield rows.map(boundFrom);
      last = rows.length === slice ? rows.at(-1)?.id : undefined;
    }
  }
}

/** The number of rows that one statement reads. */
const slice = 200;

const bound = [
  ...(['id', 'name', 'searchName', 'size', 'sha256', 'storageKey'] as const),
  ...(['versionId', 'versionedAt', 'memberLimit', 'totalLimit'] as const),
] as const;

type BoundRow = Readonly<Record<(typeof bound)[number], Cell>> & { readonly id: string };

const boundFrom = (row: BoundRow): BoundFile => readFile(row);

/** A member who may have a collection may have each file in it that `isOut` allows. */
const mayHaveCollection: Readonly<Record<Reach, string>> = {
  admin: '1 = 1',
  member: `EXISTS (SELECT 1 FROM "collection_entitlements" e WHERE e."collectionId" = $3 AND e."memberId" = $1)`,
};

const ofCollection = (reach: Reach) => `
  FROM "collection_files" c JOIN "files" f ON f."id" = c."fileId"
  WHERE c."collectionId" = $3 AND ${isOut[reach]} AND ${mayHaveCollection[reach]}`;

const inCollection = forEachReach(
  (reach) => `WITH ${me} SELECT ${shelfColumns} ${ofCollection(reach)}
    AND (f."searchName", f."id") > (CAST($4 AS varchar(255)), $5) AND ${hasWords('f."searchText"', 6)}
    ORDER BY f."searchName", f."id" LIMIT $${afterWords(6)}`,
);

const slicesOfCollection = forEachReach(
  (reach) => `WITH ${me} SELECT ${bound.map((name) => `f."${name}"`).join(', ')} ${ofCollection(reach)}
    AND c."fileId" > $4 ORDER BY c."fileId" LIMIT $5`,
);

const sums = forEachReach(
  (reach) => `WITH ${me} SELECT COUNT(*) AS "count", SUM(f."size") AS "size" ${ofCollection(reach)}`,
);
