import { memoize } from '../database/memoize.js';
import { rowReader, selectionOf, type Cell } from '../database/columns.js';
import type { Reach } from './reach.js';
import { StoredFile } from './stored-file.entity.js';

/** How much of a file's newest version a member has been sent. */
type Downloaded = 'whole' | 'part' | 'none';

/** A file, and how much of it one member has downloaded. */
export interface ShelfFile extends StoredFile {
  readonly downloaded: Downloaded;
  /** How many bytes of the newest version were sent to the member. */
  readonly coveredBytes: number;
}

/** A row with the columns of `shelfColumns`, as `Reader` returns it. */
export type ShelfRow = Readonly<Record<keyof StoredFile | 'coveredBytes', Cell>>;

/** The columns of a file `f`, and how many bytes of its newest version the member `$1` was sent; null if none. */
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

/** Makes one statement for admins and one for members. */
export const forEachReach = <To>(make: (reach: Reach) => To): Readonly<Record<Reach, To>> => ({
  admin: make('admin'),
  member: make('member'),
});
