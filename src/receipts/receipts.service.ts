import { Injectable } from '@nestjs/common';
import { Reader } from '../database/reader.js';
import type { StoredFile } from '../files/stored-file.entity.js';
import { newestId, cursorPageOf, type PagingInput, type CursorPage } from '../http/paging.input.js';
import { afterWords, hasWords, wordsOf } from '../http/search.js';
import { receiptStates, type ReceiptState, type ReceiptsInput } from './receipts.input.js';

/** How much of the newest version of a file one member has been sent. The member may have the file. */
export interface Receipt {
  /** The id of the member. */
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly state: ReceiptState;
  /** How many bytes of the version were sent. */
  readonly coveredBytes: number;
  /** When the last missing byte was sent; null until then. */
  readonly completedAt: Date | null;
  readonly lastAt: Date | null;
}

/** How much of one file a member has been sent. Here `id` and `name` are those of the file. */
export interface OwnReceipt extends Omit<Receipt, 'email'> {
  readonly size: number;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly coveredBytes: number | string | null;
  readonly completedAt: number | string | null;
  readonly lastAt: number | string | null;
}

/** Which member has which file. For each file it lists every member who may have it, as complete, started or none. */
@Injectable()
export class ReceiptsService {
  constructor(private readonly reader: Reader) {}

  /** One page of the members who may have a file, the newest first. */
  async of(file: StoredFile, { limit, cursor = newestId, q, state }: ReceiptsInput): Promise<CursorPage<Receipt>> {
    const values = [...valuesOf(file), cursor, ...wordsOf(q), limit + 1];
    const rows = await this.reader.rows<Row>(listing[audienceOf(file)][state ?? 'any'], values);
    return cursorPageOf(rows.map(fromRow), limit);
  }

  /** All members who may have a file, the newest first, in batches of at most 500. */
  async *all(file: StoredFile, selection: Omit<ReceiptsInput, 'limit' | 'cursor'>): AsyncGenerator<readonly Receipt[]> {
    for (let cursor: string | null = newestId; cursor !== null;) {
      const part: CursorPage<Receipt> = await this.of(file, { ...selection, limit: 500, cursor });
      yield part.items;
      cursor = part.nextCursor;
    }
  }

  /** How many members are in each state. */
  async count(file: StoredFile): Promise<Readonly<Record<ReceiptState, number>>> {
    const [row] = await this.reader.rows<Record<ReceiptState, number | string>>(
      counting[audienceOf(file)],
      valuesOf(file),
    );
    return { complete: Number(row?.complete), started: Number(row?.started), none: Number(row?.none) };
  }

  /**
   * How much a member has been sent of the newest version of each file that is not deleted, the latest download first.
   */
  async ofMember({ id }: { readonly id: string }, { limit }: Pick<PagingInput, 'limit'>): Promise<OwnReceipt[]> {
    const rows = await this.reader.rows<Omit<Row, 'email'> & { size: number | string }>(ofMember, [id, limit]);
    return rows.map(({ size, ...row }) => ({ ...fromRow({ ...row, email: '' }), size: Number(size) }));
  }
}

const valuesOf = ({ id, versionId }: StoredFile) => [id, versionId];
const audienceOf = ({ isForEveryone }: StoredFile) => (isForEveryone ? 'everyone' : 'some');

function fromRow({ id, name, email, ...row }: Row): Receipt {
  const completedAt = row.completedAt === null ? null : new Date(Number(row.completedAt));
  const started = row.lastAt === null ? 'none' : 'started';
  return {
    id,
    name,
    email,
    state: completedAt ? 'complete' : started,
    coveredBytes: Number(row.coveredBytes ?? 0),
    completedAt,
    lastAt: row.lastAt === null ? null : new Date(Number(row.lastAt)),
  };
}

const states: Readonly<Record<ReceiptState, string>> = {
  complete: 'd."completedAt" IS NOT NULL',
  started: 'd."lastAt" IS NOT NULL AND d."completedAt" IS NULL',
  none: 'd."lastAt" IS NULL',
};

/**
 * The file and its newest version. They are the first two values of each statement, cast so that the database knows
 * their types.
 */
export const theFile = `"file" AS (SELECT CAST($1 AS varchar(36)) AS "id", CAST($2 AS varchar(36)) AS "versionId")`;

/**
 * The members `u` who may have the file and may log in, with their downloads `d` of it. The key says whether the file
 * is for everyone or for some members.
 */
export const entitled = {
  everyone: `"users" u LEFT JOIN "downloads" d ON d."memberId" = u."id" AND d."versionId" = $2
    WHERE u."disabledAt" IS NULL AND u."awaitingSince" IS NULL`,
  some: `"users" u LEFT JOIN "downloads" d ON d."memberId" = u."id" AND d."versionId" = $2
    WHERE u."disabledAt" IS NULL AND u."awaitingSince" IS NULL
      AND u."id" IN (SELECT e."memberId" FROM "file_entitlements" e WHERE e."fileId" = $1)`,
} as const;

export type FileAudienceKind = keyof typeof entitled;

const listingOf = (audience: FileAudienceKind, condition: string) => `WITH ${theFile}
  SELECT u."id", u."name", u."email", d."coveredBytes", d."completedAt", d."lastAt" FROM ${entitled[audience]}
    AND u."id" < $3 AND ${hasWords('u."searchText"', 4)} AND ${condition}
  ORDER BY u."id" DESC LIMIT $${afterWords(4)}`;

const listingsOf = (audience: FileAudienceKind) => ({
  any: listingOf(audience, '1 = 1'),
  complete: listingOf(audience, states.complete),
  started: listingOf(audience, states.started),
  none: listingOf(audience, states.none),
});
const listing = { everyone: listingsOf('everyone'), some: listingsOf('some') };

const countingOf = (audience: FileAudienceKind) => `WITH ${theFile}
  SELECT ${receiptStates.map((state) => `COUNT(CASE WHEN ${states[state]} THEN 1 END) AS "${state}"`).join(', ')}
  FROM ${entitled[audience]}`;
const counting = { everyone: countingOf('everyone'), some: countingOf('some') };

const ofMember = `
  SELECT f."id", f."name", f."size", d."coveredBytes", d."completedAt", d."lastAt"
  FROM "downloads" d JOIN "files" f ON f."versionId" = d."versionId"
  WHERE d."memberId" = $1 AND f."deletedAt" IS NULL ORDER BY d."lastAt" DESC, f."id" DESC LIMIT $2`;
