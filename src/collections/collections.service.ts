import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { validate as isUuid, v7 as uuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import type { AudienceInput } from '../audiences/audience.input.js';
import { AudiencesService } from '../audiences/audiences.service.js';
import { rowReader, type Cell } from '../database/columns.js';
import { Reader } from '../database/reader.js';
import { Writer } from '../database/writer.js';
import { StoredFile } from '../files/stored-file.entity.js';
import { actsAsAdmin, type Viewer } from '../http/access.js';
import type { Actor } from '../http/actor.js';
import { newestId, cursorPageOf, type CursorPage, type SearchInput } from '../http/paging.input.js';
import { isConditional, refuseChanged, type Expected } from '../http/revision.js';
import { afterWords, hasWords, withWords, wordsOf } from '../http/search.js';
import { Collection, nameForms, searchTextOf } from './collection.entity.js';
import type { CollectionChangeInput, CollectionInput } from './collection.input.js';

/** Collections of files: those that a member may have, and what admins do with all of them. Each change is logged. */
@Injectable()
export class CollectionsService {
  constructor(
    @InjectRepository(Collection) private readonly collections: Repository<Collection>,
    @InjectRepository(StoredFile) private readonly files: Repository<StoredFile>,
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly audiences: AudiencesService,
    private readonly activity: ActivityService,
  ) {}

  /**
   * The collections that a member may have, the newest first. An admin has all of them. `q` is searched for in names
   * and notes.
   */
  async listFor(viewer: Viewer, selection: SearchInput): Promise<CursorPage<Collection>> {
    if (actsAsAdmin(viewer)) return this.list(selection);
    const { limit, cursor = newestId, q } = selection;
    const values = [cursor, ...wordsOf(q), viewer.id, limit + 1];
    return cursorPageOf((await this.reader.rows<Row>(listings.member, values)).map(fromRow), limit);
  }

  /** All collections, the newest first. `q` is searched for in names and notes. */
  async list({ limit, cursor = newestId, q }: SearchInput): Promise<CursorPage<Collection>> {
    const rows = await this.reader.rows<Row>(listings.admin, [cursor, ...wordsOf(q), limit + 1]);
    return cursorPageOf(rows.map(fromRow), limit);
  }

  /** @throws NotFoundException if there is no such collection, or if the member may not have it. */
  async findFor(viewer: Viewer, id: string): Promise<Collection> {
    const statement = actsAsAdmin(viewer) ? one.admin : one.member;
    const [row] = isUuid(id) ? await this.reader.rows<Row>(statement, [id, ...whose(viewer)]) : [];
    return row ? fromRow(row) : notThere();
  }

  /** @throws NotFoundException if there is no such collection. */
  async find(id: string): Promise<Collection> {
    const [row] = isUuid(id) ? await this.reader.rows<Row>(one.admin, [id]) : [];
    return row ? fromRow(row) : notThere();
  }

  /**
   * Checks that a file is in a collection.
   *
   * @throws NotFoundException if there is no such collection, or if the file is not in it.
   */
  async findFileIn(id: string, fileId: string): Promise<void> {
    await this.find(id);
    const sql = `SELECT 1 FROM "collection_files" WHERE "collectionId" = $1 AND "fileId" = $2`;
    if (!isUuid(fileId) || (await this.reader.rows(sql, [id, fileId])).length === 0) noFile();
  }

  /**
   * Checks that a file and a collection exist, so that the file can be added.
   *
   * @throws NotFoundException if one of them does not exist.
   */
  async findFileFor(id: string, fileId: string): Promise<void> {
    await this.find(id);
    if (!isUuid(fileId) || !(await this.files.existsBy({ id: fileId }))) noFile();
  }

  /** Creates an empty collection. Only admins may have it at first. */
  async create({ name, note = '' }: CollectionInput, by: Actor): Promise<Collection> {
    const now = new Date();
    const collection: Collection = {
      id: uuid(),
      ...nameForms(name),
      note,
      searchText: searchTextOf({ name, note }),
      isForEveryone: false,
      createdAt: now,
      changedAt: now,
      revision: 1,
      revisedAt: now,
    };
    await this.collections.insert(collection);
    await this.note('collection.created', collection, by);
    return collection;
  }

  /**
   * Changes the fields that are given.
   *
   * @throws NotFoundException if the collection was deleted meanwhile.
   * @throws PreconditionFailedException if it is not as expected.
   */
  async change(
    collection: Collection,
    { name, note, isForEveryone }: CollectionChangeInput,
    by: Actor,
    expected: Expected = {},
  ): Promise<Collection> {
    const changes = {
      ...(name !== undefined && nameForms(name)),
      ...(note !== undefined && { note }),
      ...(isForEveryone !== undefined && { isForEveryone }),
      changedAt: new Date(),
    };
    const changed = { ...collection, ...changes };
    const searchText = searchTextOf(changed);
    const { affected } = await this.collections.update({ id: collection.id, ...expected }, { ...changes, searchText });
    const written = await this.collections.findOneBy({ id: collection.id });
    if (!written) return notThere();
    if (affected === 0) refuseChanged();
    await this.note('collection.changed', changed, by);
    return written;
  }

  /**
   * Deletes a collection. Its files stay, but a member who had them only through this collection loses them.
   *
   * @throws PreconditionFailedException if it is not as expected.
   */
  async delete(collection: Collection, by: Actor, expected: Expected = {}): Promise<void> {
    const { affected } = await this.collections.delete({ id: collection.id, ...expected });
    if (affected === 1) await this.note('collection.deleted', collection, by);
    else if (isConditional(expected)) refuseChanged();
  }

  /** The files that are in a collection, the newest first. `q` is searched for in names and notes. */
  filesIn(collection: Collection, selection: SearchInput): Promise<CursorPage<StoredFile>> {
    return this.filesThat('EXISTS', collection, selection);
  }

  /** The files that are not in a collection, the newest first. `q` is searched for in names and notes. */
  filesOutside(collection: Collection, selection: SearchInput): Promise<CursorPage<StoredFile>> {
    return this.filesThat('NOT EXISTS', collection, selection);
  }

  /**
   * Adds files to a collection. Files that are in it already stay. Returns how many were added.
   *
   * @throws NotFoundException if a file does not exist; the files before it are added.
   */
  async addFiles(collection: Collection, fileIds: readonly string[], by: Actor): Promise<number> {
    let count = 0;
    for (const fileId of fileIds) {
      if (!isUuid(fileId) || !(await this.files.existsBy({ id: fileId }))) return noFile();
      const rows = await this.writer.rows(
        `INSERT INTO "collection_files" ("collectionId", "fileId", "addedAt")
         SELECT c."id", f."id", $1 FROM "collections" c CROSS JOIN "files" f
         WHERE c."id" = $2 AND f."id" = $3 AND f."deletedAt" IS NULL
         ON CONFLICT DO NOTHING RETURNING "fileId"`,
        [Date.now(), collection.id, fileId],
      );
      count += rows.length;
    }
    if (count > 0) await this.change(collection, {}, by);
    return count;
  }

  /** Removes a file from a collection. @throws NotFoundException if the file is not in it. */
  async removeFile(collection: Collection, fileId: string, by: Actor): Promise<void> {
    const rows = isUuid(fileId)
      ? await this.writer.rows(
          `DELETE FROM "collection_files" WHERE "collectionId" = $1 AND "fileId" = $2 RETURNING "fileId"`,
          [collection.id, fileId],
        )
      : [];
    if (rows.length === 0) return noFile();
    await this.change(collection, {}, by);
  }

  /**
   * Sets which members may have a collection, and with it each file in it.
   *
   * @throws InvalidInput if a group or a member does not exist.
   */
  async share(collection: Collection, input: AudienceInput, by: Actor): Promise<void> {
    await this.audiences.set({ collectionId: collection.id }, input);
    await this.note('collection.shared', collection, by);
  }

  private async filesThat(
    exists: 'EXISTS' | 'NOT EXISTS',
    { id }: Collection,
    { limit, cursor = newestId, q }: SearchInput,
  ): Promise<CursorPage<StoredFile>> {
    const query = this.files.createQueryBuilder('f').where('f."id" < :cursor', { cursor });
    const found = await withWords(query, 'f."searchText"', q)
      .andWhere('f."deletedAt" IS NULL')
      .andWhere(`${exists} (SELECT 1 FROM "collection_files" c WHERE c."collectionId" = :id AND c."fileId" = f."id")`, {
        id,
      })
      .orderBy('f.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  private note(kind: EventKind, { name }: Collection, { admin, caller }: Actor): Promise<void> {
    return this.activity.record({ kind, actor: admin, target: name }, caller);
  }
}

type Row = Readonly<Record<keyof Collection, Cell>>;

const fromRow = rowReader(Collection);

/** The value for the SQL condition on members; none for an admin, because an admin has every collection. */
const whose = (viewer: Viewer): readonly string[] => (actsAsAdmin(viewer) ? [] : [viewer.id]);

const theirs = (member: string) =>
  `c."id" IN (SELECT e."collectionId" FROM "collection_entitlements" e WHERE e."memberId" = ${member})`;

const columns = ['id', 'name', 'searchName', 'note', 'isForEveryone', 'createdAt', 'changedAt', 'revision', 'revisedAt']
  .map((name) => `c."${name}"`)
  .join(', ');

const listing = (rule: string, limit: string) => `
  SELECT ${columns} FROM "collections" c WHERE c."id" < $1 AND ${hasWords('c."searchText"', 2)} AND ${rule}
  ORDER BY c."id" DESC LIMIT ${limit}`;

const listings = {
  admin: listing('1 = 1', `$${afterWords(2)}`),
  member: listing(theirs(`$${afterWords(2)}`), `$${afterWords(2) + 1}`),
};

const one = {
  admin: `SELECT ${columns} FROM "collections" c WHERE c."id" = $1`,
  member: `SELECT ${columns} FROM "collections" c WHERE c."id" = $1 AND ${theirs('$2')}`,
};

function notThere(): never {
  throw new NotFoundException('There is no such collection here for you.');
}

function noFile(): never {
  throw new NotFoundException('There is no such file here.');
}
