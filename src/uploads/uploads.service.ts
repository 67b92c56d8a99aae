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

/** How long an upload is kept after the last request that added to it, in milliseconds. */
export const uploadLifetimeMs = 24 * hourMs;

/** The keys and values of `Upload-Metadata`. The value is null if a key has none. */
export type Metadata = Readonly<Record<string, string | null>>;

/** An upload as the client describes it before it sends any bytes. */
export interface Announcement {
  readonly id: string;
  /** The size of the whole upload, in bytes. */
  readonly size: number;
  /**
   * - `filename` or `name`: the name of the file
   * - `replaces`: the id of the file that gets a new version
   * - `audience`: `everyone`, or `nobody` if only admins may have a new file at first
   *
   * Other keys are stored, and sent back to the client.
   */
  readonly metadata: Metadata;
}

/** An upload, and how many of its bytes have arrived. */
export interface Progress extends Upload {
  readonly offset: number;
}

/**
 * Resumable uploads. Only the admin who began an upload can use its address. Nothing of an upload is visible before all
 * its bytes have arrived. Then it is added to the shelf exactly once, even if a request is repeated.
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
   * Begins an upload. Its size counts against the quota from now on.
   *
   * @throws InvalidInput if it has no name, or if its audience is not valid.
   * @throws NotFoundException if the file to replace does not exist.
   * @throws InsufficientStorage if there is no room for it.
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
   * Finds an admin's own upload and how many of its bytes have arrived. If all have arrived, the file is on the shelf
   * when this returns, even if the process crashed before it could add the file.
   *
   * @throws NotFoundException if the admin has no upload with this id, or if it has expired.
   * @throws what `LibraryService.add` and `LibraryService.replace` throw.
   */
  async find(id: string, by: Actor): Promise<Progress> {
    const upload = await this.findOwn(id, by.admin?.id);
    const offset = upload.addedFileId === null ? await this.store.sizeOf(upload.storageKey) : upload.size;
    if (offset === undefined) notThere();
    return { ...upload, addedFileId: await this.shelve(upload, offset, by), offset };
  }

  /**
   * Appends the next bytes to an upload. If they break off, the bytes that have arrived are kept, and `find` says how
   * many there are. Only one request at a time may append.
   *
   * @param offset how many bytes have arrived before.
   * @throws NotFoundException if the admin has no upload with this id, or if it has expired.
   * @throws ConflictException if more or fewer bytes than `offset` have arrived.
   * @throws InsufficientStorage if the disk is full.
   */
  async append(id: string, offset: number, piece: Readable, by: Actor): Promise<void> {
    const upload = await this.findOwn(id, by.admin?.id);
    if (upload.addedFileId !== null) return;
    await this.uploads.update({ id }, { expiresAt: new Date(Date.now() + uploadLifetimeMs) });
    await this.store
      .append(upload.storageKey, offset, piece, () => this.quota.mustFit(0))
      .catch(refuseInsufficientStorage);
  }

  /** Deletes an upload. If it has become a file, the file stays. @throws NotFoundException as `findOwn`. */
  async cancel(id: string, by: Actor): Promise<void> {
    const { storageKey } = await this.findOwn(id, by.admin?.id);
    await this.uploads.delete({ id });
    await this.store.abandon(storageKey);
  }

  /**
   * Finds an admin's own upload.
   *
   * @throws NotFoundException if the admin has no upload with this id, or if it has expired.
   */
  async findOwn(id: string, uploaderId = ''): Promise<Upload> {
    const upload = isUuid(id) ? await this.uploads.findOneBy({ id, uploaderId }) : null;
    return upload && +upload.expiresAt > Date.now() ? upload : notThere();
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'uploads that nobody goes on with could not be swept');
  }

  /**
   * Puts an upload on the shelf if all its bytes have arrived. Returns the id of the file, or null if bytes are
   * missing.
   */
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
