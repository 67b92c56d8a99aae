import { Injectable } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import { hasWords, wordsOf } from '../http/search.js';
import { nameOnRecord } from './file-name.js';
import { asking, isOut, mayHave, me, reachOf, type Reach } from './reach.js';

/** A file of a whole list. `fits` says whether it matches the search. */
export interface ListedFile {
  readonly id: string;
  readonly name: string;
  readonly sha256: string;
  readonly fits: boolean;
}

interface Row extends Omit<ListedFile, 'fits'> {
  readonly searchName: string;
  readonly isThere: boolean | number;
  readonly fits: boolean | number;
}

/** How many rows one statement reads: so few that other queries hardly wait for it. */
const slice = 200;

/**
 * Reads all files that a member may have, in slices. Each slice costs the same, however many files there are. Other
 * queries get a turn between two slices.
 */
@Injectable()
export class FileLists {
  constructor(private readonly reader: Reader) {}

  /**
   * All files that a member may have, slice by slice.
   *
   * @param q the words of a search. Files that do not match are listed too, because equal names are numbered among all
   *   files.
   */
  async *allFor(viewer: Viewer, q?: string): AsyncGenerator<readonly ListedFile[]> {
    const reach = reachOf(viewer);
    for (const isForEveryone of reach === 'admin' ? [true, false] : [true])
      yield* this.byName(viewer, isForEveryone, q);
    if (reach === 'member') yield* this.ofMember(viewer, q);
  }

  private async *byName(viewer: Viewer, isForEveryone: boolean, q?: string): AsyncGenerator<readonly ListedFile[]> {
    let last: Pick<Row, 'searchName' | 'id'> | undefined = { searchName: '', id: '' };
    while (last) {
      const values = [...asking(viewer), isForEveryone, last.searchName, last.id, slice, ...wordsOf(q)];
      const rows: readonly Row[] = await this.reader.longRows<Row>(viewer, inNameOrder[reachOf(viewer)], values);
      yield listed(rows);
      last = rows.length === slice ? rows.at(-1) : undefined;
    }
  }

  /** Reads all ids at once, as one text, because a member's entitlements have no common order. Then reads the files. */
  private async *ofMember(viewer: Viewer, q?: string): AsyncGenerator<readonly ListedFile[]> {
    const [row] = await this.reader.longRows<{ ids: string | null }>(viewer, entitled, [viewer.id]);
    const ids = row?.ids ? row.ids.split(',') : [];
    for (let start = 0; start < ids.length; start += slice) {
      const some = ids.slice(start, start + slice);
      const values = [...asking(viewer), ...some, ...Array<string>(slice - some.length).fill(''), ...wordsOf(q)];
      yield listed(await this.reader.longRows<Row>(viewer, byId, values));
    }
  }
}

const listed = (rows: readonly Row[]): ListedFile[] =>
  rows
    .filter(({ isThere }) => isThere)
    .map(({ id, name, sha256, fits }) => ({ id, name: nameOnRecord(name), sha256, fits: Boolean(fits) }));

const columns = (there: string, firstWord: number) => `f."id", f."name", f."searchName", f."sha256",
  CASE WHEN ${there} THEN 1 ELSE 0 END AS "isThere",
  CASE WHEN ${hasWords('f."searchText"', firstWord)} THEN 1 ELSE 0 END AS "fits"`;

const nameOrderOf = (reach: Reach) => `WITH ${me}, "part" AS (
    SELECT * FROM "files" f WHERE f."isForEveryone" = $3 AND (f."searchName", f."id") > (CAST($4 AS varchar(255)), $5)
    ORDER BY f."searchName", f."id" LIMIT $6)
  SELECT ${columns(isOut[reach], 7)} FROM "part" f ORDER BY f."searchName", f."id"`;

const inNameOrder = { admin: nameOrderOf('admin'), member: nameOrderOf('member') };

const entitled = `SELECT string_agg("fileId", ',') AS "ids" FROM (
  SELECT DISTINCT "fileId" FROM "file_entitlements" WHERE "memberId" = $1) entitled`;

const places = Array.from({ length: slice }, (_, n) => `$${n + 3}`).join(', ');

const byId = `WITH ${me}, "part" AS (
    SELECT * FROM "files" f WHERE f."id" IN (${places}) AND f."isForEveryone" = false)
  SELECT ${columns(mayHave.member, slice + 3)} FROM "part" f`;
