import { Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Readable } from 'node:stream';
import { IsNull, Repository, type FindOptionsWhere } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import { dayMs, hourMs } from '../config/durations.js';
import { Writer } from '../database/writer.js';
import { fileName } from '../files/file-name.js';
import { FileStore, type Stored } from '../store/file-store.js';
import type { FileVersion } from '../files/file-version.entity.js';
import { FilesService } from '../files/files.service.js';
import { nameForms, searchTextOf, StoredFile } from '../files/stored-file.entity.js';
import type { Actor } from '../http/actor.js';
import { Chores } from '../http/chores.js';
import { InvalidInput } from '../http/errors.js';
import { newestId, cursorPageOf, type CursorPage } from '../http/paging.input.js';
import { isConditional, refuseChanged, type Expected } from '../http/revision.js';
import { withWords } from '../http/search.js';
import type { FileChangeInput } from './file-change.input.js';
import type { LibraryInput } from './library.input.js';
import type { SelectionInput } from './selection.input.js';

/** How long a deleted file can be restored; then its bytes are deleted. */
export const daysToUndo = 30;

/** A file that an admin's program or browser sends, or has sent. */
export interface Upload {
  readonly name: string;
  readonly bytes: Readable | Stored;
}

/** The library, for admins: what stands on the shelf, and what may be done about a file. Each act is written down. */
@Injectable()
export class LibraryService implements OnModuleInit {
  constructor(
    @InjectRepository(StoredFile) private readonly rows: Repository<StoredFile>,
    private readonly files: FilesService,
    private readonly store: FileStore,
    private readonly writer: Writer,
    private readonly activity: ActivityService,
    private readonly chores: Chores,
  ) {}

