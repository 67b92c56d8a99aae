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

/** What a file is, beside its bytes. */
export interface Description {
  readonly name: string;
  /** Names what may be added only once. */
  readonly origin?: string;
  readonly isForEveryone?: boolean;
}

/** The files and their versions, for whoever adds them and looks after them. Members see them through `ShelfService`. */
@Injectable()
export class FilesService {
  constructor(
    @InjectRepository(StoredFile) private readonly files: Repository<StoredFile>,
    @InjectRepository(FileVersion) private readonly versions: Repository<FileVersion>,
    private readonly store: FileStore,
    private readonly quota: Quota,
  ) {}

  /**
   * Takes in a file: its bytes first, then the row that makes it visible, so that half of one is never seen. Gives
   * undefined if one of the same `origin` is there already.
   *
   * @param bytes as they come, or as the store has taken them in: for those, room must have been claimed.
   * @throws InsufficientStorage if the quota, or the disk, leaves none for it; nothing of it is left then.
   */
  add(bytes: Readable | Stored, description: Description): Promise<StoredFile | undefined> {
    return this.keep(bytes, (stored) => this.insert(stored, description));
  }

  /**
   * Takes in new bytes for a file that is there: they stand under its address, whole, from the next request on. The
   * bytes of the version before stay for a while, for those who are in the middle of them.
   *
   * @throws as `add`; NotFoundException if the file was deleted meanwhile, PreconditionFailedException if it is not as
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

function notThere(): never {
  throw new NotFoundException('There is no such file here for you.');
}
