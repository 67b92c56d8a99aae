import { HttpException, HttpStatus, Injectable, PreconditionFailedException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { minuteMs } from '../config/durations.js';
import type { Viewer } from '../http/access.js';
import { callerOf } from '../http/caller.js';
import { Transfers } from '../sessions/transfers.js';
import { answerTo } from './conditions.js';
import { DownloadNotes } from './download-notes.js';
import { attachment } from '../files/file-name.js';
import { FileStore } from '../store/file-store.js';
import { Grants, type Grant } from './grants.js';
import { SavedNames } from '../files/saved-names.js';
import { Resumption, type Sendable } from './resumption.js';
import type { StoredFile } from '../files/stored-file.entity.js';

/** What a file is never allowed to do on our origin, should a browser show it after all. */
export const sandbox = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * Has nginx hand on what it gets: by its defaults it takes up to 1 GB ahead of the client, and what was sent, and to whose
 * session, would be a guess.
 */
export const unbuffered = { 'x-accel-buffering': 'no' } as const;

/** Sends files: the one door for bytes. */
@Injectable()
export class Downloads {
  /** Parts that were written down within the last minute: a program may ask for thousands. */
  private readonly noted = new LRUCache<string, true>({ max: 10_000, ttl: minuteMs });

  constructor(
    private readonly store: FileStore,
    private readonly grants: Grants,
    private readonly resumption: Resumption,
    private readonly names: SavedNames,
    private readonly transfers: Transfers,
    private readonly notes: DownloadNotes,
  ) {}

  /**
   * Answers a member's GET or HEAD with a file, or a part of it, or with 304 (RFC 9110). The bytes flow no faster than
   * the client takes them, and no longer than the session lasts. Bytes are counted, before the first of them goes;
   * HEAD, 304 and 416 are free.
   *
   * @param asFeatured whether it is asked for under the address of the featured file, where another may stand next.
   * @throws HttpException 412 or 416 if the client asks for another version, or a range that is not there.
   * @throws ForbiddenException if every download of the file is spent.
   */
  async send(
    newest: StoredFile,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
    { asFeatured = false } = {},
  ): Promise<FastifyReply> {
    const { method, headers } = request;
    const { file, takesRange } = await this.resumption.choose(newest, viewer, { method, headers, asFeatured });
    const { size, sha256 } = file;
    const etag = `"${sha256}"`;
    const conditions = takesRange ? headers : { ...headers, range: undefined };
    const answer = answerTo(method, conditions, { etag, size, lastModified: file.versionedAt });
    if (answer.status === 412) throw new PreconditionFailedException('The file here is not the one you have.');
    if (answer.status === 416) {
      void reply.header('content-range', `bytes */${size}`);
      throw new HttpException('The file has no such range.', HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
    }
    const name = await this.names.of(newest, viewer);
    const range = answer.status === 206 ? answer.range : { start: 0, end: size - 1 };
    const hasContent = method !== 'HEAD' && answer.status !== 304;
    // before any header: bytes that are not there are answered as an error, with nothing of this file in it
    const bytes = hasContent ? await this.store.read(file.storageKey, size, range) : Readable.from([]);
    if (hasContent) {
      const part = { ...file, fileId: file.id, range, asFeatured };
      const grant = await this.grants.open(viewer, part).catch((error: unknown) => {
        if (bytes instanceof Readable) bytes.destroy();
        throw error;
      });
      closeWith(reply.raw, grant, range.end - range.start + 1);
      this.transfers.follow(reply.raw, viewer);
      this.noteEnd(file, answer.status === 200, viewer, request, reply);
    }
    void reply.code(answer.status).headers({
      ...unbuffered,
      'cache-control': 'private, no-cache',
      'content-security-policy': sandbox,
      'accept-ranges': 'bytes',
      etag,
      'last-modified': file.versionedAt.toUTCString(),
    });
    if (answer.status === 304) return reply.send(bytes);

    void reply.headers({
      'content-type': file.contentType,
      'content-disposition': attachment(name),
      'content-length': range.end - range.start + 1,
      // of the whole file, whichever part is sent (RFC 9530 3)
      'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    });
    if (answer.status === 206) void reply.header('content-range', `bytes ${range.start}-${range.end}/${size}`);
    return reply.send(bytes);
  }

  /** Writes down how a download ended; of the parts that a member takes of a file, one a minute. */
  private noteEnd(
    { id, name }: Sendable,
    isWhole: boolean,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const part = `${viewer.id} ${id}`;
    if (!isWhole && this.noted.has(part)) return;
    if (!isWhole) this.noted.set(part, true);
    const kind = isWhole ? 'file.downloaded' : 'file.part-downloaded';
    this.notes.noteEnd(reply.raw, { kind, id, name }, viewer, callerOf(request));
  }
}

/**
 * Tells a grant how much was sent once the answer is over: all of it if the system took all of it. Of an answer that
 * was cut, what was written to the connection, but for the last byte: so a client that goes on where it stopped leaves
 * no gap, and what was not sent to its end is not whole.
 */
export function closeWith(response: ServerResponse, grant: Grant, length: number): void {
  // an answer that waits for another one on the same connection has no socket yet
  const { socket } = response;
  const before = socket?.bytesWritten;
  const close = (): void => {
    if (response.writableFinished) {
      grant.close(length);
      return;
    }
    const { _header: header } = response as ServerResponse & { readonly _header: string | null };
    const written = socket && before !== undefined && header ? socket.bytesWritten - before - header.length : 0;
    grant.close(Math.max(0, Math.min(written, length - 1)));
  };
  if (response.destroyed) close();
  else response.once('close', close);
}
