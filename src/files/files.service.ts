import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import mime from 'mime';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { Repository } from 'typeorm';
import { validate as isUuid, v7 as uuid } from 'uuid';
import { once } from '../database/once.js';
import { Reader } from '../database/reader.js';
import { isUniqueViolation } from '../database/unique-violation.js';
import type { Viewer } from '../http/access.js';
import { likeAnywhere, newestId, partOf, type Part, type SearchInput } from '../http/paging.input.js';
import { FileStore } from './file-store.js';
import { nameForms, StoredFile } from './stored-file.entity.js';

/** The featured file and a part of the list. */
export interface Shelf {
  readonly featured: StoredFile | undefined;
  /** The newest first. */
  readonly listing: Part<StoredFile>;
}

/** What a file is, beside its bytes. */
export interface Description {
  readonly name: string;
  /** Names what may be added only once. */
  readonly origin?: string;
}

/**
 * The files, each as far as one member may have it. Every lookup carries the member who asks, although today each
 * member may have each file: what is not theirs shall not exist for them.
 */
@Injectable()
export class FilesService {
  constructor(
    @InjectRepository(StoredFile) private readonly files: Repository<StoredFile>,
    private readonly reader: Reader,
    private readonly store: FileStore,
  ) {}

  /** The files that a member may have, the newest first. */
  async listFor(viewer: Viewer, selection: SearchInput): Promise<Part<StoredFile>> {
    return (await this.shelfFor(viewer, selection)).listing;
  }

  /** What a member's own page shows: the featured file, if there is one, and a part of the list; in one question. */
  async shelfFor(_viewer: Viewer, { limit, cursor, q }: SearchInput): Promise<Shelf> {
    const rows = await this.reader.rows<Row>(shelf, [cursor ?? newestId, likeAnywhere(q), limit + 1]);
    const featured = rows.find(({ rank }) => rank === ranks.featured);
    const listed = rows.filter(({ rank }) => rank === ranks.listed);
    return { featured: featured && fromRow(featured), listing: partOf(listed.map(fromRow), limit) };
  }

  /**
   * The file that `/download` serves: the one an admin chose last, else the newest.
   *
   * @throws NotFoundException where there is none for this member.
   */
  async featuredFor(_viewer: Viewer): Promise<StoredFile> {
    const [row] = await this.reader.rows<Row>(featured);
    return row ? fromRow(row) : notThere();
  }

  /** @throws NotFoundException where there is no such file for this member. */
  async findFor(_viewer: Viewer, id: string): Promise<StoredFile> {
    const [row] = isUuid(id) ? await this.reader.rows<Row>(one, [id]) : [];
    return row ? fromRow(row) : notThere();
  }

  /**
   * Takes in a file: its bytes first, then the row that makes it visible, so that half of one is never seen. Gives
   * undefined where one of the same `origin` is there already.
   */
  async add(bytes: Readable, { name, origin }: Description): Promise<StoredFile | undefined> {
    const stored = await this.store.put(bytes);
    const file: StoredFile = {
      ...stored,
      id: uuid(),
      ...nameForms(name),
      contentType: mime.getType(name) ?? 'application/octet-stream',
      origin: origin ?? null,
      featuredAt: null,
      deletedAt: null,
      createdAt: new Date(),
    };
    try {
      await this.files.insert(file);
      return file;
    } catch (error) {
      await this.store.discard(stored.storageKey);
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }

  /** Takes in a file from this machine's disk, once for each `origin`. */
  async importOnce(path: string, origin: string): Promise<StoredFile | undefined> {
    if (await this.files.existsBy({ origin })) return undefined;
    return this.add(createReadStream(path), { name: basename(path), origin });
  }
}

/** A row as the reader gives it: numbers come as text from PostgreSQL, times as milliseconds. */
type Row = Omit<StoredFile, 'size' | 'featuredAt' | 'deletedAt' | 'createdAt'> &
  Record<'size' | 'createdAt', number | string> & { rank?: number };

const fromRow = once(({ rank: _rank, size, createdAt, ...row }: Row): StoredFile => ({
  ...row,
  size: Number(size),
  featuredAt: null,
  deletedAt: null,
  createdAt: new Date(Number(createdAt)),
}));

const columns = `"id", "name", "searchName", "contentType", "size", "sha256", "storageKey", "origin", "createdAt"`;

/** Which part of an answer a row belongs to. */
const ranks = { listed: 2, featured: 0 } as const;

const one = `SELECT ${columns} FROM "files" WHERE "id" = $1 AND "deletedAt" IS NULL`;
const featured = `
  SELECT ${columns}, ${ranks.featured} AS "rank" FROM (
    SELECT * FROM (SELECT ${columns}, 0 AS "order" FROM "files" WHERE "featuredAt" IS NOT NULL AND "deletedAt" IS NULL ORDER BY "featuredAt" DESC LIMIT 1) chosen
    UNION ALL
    SELECT * FROM (SELECT ${columns}, 1 AS "order" FROM "files" WHERE "deletedAt" IS NULL ORDER BY "id" DESC LIMIT 1) latest
    ORDER BY "order" LIMIT 1
  ) candidate`;
const shelf = `
  SELECT * FROM (
    SELECT ${columns}, ${ranks.listed} AS "rank" FROM "files"
    WHERE "id" < $1 AND "searchName" LIKE $2 ESCAPE '!' AND "deletedAt" IS NULL ORDER BY "id" DESC LIMIT $3
  ) listed
  UNION ALL ${featured}
  ORDER BY "rank", "id" DESC`;

function notThere(): never {
  throw new NotFoundException('There is no such file here for you.');
}
