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

/**
 * The Content-Security-Policy of a file. It blocks scripts, forms and frames if a browser shows the file instead of
 * saving it.
 */
export const sandbox = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * Turns off buffering in nginx. By default nginx reads up to 1 GB ahead of the client. Then this server could not know
 * how much the client was sent, and under which session.
 */
export const unbuffered = { 'x-accel-buffering': 'no' } as const;

/** Sends files. Nothing else sends the bytes of a single file. */
@Injectable()
export class Downloads {
  /** Partial downloads that were logged within the last minute. A program may ask for thousands of ranges. */
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
   * Answers a member's GET or HEAD with a file, a range of it, or 304 (RFC 9110). Sends bytes no faster than the client
   * reads them, and stops if the session ends. The download is counted before the first byte is sent. HEAD, 304 and 416
   * are not counted.
   *
   * @param asFeatured whether the request came to the address of the featured file, which may serve another file later.
   * @throws PreconditionFailedException if the client asks for another version.
   * @throws HttpException 416 if the file does not have the range.
   * @throws ForbiddenException if no download of the file is left.
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
    // before any header is set: if the bytes are missing, the error must carry no header of this file
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
      // the digest is that of the whole file, even if a range is sent (RFC 9530 3)
      'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    });
    if (answer.status === 206) void reply.header('content-range', `bytes ${range.start}-${range.end}/${size}`);
    return reply.send(bytes);
  }

  /** Logs how a download ended. Partial downloads of one file by one member are logged at most once a minute. */
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
 * Tells a grant how many bytes were sent, once the answer is over. If the system took the whole answer, that is all of
 * it. If the answer was cut off, it is the bytes that were written to the connection, but never the last byte of the
 * answer. So a client that resumes leaves no gap, and an answer that was cut off never counts as complete.
 *
 * @param length of the answer's content, in bytes.
 */
export function closeWith(response: ServerResponse, grant: Grant, length: number): void {
  // an answer has no socket while it waits for an earlier one on the same connection
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
