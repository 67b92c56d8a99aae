import { Injectable, PreconditionFailedException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { eachInTurn, LongWork, type InTurn } from '../database/long-work.js';
import { Checksums } from '../downloads/checksums.js';
import { answerTo } from '../downloads/conditions.js';
import { DownloadNotes } from '../downloads/download-notes.js';
import { closeWith, sandbox, unbuffered } from '../downloads/downloads.js';
import { attachment, nameOnRecord } from '../files/file-name.js';
import { FileStore } from '../store/file-store.js';
import { CollectionFiles, type BoundFile } from './collection-files.js';
import { Grants } from '../downloads/grants.js';
import type { Viewer } from '../http/access.js';
import { callerOf } from '../http/caller.js';
import { Transfers } from '../sessions/transfers.js';
import type { Collection } from './collection.entity.js';
import { etagOf, lastOf, list, packedOf, sumsOf, type PackedFile } from './packing.js';
import { ZipCount } from './zip-count.js';
import { zipOf } from './zip.js';

/** Sends the files of a collection that a member may have, as one zip, and the list of their checksums. */
@Injectable()
export class CollectionDownloads {
  constructor(
    private readonly files: CollectionFiles,
    private readonly store: FileStore,
    private readonly grants: Grants,
    private readonly checksums: Checksums,
    private readonly transfers: Transfers,
    private readonly notes: DownloadNotes,
    private readonly work: LongWork,
  ) {}

  /** Answers with the list of checksums that is also in the zip. It has the names that the files have there. */
  async sendChecksums({ id }: Collection, viewer: Viewer, request: FastifyRequest, reply: FastifyReply) {
    const read = async (inTurn: InTurn) => packedOf(await this.allOf(id, viewer), inTurn);
    return this.checksums.sendNamed(read, viewer, request, reply);
  }

  /**
   * Answers a member's GET or HEAD with one zip of all files. The zip is made while it is sent: no faster than the
   * client reads it, and it stops if the session ends. Each file in it counts as downloaded. A file with no download
   * left is left out. Ranges are not supported, because the bytes after a file depend on all bytes of that file.
   *
   * @throws PreconditionFailedException if the client asks for another version of the zip.
   */
  async sendZip(collection: Collection, viewer: Viewer, request: FastifyRequest, reply: FastifyReply) {
    const inTurn = this.work.of(viewer);
    const all = await this.allOf(collection.id, viewer);
    const packed = await packedOf(all, inTurn);
    const lastModified = await lastOf(collection.changedAt, all, inTurn);
    const etag = await etagOf(packed, inTurn);
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
    const left = hasContent ? await count.spendLimited(all) : all;
    const files = left.length === all.length ? packed : await packedOf(left, inTurn);
    const text = { name: list, bytes: await sumsOf(files, inTurn), modified: lastModified };
    const zip = await zipOf(text, files, inTurn);
    await eachInTurn(inTurn, zip.starts, ([file, start]) => count.place(file, start));
    if (hasContent) {
      closeWith(reply.raw, count, zip.length);
      this.transfers.follow(reply.raw, viewer);
      const { id, name } = collection;
      this.notes.noteEnd(reply.raw, { kind: 'collection.downloaded', id, name }, viewer, callerOf(request));
    }
    void reply.headers({
      ...headers,
      etag: files === packed ? etag : await etagOf(files, inTurn),
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

  /** All files of a collection that the member may have, the oldest first. */
  private async allOf(id: string, viewer: Viewer): Promise<readonly BoundFile[]> {
    const all: BoundFile[] = [];
    for await (const slice of this.files.allIn(id, viewer)) all.push(...slice);
    return all;
  }
}

const nameOfZip = ({ name }: Collection) => nameOnRecord(`${name.replace(/[/\\]/g, '_')}.zip`);
