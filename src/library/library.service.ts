import { HttpException, HttpStatus, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Readable } from 'node:stream';
import { IsNull, Repository, type FindOptionsWhere } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event.entity.js';
import { Reader } from '../database/reader.js';
import { FileStore } from '../files/file-store.js';
import { FilesService } from '../files/files.service.js';
import { nameForms, StoredFile } from '../files/stored-file.entity.js';
import type { By } from '../http/by.js';
import { Chores } from '../http/chores.js';
import { InvalidInput } from '../http/errors.js';
import { likeAnywhere, newestId, partOf, type Part } from '../http/paging.input.js';
import type { FileChangeInput } from './file-change.input.js';
import type { LibraryInput } from './library.input.js';

const hour = 3_600_000;
const day = 24 * hour;
/** For so long a deleted file can be had back; then its bytes go. */
export const daysToUndo = 30;

/** A file that an admin's program or browser sends. */
export interface Upload {
  readonly name: string;
  readonly bytes: Readable;
}

/** The library, for admins: what stands on the shelf, and what may be done about a file. Each act is written down. */
@Injectable()
export class LibraryService implements OnModuleInit {
  constructor(
    @InjectRepository(StoredFile) private readonly rows: Repository<StoredFile>,
    private readonly files: FilesService,
    private readonly store: FileStore,
    private readonly reader: Reader,
    private readonly activity: ActivityService,
    private readonly chores: Chores,
  ) {}

  /** The files, the newest first, deleted ones apart; `q` is looked for in their names. */
  async list({ limit, cursor = newestId, q, state = 'there' }: LibraryInput): Promise<Part<StoredFile>> {
    const found = await this.rows
      .createQueryBuilder('f')
      .where(`f."id" < :cursor AND f."searchName" LIKE :q ESCAPE '!'`, { cursor, q: likeAnywhere(q) })
      .andWhere(state === 'deleted' ? 'f."deletedAt" IS NOT NULL' : 'f."deletedAt" IS NULL')
      .orderBy('f.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return partOf(found, limit);
  }

  /** A file on the shelf. @throws NotFoundException where there is none, or it was deleted. */
  find(id: string): Promise<StoredFile> {
    return this.findWhere({ id, deletedAt: IsNull() });
  }

  /** A file, deleted or not. @throws NotFoundException where there is none, or its bytes have gone. */
  findAny(id: string): Promise<StoredFile> {
    return this.findWhere({ id });
  }

  /**
   * Takes in a file; it is on the shelf, whole, once this returns, and nothing of it is anywhere where this throws.
   *
   * @throws InvalidInput where it has no name.
   * @throws HttpException 507 where there is no room for it; what the stream throws, such as 413 for too much.
   */
  async add({ name, bytes }: Upload, by: By): Promise<StoredFile> {
    if (name.trim() === '') throw new InvalidInput([{ field: 'file', message: 'Please give the file a name.' }]);
    const file = await this.files.add(bytes, { name: name.trim() }).catch(refuseWithoutRoom);
    if (!file) throw new Error('A file without an origin was there already.');
    await this.note('file.added', file, by);
    return file;
  }

  async rename(file: StoredFile, name: string, by: By): Promise<StoredFile> {
    const forms = nameForms(name);
    await this.rows.update({ id: file.id }, forms);
    await this.note('file.renamed', { ...file, ...forms }, by);
    return { ...file, ...forms };
  }

  /** Lets `/download` serve this file, or no longer: then the newest is served, unless another was chosen before. */
  async feature(file: StoredFile, isFeatured: boolean, by: By): Promise<void> {
    await this.rows.update({ id: file.id }, { featuredAt: isFeatured ? new Date() : null });
    await this.note(isFeatured ? 'file.featured' : 'file.unfeatured', file, by);
  }

  /** Takes a file off the shelf, from the next request on. For 30 days it can be had back. */
  async delete(file: StoredFile, by: By): Promise<void> {
    const { affected } = await this.rows.update({ id: file.id, deletedAt: IsNull() }, { deletedAt: new Date() });
    if (affected === 1) await this.note('file.deleted', file, by);
  }

  /** Puts a deleted file back on the shelf. @throws NotFoundException where its bytes have gone meanwhile. */
  async restore(file: StoredFile, by: By): Promise<void> {
    const { affected } = await this.rows
      .createQueryBuilder()
      .update({ deletedAt: null })
      .where('"id" = :id AND "deletedAt" > :since', { id: file.id, since: Date.now() - daysToUndo * day })
      .execute();
    if (affected === 1) await this.note('file.restored', file, by);
    else if (file.deletedAt) notThere();
  }

  /** Does several of these at once. */
  async change(id: string, { name, featured, deleted }: FileChangeInput, by: By): Promise<StoredFile> {
    const file = deleted === false ? await this.findAny(id) : await this.find(id);
    if (deleted === false) await this.restore(file, by);
    const named = name === undefined ? file : await this.rename(file, name, by);
    if (featured !== undefined) await this.feature(named, featured, by);
    return named;
  }

  onModuleInit(): void {
    this.chores.every(hour, () => this.sweep(), 'deleted files could not be swept');
  }

  /** The bytes go first: a row without bytes is swept again, bytes without a row would be nobody's. */
  private async sweep(): Promise<void> {
    const before = Date.now() - daysToUndo * day;
    const over = await this.reader.rows<{ id: string; storageKey: string }>(
      `SELECT "id", "storageKey" FROM "files" WHERE "deletedAt" <= $1`,
      [before],
    );
    for (const { id, storageKey } of over) {
      await this.store.discard(storageKey);
      await this.rows.delete({ id });
    }
  }

  private async findWhere(where: FindOptionsWhere<StoredFile> & { id: string }): Promise<StoredFile> {
    const file = isUuid(where.id) ? await this.rows.findOneBy(where) : null;
    return file ?? notThere();
  }

  private note(kind: EventKind, file: StoredFile, { admin, caller }: By): Promise<void> {
    return this.activity.record({ kind, actor: admin, target: file.name }, caller);
  }
}

function refuseWithoutRoom(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    throw new HttpException(
      'There is no room for this file. Make some, then try again.',
      HttpStatus.INSUFFICIENT_STORAGE,
    );
  throw error;
}

function notThere(): never {
  throw new NotFoundException('There is no such file.');
}
