import { Injectable, NotFoundException } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import type { CursorPage } from '../http/paging.input.js';
import { afterWords, hasWords, wordsOf } from '../http/search.js';
import { allThatMayBeHad, asking, mayHave, me, reachOf } from './reach.js';
import { cursorAt, orders, readCursor } from './shelf-cursor.js';
import { forEachReach, shelfColumns, shelfFileFrom, type ShelfFile, type ShelfRow } from './shelf-row.js';
import type { ShelfInput } from './shelf.input.js';

/** The files that one member may have. A file that they may not have does not exist for them. */
@Injectable()
export class ShelfService {
  constructor(private readonly reader: Reader) {}

  /**
   * A page of the files that a member may have, in the order they ask for.
   *
   * @throws InvalidInput if the cursor is not valid.
   */
  async listFor(viewer: Viewer, { limit, cursor, q, sort = 'newest' }: ShelfInput): Promise<CursorPage<ShelfFile>> {
    const values = [...asking(viewer), ...readCursor(cursor, sort), ...wordsOf(q), limit + 1];
    const statement = listings[reachOf(viewer)][sort];
    // a search reads all files, so it waits in the queue for long queries
    const rows = q
      ? await this.reader.longRows<ShelfRow>(viewer, statement, values)
      : await this.reader.rows<ShelfRow>(statement, values);
    const items = rows.slice(0, limit).map(shelfFileFrom);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, nextCursor: last ? cursorAt(last, sort) : null };
  }

  /**
   * The file that `/download` serves: the file that an admin featured last or, if there is none, the newest file.
   *
   * @throws NotFoundException if there is none for this member.
   */
  async featuredFor(viewer: Viewer): Promise<ShelfFile> {
    return (await this.findFeaturedFor(viewer)) ?? notThere();
  }

  /** The same, or undefined if there is none. */
  async findFeaturedFor(viewer: Viewer): Promise<ShelfFile | undefined> {
    const [row] = await this.reader.rows<ShelfRow>(featured[reachOf(viewer)], asking(viewer));
    return row && shelfFileFrom(row);
  }

  /** @throws NotFoundException if there is no such file for this member. */
  async findFor(viewer: Viewer, id: string): Promise<ShelfFile> {
    const [row] = isUuid(id) ? await this.reader.rows<ShelfRow>(one[reachOf(viewer)], [...asking(viewer), id]) : [];
    return row ? shelfFileFrom(row) : notThere();
  }
}

const one = forEachReach(
  (reach) => `WITH ${me} SELECT ${shelfColumns} FROM "files" f WHERE f."id" = $3 AND ${mayHave[reach]}`,
);

/** The file that an admin featured last or, if there is none, the newest file. */
const featured = forEachReach(
  (reach) => `WITH ${me} SELECT ${shelfColumns} FROM (
    SELECT * FROM (
      SELECT f.*, 0 AS "place" FROM "files" f WHERE f."featuredAt" IS NOT NULL AND ${mayHave[reach]}
      ORDER BY f."featuredAt" DESC LIMIT 1) chosen
    UNION ALL
    SELECT * FROM (
      SELECT latest.*, 1 AS "place" FROM (
        ${allThatMayBeHad(reach, 'f.*', 'ORDER BY f."availableAt" DESC, f."id" DESC LIMIT 1')}
      ) latest ORDER BY "availableAt" DESC, "id" DESC LIMIT 1) newest
    ORDER BY "place" LIMIT 1
  ) f`,
);

/** The statement that reads a page of the list, for each order. */
const listings = forEachReach((reach) =>
  mapValues(orders, ({ column, direction, start: [key] }) => {
    const order = (table: string) => `ORDER BY ${table}"${column}" ${direction}, ${table}"id" ${direction}`;
    const value = `CAST($3 AS ${typeof key === 'number' ? 'bigint' : 'varchar(255)'})`;
    const rest = `
      AND (f."${column}", f."id") ${direction === 'ASC' ? '>' : '<'} (${value}, $4)
      AND ${hasWords('f."searchText"', 5)}
      ${order('f.')} LIMIT $${afterWords(5)}`;
    return `WITH ${me}
      SELECT ${shelfColumns} FROM (
        ${allThatMayBeHad(reach, 'f.*', rest)}
      ) f ${order('f.')} LIMIT $${afterWords(5)}`;
  }),
);

function mapValues<Key extends string, From, To>(from: Record<Key, From>, make: (value: From) => To): Record<Key, To> {
  return Object.fromEntries(Object.entries<From>(from).map(([key, value]) => [key, make(value)])) as Record<Key, To>;
}

function notThere(): never {
  throw new NotFoundException('There is no such file here for you.');
}
