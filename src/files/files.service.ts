import { HttpException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { IsNull, LessThan, Repository } from 'typeorm';
import { validate as isUuid, v7 as uuid } from 'uuid';
import { memoize } from '../database/memoize.js';
import { Reader } from '../database/reader.js';
import { isUniqueViolation } from '../database/unique-violation.js';
import type { Viewer } from '../http/access.js';
import { newestId, cursorPageOf, type PagingInput, type CursorPage, type SearchInput } from '../http/paging.input.js';
import { refuseChanged, type Expected } from '../http/revision.js';
import { afterWords, hasWords, wordsOf } from '../http/search.js';
import { contentTypeOf } from '../store/content-type.js';
import { nameOnRecord } from './file-name.js';
import { FileStore, type Stored } from '../store/file-store.js';
import { FileVersion } from './file-version.entity.js';
import { cursorAt, orders, readCursor } from './shelf-cursor.js';
import { allThatMayBeHad, asking, isOut, mayHave, me, reachOf, type Reach } from './reach.js';
import { refuseInsufficientStorage, Quota } from './quota.js';
import type { ShelfInput } from './shelf.input.js';
import { nameForms, searchTextOf, StoredFile } from './stored-file.entity.js';

/** How much of a file's newest version a member has been sent. */
type Downloaded = 'whole' | 'part' | 'none';

/** A file as one member has it. */
export interface ShelfFile extends StoredFile {
  readonly downloaded: Downloaded;
  /** Bytes of the newest version that were sent to the member. */
  readonly coveredBytes: number;
}

/** Of a file, what those need who send it together with others. */
export type BoundFile = Pick<StoredFile, (typeof bound)[number]>;

/** What a file is, beside its bytes. */
export interface Description {
  readonly name: string;
  /** Names what may be added only once. */
  readonly origin?: string;
  readonly isForEveryone?: boolean;
}

/** The files, each as far as one member may have it: what is not theirs does not exist for them. */
@Injectable()
export class FilesService {
  constructor(
    @InjectRepository(StoredFile) private readonly files: Repository<StoredFile>,
    @InjectRepository(FileVersion) private readonly versions: Repository<FileVersion>,
    private readonly reader: Reader,
    private readonly store: FileStore,
    private readonly quota: Quota,
  ) {}

  /**
   * The files that a member may have, in the order they ask for.
   *
   * @throws InvalidInput where the cursor is none.
   */
  async listFor(viewer: Viewer, { limit, cursor, q, sort = 'newest' }: ShelfInput): Promise<CursorPage<ShelfFile>> {
    const values = [...asking(viewer), ...readCursor(cursor, sort), ...wordsOf(q), limit + 1];
    const statement = listings[reachOf(viewer)][sort];
    // a search goes through all there is
    const rows = q
      ? await this.reader.longRows<Row>(viewer, statement, values)
      : await this.reader.rows<Row>(statement, values);
    const items = rows.slice(0, limit).map(fromRow);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, nextCursor: last ? cursorAt(last, sort) : null };
  }

  /** All of the files of a collection that a member may have, the oldest first, in slices that cost the same each. */
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

  /**
   * The file that `/download` serves: the one an admin chose last, else the newest.
   *
   * @throws NotFoundException where there is none for this member.
   */
  async featuredFor(viewer: Viewer): Promise<ShelfFile> {
    return (await this.findFeaturedFor(viewer)) ?? notThere();
  }

  /** The same, or nothing where there is none. */
  async findFeaturedFor(viewer: Viewer): Promise<ShelfFile | undefined> {
    const [row] = await this.reader.rows<Row>(featured[reachOf(viewer)], asking(viewer));
    return row && fromRow(row);
  }

  /** @throws NotFoundException where there is no such file for this member. */
  async findFor(viewer: Viewer, id: string): Promise<ShelfFile> {
    const [row] = isUuid(id) ? await this.reader.rows<Row>(one[reachOf(viewer)], [...asking(viewer), id]) : [];
    return row ? fromRow(row) : notThere();
  }

  /**
   * Takes in a file: its bytes first, then the row that makes it visible, so that half of one is never seen. Gives
   * undefined where one of the same `origin` is there already.
   *
   * @param bytes as they come, or as the store has taken them in: for those, room must have been claimed.
   * @throws InsufficientStorage where the quota, or the disk, leaves none for it; nothing of it is left then.
   */
  add(bytes: Readable | Stored, description: Description): Promise<StoredFile | undefined> {
    return this.keep(bytes, (stored) => this.insert(stored, description));
  }

  /**
   * Takes in new bytes for a file that is there: they stand under its address, whole, from the next request on. The
   * bytes of the version before stay for a while, for those who are in the middle of them.
   *
   * @throws as `add`; NotFoundException where the file was deleted meanwhile, PreconditionFailedException if it is not as
   *   expected; then nothing of the bytes is left.
   */
  addVersion(
    { id, name }: Pick<StoredFile, 'id' | 'name'>,
    bytes: Readable | Stored,
    expected: Expected = {},
  ): Promise<StoredFile> {
    return this.keep(bytes, async ({ head, ...stored }) => {
      const contentType = await contentTypeOf(head, name);
      const { affected } = await this.files
        .createQueryBuilder()
        .update({
          ...stored,
          contentType,
          versionId: uuid(),
          versionedAt: new Date(),
          versionNumber: () => '"versionNumber" + 1',
        })
        .where({ id, deletedAt: IsNull(), ...expected })
        .execute();
      const file = await this.files.findOneBy({ id, deletedAt: IsNull() });
      return affected === 0 && file ? refuseChanged() : (file ?? notThere());
    });
  }

  /** The file, deleted or not, that has a version whose bytes are under this key. */
  async fileIdOf(storageKey: string): Promise<string | undefined> {
    return (await this.versions.findOneBy({ storageKey }))?.fileId;
  }

  /** The versions that a file has had, the newest first. */
  async versionsOf(
    { id }: Pick<StoredFile, 'id'>,
    { limit, cursor = newestId }: PagingInput,
  ): Promise<CursorPage<FileVersion>> {
    const found = await this.versions.find({
      where: { fileId: id, id: LessThan(cursor) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    return cursorPageOf(found, limit);
  }

  /**
   * The files of a collection that a member may have, by name. Whether the collection is theirs is for the caller to see.
   *
   * @throws InvalidInput where the cursor is none.
   */
  async listIn(
    collectionId: string,
    viewer: Viewer,
    { limit, cursor, q }: SearchInput,
  ): Promise<CursorPage<ShelfFile>> {
    const values = [...asking(viewer), collectionId, ...readCursor(cursor, 'name'), ...wordsOf(q), limit + 1];
    const rows = await this.reader.longRows<Row>(viewer, inCollection[reachOf(viewer)], values);
    const items = rows.slice(0, limit).map(fromRow);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, nextCursor: last ? cursorAt(last, 'name') : null };
  }

  /** How many files of a collection a member may have, and how many bytes they are together. */
  async sumOf(collectionId: string, viewer: Viewer): Promise<{ count: number; size: number }> {
    const [row] = await this.reader.longRows<{ count: string | number; size: string | number | null }>(
      viewer,
      sums[reachOf(viewer)],
      [...asking(viewer), collectionId],
    );
    return { count: Number(row?.count), size: Number(row?.size ?? 0) };
  }

  /** Takes in a file from this machine's disk, once for each `origin`. */
  async importOnce(path: string, origin: string): Promise<StoredFile | undefined> {
    if (await this.files.existsBy({ origin })) return undefined;
    return this.add(createReadStream(path), { name: basename(path), origin });
  }

  private async insert({ head, ...stored }: Stored, description: Description): Promise<StoredFile | undefined> {
    const { origin, isForEveryone = true } = description;
    const { name, searchName } = nameForms(description.name);
    const now = new Date();
    const file: StoredFile = {
      ...stored,
      id: uuid(),
      name,
      searchName,
      searchText: searchTextOf({ name, note: '' }),
      contentType: await contentTypeOf(head, name),
      note: '',
      availableAt: now,
      expiresAt: null,
      isForEveryone,
      isHidden: false,
      memberLimit: null,
      totalLimit: null,
      versionId: uuid(),
      versionNumber: 1,
      versionedAt: now,
      origin: origin ?? null,
      featuredAt: null,
      deletedAt: null,
      createdAt: now,
      revision: 1,
      revisedAt: now,
    };
    try {
      await this.files.insert(file);
      return file;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      if (origin !== undefined) await this.store.discard(stored.storageKey);
      return undefined;
    }
  }

  /**
   * Makes bytes visible by a write, once they are whole and there is room for them. Where that is refused they go; where
   * it fails in another way nobody knows whether it was done, so they stay, to be swept unless a row names them.
   */
  private async keep<Kept>(bytes: Readable | Stored, write: (stored: Stored) => Promise<Kept>): Promise<Kept> {
    const isComing = bytes instanceof Readable;
    const stored = isComing ? await this.take(bytes) : bytes;
    const { storageKey, size } = stored;
    const written = isComing ? this.quota.claim(size, () => write(stored), size) : write(stored);
    const kept = await written.catch(async (error: unknown) => {
      if (error instanceof HttpException) await this.store.discard(storageKey);
      throw error;
    });
    await this.store.settle(storageKey);
    return kept;
  }

  private take(bytes: Readable): Promise<Stored> {
    return this.store.put(bytes, (size) => this.quota.mustFit(size, size)).catch(refuseInsufficientStorage);
  }
}

/** Rows that one statement of a whole list reads. */
const slice = 200;

const numbers = ['size', 'memberLimit', 'totalLimit'] as const;
const instants = [
  'availableAt',
  'expiresAt',
  'versionedAt',
  'featuredAt',
  'deletedAt',
  'createdAt',
  'revisedAt',
] as const;

/** A row as the reader gives it: numbers come as text from PostgreSQL, times as milliseconds, truths as 0 and 1 from SQLite. */
type Row = Omit<StoredFile, (typeof numbers)[number] | (typeof instants)[number] | 'isForEveryone' | 'isHidden'> &
  Record<(typeof numbers)[number] | (typeof instants)[number], number | string | null> & {
    readonly isForEveryone: boolean | number;
    readonly isHidden: boolean | number;
    readonly coveredBytes: number | string | null;
  };

const fromRow = memoize((row: Row): ShelfFile => {
  const entries = [
    ...numbers.map((name) => [name, row[name] === null ? null : Number(row[name])]),
    ...instants.map((name) => [name, row[name] === null ? null : new Date(Number(row[name]))]),
  ];
  const file = { ...row, ...Object.fromEntries(entries) } as StoredFile;
  const coveredBytes = Number(row.coveredBytes ?? 0);
  const part = row.coveredBytes === null ? 'none' : 'part';
  return {
    ...file,
    name: nameOnRecord(file.name),
    isForEveryone: Boolean(row.isForEveryone),
    isHidden: Boolean(row.isHidden),
    coveredBytes,
    downloaded: row.coveredBytes !== null && coveredBytes === file.size ? 'whole' : part,
  };
});

const bound = [
  ...(['id', 'name', 'searchName', 'size', 'sha256', 'storageKey'] as const),
  ...(['versionId', 'versionedAt', 'memberLimit', 'totalLimit'] as const),
] as const;

type BoundRow = Pick<Row, (typeof bound)[number]>;

const numberOf = (value: number | string | null): number | null => (value === null ? null : Number(value));

const boundFrom = (row: BoundRow): BoundFile => ({
  ...row,
  name: nameOnRecord(row.name),
  size: Number(row.size),
  versionedAt: new Date(Number(row.versionedAt)),
  memberLimit: numberOf(row.memberLimit),
  totalLimit: numberOf(row.totalLimit),
});

const columns = [
  ...[
    'id',
    'name',
    'searchName',
    'note',
    'contentType',
    'size',
    'sha256',
    'storageKey',
    'origin',
    'isForEveryone',
    'isHidden',
  ],
  ...['memberLimit', 'totalLimit', 'versionId', 'versionNumber', 'revision'],
  ...instants,
]
  .map((name) => `f."${name}"`)
  .join(', ');

/** What was sent to whoever asks, of the newest version; null where nothing was. */
const covered = `(SELECT d."coveredBytes" FROM "downloads" d
  WHERE d."memberId" = $1 AND d."versionId" = f."versionId") AS "coveredBytes"`;

const forEachReach = <To>(make: (reach: Reach) => To): Readonly<Record<Reach, To>> => ({
  admin: make('admin'),
  member: make('member'),
});

const one = forEachReach(
  (reach) => `WITH ${me} SELECT ${columns}, ${covered} FROM "files" f WHERE f."id" = $3 AND ${mayHave[reach]}`,
);

/** The file chosen last, else the newest. */
const featured = forEachReach(
  (reach) => `WITH ${me} SELECT ${columns}, ${covered} FROM (
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

/** The statement of a part of the list, for each order. */
const listings = forEachReach((reach) =>
  mapValues(orders, ({ column, direction, start: [key] }) => {
    const order = (table: string) => `ORDER BY ${table}"${column}" ${direction}, ${table}"id" ${direction}`;
    const value = `CAST($3 AS ${typeof key === 'number' ? 'bigint' : 'varchar(255)'})`;
    const rest = `
      AND (f."${column}", f."id") ${direction === 'ASC' ? '>' : '<'} (${value}, $4)
      AND ${hasWords('f."searchText"', 5)}
      ${order('f.')} LIMIT $${afterWords(5)}`;
    return `WITH ${me}
      SELECT ${columns}, ${covered} FROM (
        ${allThatMayBeHad(reach, 'f.*', rest)}
      ) f ${order('f.')} LIMIT $${afterWords(5)}`;
  }),
);

/** Who may have a collection may have each file in it that is out. */
const mayHaveCollection: Readonly<Record<Reach, string>> = {
  admin: '1 = 1',
  member: `EXISTS (SELECT 1 FROM "collection_entitlements" e WHERE e."collectionId" = $3 AND e."memberId" = $1)`,
};

const ofCollection = (reach: Reach) => `
  FROM "collection_files" c JOIN "files" f ON f."id" = c."fileId"
  WHERE c."collectionId" = $3 AND ${isOut[reach]} AND ${mayHaveCollection[reach]}`;

const inCollection = forEachReach(
  (reach) => `WITH ${me} SELECT ${columns}, ${covered} ${ofCollection(reach)}
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

function mapValues<Key extends string, From, To>(from: Record<Key, From>, make: (value: From) => To): Record<Key, To> {
  return Object.fromEntries(Object.entries<From>(from).map(([key, value]) => [key, make(value)])) as Record<Key, To>;
}

function notThere(): never {
  throw new NotFoundException('There is no such file here for you.');
}
