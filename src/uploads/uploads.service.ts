import { Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Readable } from 'node:stream';
import { Repository } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { hourMs } from '../config/durations.js';
import { Writer } from '../database/writer.js';
import { fileName } from '../files/file-name.js';
import { FileStore } from '../store/file-store.js';
import { FilesService } from '../files/files.service.js';
import { refuseInsufficientStorage, Quota } from '../files/quota.js';
import type { Actor } from '../http/actor.js';
import { Chores } from '../http/chores.js';
import { InvalidInput } from '../http/errors.js';
import { LibraryService } from '../library/library.service.js';
import { firstAudiences, isFirstAudience } from '../library/upload.input.js';
import { Upload } from './upload.entity.js';

/** An upload that nobody goes on with is forgotten after this many milliseconds. */
export const uploadLifetimeMs = 24 * hourMs;

/** What `Upload-Metadata` holds: a key can stand without a value. */
export type Metadata = Readonly<Record<string, string | null>>;

/** What a client tells of an upload before it comes. */
export interface Announcement {
  readonly id: string;
  /** In bytes. */
  readonly size: number;
  /**
   * `filename` (or `name`); `replaces`, the id of the file whose next version it is; `audience`, who may have a new file
   * at first: `everyone`, or `nobody` but admins. What else there is is kept and told again.
   */
  readonly metadata: Metadata;
}

/** An upload, and how many bytes of it have come. */
export interface Progress extends Upload {
  readonly offset: number;
}

/**
 * Files that arrive in pieces, each under an address of its own that only the admin who began it knows of. Nothing of
 * one is visible before all has come; then it is on the shelf, once, whatever is asked again.
 */
@Injectable()
export class UploadsService implements OnModuleInit {
  constructor(
    @InjectRepository(Upload) private readonly uploads: Repository<Upload>,
    private readonly store: FileStore,
    private readonly files: FilesService,
    private readonly quota: Quota,
    private readonly library: LibraryService,
    private readonly writer: Writer,
    private readonly chores: Chores,
  ) {}

  /**
   * Begins an upload; its size counts against the quota from now on.
   *
   * @throws InvalidInput if it has no name, or its audience is none; NotFoundException if the file to replace is
   *   not there; InsufficientStorage.
   */
  async begin({ id, size, metadata }: Announcement, { admin }: Actor): Promise<Upload> {
    if (!admin) throw new Error('Only an admin uploads in pieces.');
    const { filename, name, replaces, audience } = metadata;
    const file = replaces ? await this.library.find(replaces) : undefined;
    const now = Date.now();
    const upload = {
      id,
      uploaderId: admin.id,
      fileId: file?.id ?? null,
      name: file?.name ?? fileName(filename ?? name ?? '') ?? '',
      size,
      metadata: JSON.stringify(metadata),
      addedFileId: null,
      createdAt: new Date(now),
      expiresAt: new Date(now + uploadLifetimeMs),
    };
    if (upload.name === '')
      throw new InvalidInput([{ field: 'filename', message: 'Please give the file a name, as `filename`.' }]);
    if (audience && !isFirstAudience(audience))
      throw new InvalidInput([{ field: 'audience', message: `audience is one of ${firstAudiences.join(', ')}.` }]);
    return this.quota.claim(size, async () => {
      const begun = { ...upload, storageKey: await this.store.begin() };
      await this.uploads.insert(begun);
      return begun;
    });
  }

  /**
   * How far an admin's own upload has come. Once all of it has, it is on the shelf when this returns: also where a crash
   * came between.
   *
   * @throws NotFoundException if they have none of that id (any more); as `LibraryService.add`.
   */
  async find(id: string, by: Actor): Promise<Progress> {
    const upload = await this.findOwn(id, by.admin?.id);
    const offset = upload.addedFileId === null ? await this.store.sizeOf(upload.storageKey) : upload.size;
    if (offset === undefined) notThere();
    return { ...upload, addedFileId: await this.shelve(upload, offset, by), offset };
  }

  /**
   * Takes in the next piece; what came of it stays where it breaks off. One at a time, and `find` then says how far it
   * has come.
   *
   * @param offset how many bytes have come before.
   * @throws NotFoundException as `find`; ConflictException where more have, or less; InsufficientStorage where the disk is full.
   */
  async append(id: string, offset: number, piece: Readable, by: Actor): Promise<void> {
    const upload = await this.findOwn(id, by.admin?.id);
    if (upload.addedFileId !== null) return;
    await this.uploads.update({ id }, { expiresAt: new Date(Date.now() + uploadLifetimeMs) });
    await this.store
      .append(upload.storageKey, offset, piece, () => this.quota.mustFit(0))
      .catch(refuseInsufficientStorage);
  }

  /** Forgets an upload; what has become a file stays one. @throws NotFoundException as `find`. */
  async cancel(id: string, by: Actor): Promise<void> {
    const { storageKey } = await this.findOwn(id, by.admin?.id);
    await this.uploads.delete({ id });
    await this.store.abandon(storageKey);
  }

  /** An admin's own upload, as far as it is known. @throws NotFoundException as `find`. */
  async findOwn(id: string, uploaderId = ''): Promise<Upload> {
    const upload = isUuid(id) ? await this.uploads.findOneBy({ id, uploaderId }) : null;
    return upload && +upload.expiresAt > Date.now() ? upload : notThere();
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'uploads that nobody goes on with could not be swept');
  }

  /** Puts an upload on the shelf once all of it has come. Which file it is, or null if some of it is missing. */
  private async shelve(upload: Upload, offset: number, by: Actor): Promise<string | null> {
    const { id, addedFileId, size, storageKey } = upload;
    if (addedFileId !== null || offset < size) return addedFileId;
    const fileId = (await this.files.fileIdOf(storageKey)) ?? (await this.add(upload, by));
    await this.uploads.update({ id }, { addedFileId: fileId });
    return fileId;
  }

  private async add({ fileId, name, metadata, storageKey }: Upload, by: Actor): Promise<string> {
    const upload = { name, bytes: await this.store.finish(storageKey) };
    if (fileId !== null) return (await this.library.replace(await this.library.find(fileId), upload, by)).id;
    const { audience } = JSON.parse(metadata) as Metadata;
    return (await this.library.add(upload, by, isFirstAudience(audience) ? audience : undefined)).id;
  }

  private async sweep(): Promise<void> {
    const over = await this.writer.rows<Pick<Upload, 'storageKey'>>(
      'DELETE FROM "uploads" WHERE "expiresAt" <= $1 RETURNING "storageKey"',
      [Date.now()],
    );
    for (const { storageKey } of over) await this.store.abandon(storageKey);
  }
}

function notThere(): never {
  throw new NotFoundException('There is no such upload (any more). Please begin again.');
}
