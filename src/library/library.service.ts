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

/** How long a deleted file can be restored, in days. After that its bytes are deleted. */
export const daysToUndo = 30;

/** A file that an admin uploads: its name and its bytes. */
export interface Upload {
  readonly name: string;
  readonly bytes: Readable | Stored;
}

/** The library, for admins: all files, and what admins do with them. Each change is logged. */
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

  /**
   * The files, the newest first. `state` chooses between deleted files and the others. `q` is searched for in names and
   * notes.
   */
  async list({ limit, cursor = newestId, q, state = 'there' }: LibraryInput): Promise<CursorPage<StoredFile>> {
    const query = this.rows.createQueryBuilder('f').where('f."id" < :cursor', { cursor });
    const found = await withWords(query, 'f."searchText"', q)
      .andWhere(state === 'deleted' ? 'f."deletedAt" IS NOT NULL' : 'f."deletedAt" IS NULL')
      .orderBy('f.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  /** A file that is not deleted. @throws NotFoundException if there is no such file, or if it was deleted. */
  find(id: string): Promise<StoredFile> {
    return this.findWhere({ id, deletedAt: IsNull() });
  }

  /** A file, deleted or not. @throws NotFoundException if there is no such file, or if its bytes were deleted. */
  findAny(id: string): Promise<StoredFile> {
    return this.findWhere({ id });
  }

  /** The newest 100 versions of a file, the newest first. */
  async versionsOf(file: StoredFile): Promise<readonly FileVersion[]> {
    return (await this.files.versionsOf(file, { limit: 100 })).items;
  }

  /**
   * Adds a file. The whole file is on the shelf once this returns. If this throws, nothing of it is kept.
   *
   * @param audience the members who may have it at first: `everyone`, or `nobody` if only admins may.
   * @throws InvalidInput if it has no name.
   * @throws InsufficientStorage if there is no room for it.
   * @throws what the stream throws, such as 413 if there are too many bytes.
   */
  async add({ name, bytes }: Upload, by: Actor, audience: 'everyone' | 'nobody' = 'everyone'): Promise<StoredFile> {
    if (!fileName(name)) throw new InvalidInput([{ field: 'file', message: 'Please give the file a name.' }]);
    const file = await this.files.add(bytes, { name, isForEveryone: audience === 'everyone' });
    if (!file) throw new Error('A file without an origin was there already.');
    await this.note('file.added', file, by);
    return file;
  }

  /**
   * Adds a new version of a file, under the same name and address.
   *
   * @throws NotFoundException if the file was deleted meanwhile.
   * @throws PreconditionFailedException if the file is not as expected.
   * @throws InsufficientStorage if there is no room for it.
   * @throws what the stream throws, such as 413 if there are too many bytes.
   */
  async replace(file: StoredFile, { bytes }: Upload, by: Actor, expected?: Expected): Promise<StoredFile> {
    const replaced = await this.files.addVersion(file, bytes, expected);
    await this.note('file.replaced', replaced, by);
    return replaced;
  }

  /**
   * Features a file, or stops featuring it. `/download` serves the file that was featured last, or the newest file if
   * none is featured.
   */
  async feature(file: StoredFile, isFeatured: boolean, by: Actor): Promise<void> {
    await this.rows.update({ id: file.id }, { featuredAt: isFeatured ? new Date() : null });
    await this.note(isFeatured ? 'file.featured' : 'file.unfeatured', file, by);
  }

  /**
   * Deletes a file, from the next request on. It can be restored for 30 days.
   *
   * @throws PreconditionFailedException if the file is not as expected.
   */
  async delete(file: StoredFile, by: Actor, expected: Expected = {}): Promise<void> {
    const { affected } = await this.rows.update(
      { id: file.id, deletedAt: IsNull(), ...expected },
      { deletedAt: new Date() },
    );
    if (affected === 1) await this.note('file.deleted', file, by);
    else if (isConditional(expected)) refuseChanged();
  }

  /** Restores a deleted file. @throws NotFoundException if it was deleted more than 30 days ago. */
  async restore(file: StoredFile, by: Actor): Promise<void> {
    const { affected } = await this.rows
      .createQueryBuilder()
      .update({ deletedAt: null })
      .where('"id" = :id AND "deletedAt" > :since', { id: file.id, since: Date.now() - daysToUndo * dayMs })
      .execute();
    if (affected === 1) await this.note('file.restored', file, by);
    else if (file.deletedAt) notThere();
  }

  /**
   * Hides a file from members, or shows it again. A file that is shown again follows its times, which hiding does not
   * change.
   */
  async hide(file: StoredFile, isHidden: boolean, by: Actor): Promise<void> {
    await this.describe(file, { ...file, isHidden }, by);
  }

  /**
   * Changes the fields that are given.
   *
   * @throws NotFoundException if there is no such file.
   * @throws InvalidInput if the file would end before it begins; then nothing is changed.
   * @throws PreconditionFailedException if the file is not as expected; then nothing is changed.
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

  /**
   * Does one action with several files. Skips a file if it does not exist or if the action does not apply to it.
   * Returns how many files it changed.
   */
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
   * Deletes files that can no longer be restored. Bytes are deleted before their rows, so that a crash leaves no bytes
   * without a row. Before that, each version is marked as discarded, so that nothing expects its bytes. If a backup
   * began meanwhile, it may still list the bytes. Then they are deleted at the next sweep.
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
   * Deletes the bytes of versions that were replaced more than a day ago and that no member began to download within
   * the last day. Each is marked as discarded first, so that no new download of it begins. If a crash leaves bytes
   * behind, they are deleted at the next sweep.
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

  /** Saves the changed fields of a file, and logs what was changed. */
  private async describe(file: StoredFile, changed: StoredFile, by: Actor, expected: Expected = {}): Promise<void> {
    const facts = [
      ...(['name', 'searchName', 'note', 'availableAt', 'expiresAt', 'isHidden'] as const),
      ...(['memberLimit', 'totalLimit'] as const),
    ];
    const isNew = (fact: (typeof facts)[number]) => String(file[fact]) !== String(changed[fact]);
    const news = facts.filter(isNew);
    const isChecked = isConditional(expected);
    if (news.length === 0 && !isChecked) return;
    // if several requests have the same condition, only one may pass this step, even if it changes nothing
    const { affected } = await this.rows.update(
      { id: file.id, ...expected },
      {
        ...Object.fromEntries(news.map((fact) => [fact, changed[fact]])),
        // the database counts a revision if the statement names the note, so it is always named
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

/** The columns that a change sets. Fields that are not given are left out. */
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
