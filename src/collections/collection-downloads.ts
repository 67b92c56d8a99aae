import { Injectable, PreconditionFailedException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { checksumLine, Checksums, savedNames } from '../files/checksums.js';
import { answerTo } from '../files/conditions.js';
import { DownloadNotes } from '../files/download-notes.js';
import { closeWith, sandbox, unbuffered } from '../files/downloads.js';
import { attachment, nameOnRecord } from '../files/file-name.js';
import { FileStore } from '../files/file-store.js';
import { FilesService, type ShelfFile } from '../files/files.service.js';
import { Grants } from '../files/grants.js';
import type { Viewer } from '../http/access.js';
import { callerOf } from '../http/caller.js';
import { Transfers } from '../sessions/transfers.js';
import type { Collection } from './collection.entity.js';
import { ZipCount } from './zip-count.js';
import { zipOf } from './zip.js';

const list = 'SHA256SUMS';

/** A file under the name that it has in the zip of its collection. */
interface PackedFile extends ShelfFile {
  readonly modified: Date;
}

/** Sends collections: all files of one that a member may have, as a zip, and their checksums. */
@Injectable()
export class CollectionDownloads {
  constructor(
    private readonly files: FilesService,
    private readonly store: FileStore,
    private readonly grants: Grants,
    private readonly checksums: Checksums,
    private readonly transfers: Transfers,
    private readonly notes: DownloadNotes,
  ) {}

  /** Answers with the list that is in the zip too, under the names that the files have there. */
  async sendChecksums({ id }: Collection, viewer: Viewer, request: FastifyRequest, reply: FastifyReply) {
    const packed = packedOf(await this.allOf(id, viewer));
    return this.checksums.send(Readable.from([packed]), viewer, request, reply);
  }

  /**
   * Answers a member's GET or HEAD with one zip of all, made while it is sent: no faster than the client takes it, and no
   * longer than the session lasts. Each file in it is counted as downloaded; one whose downloads are all spent is left
   * out. There are no ranges, since what stands after a file depends on all of its bytes.
   *
   * @throws HttpException 412 where the client asks for another zip.
   */
  async sendZip(collection: Collection, viewer: Viewer, request: FastifyRequest, reply: FastifyReply) {
    const all = await this.allOf(collection.id, viewer);
    const versions = all.map(({ versionedAt }) => versionedAt.getTime());
    const lastModified = new Date(versions.reduce((a, b) => Math.max(a, b), collection.changedAt.getTime()));
    const etag = etagOf(packedOf(all));
    const answer = answerTo(request.method, { ...request.headers, range: undefined }, { etag, size: 0, lastModified });
    if (answer.status === 412) throw new PreconditionFailedException('The zip here is not the one you have.');
    const headers = {
      ...unbuffered,
      'cache-control': 'private, no-cache',
      'content-security-policy': sandbox,
      'accept-ranges': 'none',
      'last-modified': lastModified.toUTCString(),
    };
    if (answer.status === 304)
      return reply
        .code(304)
        .headers({ ...headers, etag })
        .send();

    const hasContent = request.method !== 'HEAD';
    const count = new ZipCount(this.grants, viewer);
    const files = packedOf(hasContent ? await count.spendLimited(all) : all);
    const text = { name: list, bytes: Buffer.from(files.map(lineOf).join('')), modified: lastModified };
    const zip = zipOf(text, files);
    count.layOut(zip.starts);
    if (hasContent) {
      closeWith(reply.raw, count, zip.length);
      this.transfers.follow(reply.raw, viewer);
      const { id, name } = collection;
      this.notes.noteEnd(reply.raw, { kind: 'collection.downloaded', id, name }, viewer, callerOf(request));
    }
    void reply.headers({
      ...headers,
      etag: etagOf(files),
      'content-type': 'application/zip',
      'content-disposition': attachment(nameOfZip(collection)),
      'content-length': zip.length,
    });
    return reply.send(hasContent ? zip.stream((file) => this.open(file, count)) : Readable.from([]));
  }

  private async open(file: PackedFile, count: ZipCount): Promise<Readable> {
    const { storageKey, size } = file;
    await count.begin(file);
    const bytes = await this.store.read(storageKey, size, { start: 0, end: size - 1 });
    return bytes instanceof Readable ? bytes : Readable.from([bytes]);
  }

  private async allOf(id: string, viewer: Viewer): Promise<ShelfFile[]> {
    const all: ShelfFile[] = [];
    for await (const slice of this.files.allIn(id, viewer)) all.push(...slice);
    return all.sort((one, other) => (one.searchName < other.searchName ? -1 : 1));
  }
}

function packedOf(files: readonly ShelfFile[]): PackedFile[] {
  const names = savedNames(files, [list]);
  return files.map((file) => ({ ...file, name: names.get(file.id) ?? file.name, modified: file.versionedAt }));
}

const nameOfZip = ({ name }: Collection) => nameOnRecord(`${name.replace(/[/\\]/g, '_')}.zip`);

const lineOf = ({ name, sha256 }: PackedFile) => `${checksumLine(name, sha256)}\n`;

/** Names what is in a zip: the same files under the same names are the same bytes. */
function etagOf(files: readonly PackedFile[]): string {
  const hash = createHash('sha256');
  for (const { name, sha256, modified } of files) hash.update(`${name}\0${sha256}\0${modified.getTime()}\n`);
  return `"${hash.digest('hex')}"`;
}
