import { HttpException, HttpStatus, Injectable, PreconditionFailedException } from '@nestjs/common';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { answerTo } from './conditions.js';
import { FileStore } from './file-store.js';
import type { StoredFile } from './stored-file.entity.js';

/** What a file is never allowed to do on our origin, should a browser show it after all. */
const sandbox = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Sends files: the one door for bytes. */
@Injectable()
export class Downloads {
  constructor(private readonly store: FileStore) {}

  /**
   * Answers a GET or HEAD with a file, or a part of it, or with 304 (RFC 9110). The bytes flow no faster than the
   * client takes them.
   *
   * @throws HttpException 412 or 416 where the client asks for another version, or a range that is not there.
   */
  async send(file: StoredFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { size, sha256 } = file;
    const etag = `"${sha256}"`;
    const answer = answerTo(request.method, request.headers, { etag, size, lastModified: file.createdAt });
    if (answer.status === 412) throw new PreconditionFailedException('The file here is not the one you have.');
    if (answer.status === 416) {
      void reply.header('content-range', `bytes */${size}`);
      throw new HttpException('The file has no such range.', HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
    }
    const range = answer.status === 206 ? answer.range : { start: 0, end: size - 1 };
    const hasContent = request.method !== 'HEAD' && answer.status !== 304;
    // before any header: bytes that are not there are answered as an error, with nothing of this file in it
    const bytes = hasContent ? await this.store.read(file.storageKey, size, range) : Readable.from([]);
    void reply.code(answer.status).headers({
      'cache-control': 'private, no-cache',
      'content-security-policy': sandbox,
      'accept-ranges': 'bytes',
      etag,
      'last-modified': file.createdAt.toUTCString(),
    });
    if (answer.status === 304) return reply.send(bytes);

    void reply.headers({
      'content-type': file.contentType,
      'content-disposition': contentDisposition(file.name, { type: 'attachment' }),
      'content-length': range.end - range.start + 1,
      // of the whole file, whichever part is sent (RFC 9530 3)
      'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    });
    if (answer.status === 206) void reply.header('content-range', `bytes ${range.start}-${range.end}/${size}`);
    return reply.send(bytes);
  }
}