  /** The files, the newest first, deleted ones apart; `q` is looked for in their names and notes. */
  async list({ limit, cursor = newestId, q, state = 'there' }: LibraryInput): Promise<CursorPage<StoredFile>> {
    const query = this.rows.createQueryBuilder('f').where('f."id" < :cursor', { cursor });
    const found = await withWords(query, 'f."searchText"', q)
      .andWhere(state === 'deleted' ? 'f."deletedAt" IS NOT NULL' : 'f."deletedAt" IS NULL')
      .orderBy('f.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  /** A file on the shelf. @throws NotFoundException if there is none, or it was deleted. */
  find(id: string): Promise<StoredFile> {
    return this.findWhere({ id, deletedAt: IsNull() });
  }

  /** A file, deleted or not. @throws NotFoundException if there is none, or its bytes have gone. */
  findAny(id: string): Promise<StoredFile> {
    return this.findWhere({ id });
  }

  /** The newest hundred versions of a file, the newest first. */
  async versionsOf(file: StoredFile): Promise<readonly FileVersion[]> {
    return (await this.files.versionsOf(file, { limit: 100 })).items;
  }

  /**
   * Takes in a file; it is on the shelf, whole, once this returns, and nothing of it is anywhere where this throws.
   *
   * @param audience who may have it at first: `nobody` but admins, until somebody says who.
   * @throws InvalidInput if it has no name.
   * @throws InsufficientStorage if there is no room for it; what the stream throws, such as 413 for too much.
   */
  async add({ name, bytes }: Upload, by: Actor, audience: 'everyone' | 'nobody' = 'everyone'): Promise<StoredFile> {
    if (!fileName(name)) throw new InvalidInput([{ field: 'file', message: 'Please give the file a name.' }]);
    const file = await this.files.add(bytes, { name, isForEveryone: audience === 'everyone' });
    if (!file) throw new Error('A file without an origin was there already.');
    await this.note('file.added', file, by);
    return file;
  }

  /**
   * Takes in new bytes for a file: the next version, under the same name and address.
   *
   * @throws as `add`; NotFoundException if the file was deleted meanwhile.
   */
  async replace(file: StoredFile, { bytes }: Upload, by: Actor, expected?: Expected): Promise<StoredFile> {
    const replaced = await this.files.addVersion(file, bytes, expected);
    await this.note('file.replaced', replaced, by);
    return replaced;
  }

  /** Lets `/download` serve this file, or no longer: then the newest is served, unless another was chosen before. */
  async feature(file: StoredFile, isFeatured: boolean, by: Actor): Promise<void> {
    await this.rows.update({ id: file.id }, { featuredAt: isFeatured ? new Date() : null });
    await this.note(isFeatured ? 'file.featured' : 'file.unfeatured', file, by);
  }

  /** Takes a file off the shelf, from the next request on. For 30 days it can be had back. */
  async delete(file: StoredFile, by: Actor, expected: Expected = {}): Promise<void> {
    const { affected } = await this.rows.update(
      { id: file.id, deletedAt: IsNull(), ...expected },
      { deletedAt: new Date() },
    );
    if (affected === 1) await this.note('file.deleted', file, by);
    else if (isConditional(expected)) refuseChanged();
  }

  /** Puts a deleted file back on the shelf. @throws NotFoundException if its bytes have gone meanwhile. */
  async restore(file: StoredFile, by: Actor): Promise<void> {
    const { affected } = await this.rows
      .createQueryBuilder()
      .update({ deletedAt: null })
      .where('"id" = :id AND "deletedAt" > :since', { id: file.id, since: Date.now() - daysToUndo * dayMs })
      .execute();
    if (affected === 1) await this.note('file.restored', file, by);
    else if (file.deletedAt) notThere();
  }

  /** Hides a file from members, or leaves it to its times again whether they have it: those stay as they are. */
  async hide(file: StoredFile, isHidden: boolean, by: Actor): Promise<void> {
    await this.describe(file, { ...file, isHidden }, by);
  }

  /**
   * Changes what is named, all of it or nothing.
   *
   * @throws InvalidInput if members could never have it; PreconditionFailedException if it is not as expected.
   */
  async change(
    id: string,
    { featured, deleted, ...facts }: FileChangeInput,
    by: Actor,
    expected: Expected = {},
  ): Promise<StoredFile> {
    const file = deleted === false ? await this.findAny(id) : await this.find(id);
    const changed = { ...file, ...changesOf(facts) };
    refuseWithoutTime(changed);
    await this.describe(file, changed, by, expected);
    if (deleted === false) await this.restore(file, by);
    if (featured !== undefined) await this.feature(changed, featured, by);
    return this.findAny(id);
  }

  /** Does the same with several files, and passes over those that are not there (any more). Gives how many it did. */
  async doAll({ files, act }: SelectionInput, by: Actor): Promise<number> {
    let done = 0;
    for (const id of new Set(files)) done += (await this.doOne(id, act, by)) ? 1 : 0;
    return done;
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'what was deleted or replaced could not be swept');
  }

  private async sweep(): Promise<void> {
    if (await this.store.isHeld()) return;
    await this.sweepDeleted();
    await this.sweepReplaced();
    await this.store.sweep(async (storageKey) => (await this.files.fileIdOf(storageKey)) !== undefined);
  }

  /**
   * The bytes go before the rows, so that a crash leaves none that nobody knows of, and that they go is written down
   * before, so that nobody misses them. A backup that began before that names them still: they go the next time.
   */
  private async sweepDeleted(): Promise<void> {
    const over = await this.writer.rows<{ fileId: string; storageKey: string }>(
      `UPDATE "file_versions" SET "discardedAt" = COALESCE("discardedAt", $1)
       WHERE "fileId" IN (SELECT "id" FROM "files" WHERE "deletedAt" <= $2) RETURNING "fileId", "storageKey"`,
      [Date.now(), Date.now() - daysToUndo * dayMs],
    );
    if (await this.store.isHeld()) return;
    for (const { storageKey } of over) await this.store.discard(storageKey);
    for (const id of new Set(over.map(({ fileId }) => fileId))) await this.rows.delete({ id });
  }

  /**
   * The bytes of a version that another took the place of a day ago, and that nobody is in the middle of. It is written
   * down first, so that nobody begins with it; what a crash then leaves of it goes the next time.
   */
  private async sweepReplaced(): Promise<void> {
    const now = Date.now();
    const marked = await this.writer.rows<{ storageKey: string }>(
      `UPDATE "file_versions" SET "discardedAt" = COALESCE("discardedAt", $1)
       WHERE "discardedAt" > $2 OR ("discardedAt" IS NULL
         AND EXISTS (SELECT 1 FROM "file_versions" next WHERE next."fileId" = "file_versions"."fileId"
           AND next."number" = "file_versions"."number" + 1 AND next."createdAt" <= $2)
         AND NOT EXISTS (SELECT 1 FROM "downloads" d
           WHERE d."versionId" = "file_versions"."id" AND d."openedAt" > $2))
       RETURNING "storageKey"`,
      [now, now - dayMs],
    );
    if (await this.store.isHeld()) return;
    for (const { storageKey } of marked) await this.store.discard(storageKey);
  }

  /** Writes down what has changed about a file, and that it has. */
  private async describe(file: StoredFile, changed: StoredFile, by: Actor, expected: Expected = {}): Promise<void> {
    const facts = [
      ...(['name', 'searchName', 'note', 'availableAt', 'expiresAt', 'isHidden'] as const),
      ...(['memberLimit', 'totalLimit'] as const),
    ];
    const isNew = (fact: (typeof facts)[number]) => String(file[fact]) !== String(changed[fact]);
    const news = facts.filter(isNew);
    const isChecked = isConditional(expected);
    if (news.length === 0 && !isChecked) return;
    // of several under the same condition one alone takes this step, even if it changes nothing
    const { affected } = await this.rows.update(
      { id: file.id, ...expected },
      {
        ...Object.fromEntries(news.map((fact) => [fact, changed[fact]])),
        // the database counts a change where the note is named, whatever else has changed
        note: isNew('note') ? changed.note : () => '"note"',
        searchText: searchTextOf(changed),
      },
    );
    if (affected === 0 && isChecked) refuseChanged();
    if (isNew('name')) await this.note('file.renamed', changed, by);
    if (isNew('note')) await this.note('file.described', changed, by);
    if (isNew('availableAt') || isNew('expiresAt')) await this.note('file.scheduled', changed, by);
    if (isNew('isHidden')) await this.note(changed.isHidden ? 'file.hidden' : 'file.shown', changed, by);
    if (isNew('memberLimit') || isNew('totalLimit')) await this.note('file.limited', changed, by);
  }

  private async doOne(id: string, act: SelectionInput['act'], by: Actor): Promise<boolean> {
    const file = await this.rows.findOneBy({ id });
    if (!file || (act === 'restore') !== (file.deletedAt !== null)) return false;
    const acts = {
      show: () => this.hide(file, false, by),
      hide: () => this.hide(file, true, by),
      delete: () => this.delete(file, by),
      restore: () => this.restore(file, by),
    };
    return acts[act]().then(
      () => true,
      (error: unknown) => (error instanceof NotFoundException ? false : Promise.reject(error as Error)),
    );
  }

  private async findWhere(where: FindOptionsWhere<StoredFile> & { id: string }): Promise<StoredFile> {
    const file = isUuid(where.id) ? await this.rows.findOneBy(where) : null;
    return file ?? notThere();
  }

  private note(kind: EventKind, file: StoredFile, { admin, caller }: Actor): Promise<void> {
    return this.activity.record({ kind, actor: admin, target: file.name }, caller);
  }
}

/** A change as it stands in the row; what is not named is left out. */
function changesOf(change: Omit<FileChangeInput, 'featured' | 'deleted'>): Partial<StoredFile> {
  const { name, note, availableAt, expiresAt, hidden, memberLimit, totalLimit } = change;
  return {
    ...(name !== undefined && nameForms(name)),
    ...(note !== undefined && { note }),
    ...(availableAt !== undefined && { availableAt: new Date(availableAt) }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : new Date(expiresAt) }),
    ...(hidden !== undefined && { isHidden: hidden }),
    ...(memberLimit !== undefined && { memberLimit }),
    ...(totalLimit !== undefined && { totalLimit }),
  };
}

function refuseWithoutTime({ availableAt, expiresAt }: StoredFile): void {
  if (expiresAt && expiresAt <= availableAt)
    throw new InvalidInput([
      { field: 'expiresAt', message: 'Please choose a time after that from which it is there.' },
    ]);
}

function notThere(): never {
  throw new NotFoundException('There is no such file.');
}
