import { Injectable } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import { asking, mayHave, me, reachOf, type Reach } from '../files/reach.js';
import type { Viewer } from '../http/access.js';
import type { PagingInput, CursorPage } from '../http/paging.input.js';

type Cell = string | number | null;
type Row = Readonly<Record<string, Cell>>;

/** The columns of a table that a member may export, and the rows that are theirs, in SQL. */
interface Belonging {
  readonly columns: string;
  readonly from: string;
  /** The column that sorts the rows, so that they can be read one page at a time. */
  readonly key: string;
}

const nameIfTheirs = (reach: Reach) => `CASE WHEN ${mayHave[reach]} THEN f."name" END AS "name"`;

const belongings = (reach: Reach) =>
  ({
    groups: {
      columns: `g."id", g."name", m."addedAt"`,
      from: `"group_members" m JOIN "groups" g ON g."id" = m."groupId" WHERE m."memberId" = $1`,
      key: 'g."id"',
    },
    givenFiles: {
      columns: `f."id", f."name"`,
      from: `"audiences" a JOIN "files" f ON f."id" = a."fileId" WHERE a."memberId" = $1 AND ${mayHave[reach]}`,
      key: 'f."id"',
    },
    givenCollections: {
      columns: `c."id", c."name"`,
      from: `"audiences" a JOIN "collections" c ON c."id" = a."collectionId" WHERE a."memberId" = $1`,
      key: 'c."id"',
    },
    receipts: {
      columns: `d."fileId", ${nameIfTheirs(reach)}, v."number" AS "version", v."size", d."coveredBytes" AS "bytes",
        d."spent" AS "downloads", d."firstAt", d."lastAt", d."completedAt"`,
      from: `"downloads" d JOIN "file_versions" v ON v."id" = d."versionId" JOIN "files" f ON f."id" = v."fileId"
        WHERE d."memberId" = $1`,
      key: 'd."versionId"',
    },
    reminders: {
      columns: `r."fileId", ${nameIfTheirs(reach)}, r."askedAt", r."sentAt"`,
      from: `"reminders" r JOIN "files" f ON f."id" = r."fileId" WHERE r."memberId" = $1`,
      key: 'r."fileId"',
    },
    visits: {
      columns: `s."seenAt", s."sinceAt"`,
      from: `"shelf_visits" s WHERE s."memberId" = $1`,
      key: 's."memberId"',
    },
    uploads: {
      columns: `p."id", p."name", p."size", p."createdAt", p."expiresAt"`,
      from: `"uploads" p WHERE p."uploaderId" = $1`,
      key: 'p."id"',
    },
    // the address that an invite is for is left out, because it belongs to somebody else
    links: {
      columns: `l."kind", CASE WHEN l."kind" = 'email' THEN l."data" END AS "email", l."createdAt", l."expiresAt", l."usedAt"`,
      from: `"links" l WHERE l."userId" = $1`,
      key: 'l."id"',
    },
  }) as const satisfies Readonly<Record<string, Belonging>>;

export type BelongingName = keyof ReturnType<typeof belongings>;

const statementsFor = (reach: Reach) =>
  Object.fromEntries(
    Object.entries<Belonging>(belongings(reach)).map(([name, { columns, from, key }]) => [
      name,
      `WITH ${me} SELECT ${key} AS "key", ${columns} FROM ${from} AND ${key} > $3 ORDER BY ${key} LIMIT $4`,
    ]),
  ) as Record<BelongingName, string>;

const statements = { admin: statementsFor('admin'), member: statementsFor('member') };

/** Reads what the tables of other features hold about a member, for that member. */
@Injectable()
export class Belongings {
  readonly names = Object.keys(statements.member) as BelongingName[];

  constructor(private readonly reader: Reader) {}

  async list(name: BelongingName, viewer: Viewer, { limit, cursor = '' }: PagingInput): Promise<CursorPage<object>> {
    const values = [...asking(viewer), cursor, limit + 1];
    const statement = statements[reachOf(viewer)][name];
    const rows = await this.reader.longRows<Row & { readonly key: string }>(viewer, statement, values);
    const items = rows.slice(0, limit);
    return { items: items.map(present), nextCursor: rows.length > limit ? (items.at(-1)?.key ?? null) : null };
  }
}

const numbers = new Set(['version', 'size', 'bytes', 'downloads']);

/** Writes times as the API does, and turns the numbers that PostgreSQL gives as text into numbers. */
const present = ({ key: _key, ...row }: Row): object =>
  Object.fromEntries(
    Object.entries(row).map(([name, cell]) => {
      if (cell === null) return [name, null];
      if (name.endsWith('At')) return [name, new Date(Number(cell)).toISOString()];
      return [name, numbers.has(name) ? Number(cell) : cell];
    }),
  );
