import { HttpException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { IsNull, LessThan, Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { isUniqueViolation } from '../database/unique-violation.js';
import { cursorPageOf, newestId, type CursorPage, type PagingInput } from '../http/paging.input.js';
import { refuseChanged, type Expected } from '../http/revision.js';
import { contentTypeOf } from '../store/content-type.js';
import { FileStore, type Stored } from '../store/file-store.js';
import { FileVersion } from './file-version.entity.js';
import { Quota, refuseInsufficientStorage } from './quota.js';
import { nameForms, searchTextOf, StoredFile } from './stored-file.entity.js';

/** What is known of a new file, other than its bytes. */
export interface Description {
  readonly name: string;
  /** A unique name for a file that may be added only once. */
  readonly origin?: string;
  readonly isForEveryone?: boolean;
}

/** Files and their versions, for the code that adds and manages them. Members see files through `ShelfService`. */
@Injectable()
export class FilesService {
  constructor(
    @InjectRepository(StoredFile) private readonly files: Repository<StoredFile>,
    @InjectRepository(FileVersion) private readonly versions: Repository<FileVersion>,
    private readonly store: FileStore,
    private readonly quota: Quota,
  ) {}

  /**
   * Adds a file. It stores the bytes first, and then the row that makes the file visible, so that nobody ever sees half
   * a file. Returns undefined if there is already a file with the same `origin`.
   *
   * @param bytes a stream, or bytes that the store already holds. Room for the latter must already be claimed.
   * @throws InsufficientStorage if the quota or the disk has no room for it. Then nothing of the file is left.
   */
  add(bytes: Readable | Stored, description: Description): Promise<StoredFile | undefined> {
    return this.keep(bytes, (stored) => this.insert(stored, description));
  }

  /**
   * Adds a new version to a file. From the next request on, the address of the file serves the new bytes. The bytes of
   * the version before stay for a while, for members who are still downloading them.
   *
   * If this throws one of the following errors, nothing of the new bytes is left.
   *
   * @throws InsufficientStorage if the quota or the disk has no room for it.
   * @throws NotFoundException if the file was deleted meanwhile.
   * @throws PreconditionFailedException if the file is not as expected.
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

  /**
   * The id of the file that has a version with this storage key, even if the file is deleted; undefined if none has.
   */
  async fileIdOf(storageKey: string): Promise<string | undefined> {
    return (await this.versions.findOneBy({ storageKey }))?.fileId;
  }

  /** A page of all versions of a file, the newest first. */
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

  /** Adds a file from this machine's disk. Returns undefined if there is already a file with the same `origin`. */
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
   * Stores bytes, if there is room for them, and then calls `write`, which makes them visible. If `write` refuses with
   * an HTTP error, the bytes are deleted. If it fails in another way, it is not known whether the row was written. Then
   * the bytes stay, and are swept later unless a row names them.
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

function notThere(): never {
  throw new NotFoundException('There is no such file here for you.');
}
