import { memoize } from '../database/memoize.js';
import { rowReader, selectionOf, type Cell } from '../database/columns.js';
import type { Reach } from './reach.js';
import { StoredFile } from './stored-file.entity.js';

/** How much of a file's newest version a member has been sent. */
type Downloaded = 'whole' | 'part' | 'none';

/** A file as one member has it. */
export interface ShelfFile extends StoredFile {
  readonly downloaded: Downloaded;
  /** Bytes of the newest version that were sent to the member. */
  readonly coveredBytes: number;
}

/** A row as the reader gives it, of the columns in `shelfColumns`. */
export type ShelfRow = Readonly<Record<keyof StoredFile | 'coveredBytes', Cell>>;

/** A file `f` and, by `$1`, what its member was sent of the newest version; null if nothing. */
export const shelfColumns = `${selectionOf(StoredFile, 'f', 'searchText')}, (SELECT d."coveredBytes" FROM "downloads" d
  WHERE d."memberId" = $1 AND d."versionId" = f."versionId") AS "coveredBytes"`;

export const readFile = rowReader(StoredFile);

export const shelfFileFrom = memoize((row: ShelfRow): ShelfFile => {
  const file = readFile(row);
  const coveredBytes = Number(row.coveredBytes ?? 0);
  const part = row.coveredBytes === null ? 'none' : 'part';
  return {
    ...file,
    coveredBytes,
    downloaded: row.coveredBytes !== null && coveredBytes === file.size ? 'whole' : part,
  };
});

/** A statement for each who may reach another part of the files. */
export const forEachReach = <To>(make: (reach: Reach) => To): Readonly<Record<Reach, To>> => ({
  admin: make('admin'),
  member: make('member'),
});
