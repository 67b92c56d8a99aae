import { createParamDecorator, HttpException, Injectable, type ExecutionContext } from '@nestjs/common';
import { DataStore, ERRORS, Server, Upload as TusUpload } from '@tus/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PassThrough, Readable } from 'node:stream';
import { v7 as uuid } from 'uuid';
import { Settings } from '../config/settings.js';
import { Transfers } from '../sessions/transfers.js';
import { elsewhere } from '../store/drafts.js';
import type { Actor } from '../http/actor.js';
import { callerOf } from '../http/caller.js';
import { pipeThrough } from '../http/pipe-through.js';
import { Locks } from './locks.js';
import { uploadLifetimeMs, UploadsService, type Metadata, type Progress } from './uploads.service.js';

/** Error messages that replace those of the tus library, and tell a person what to do. The keys are status codes. */
const sentences: Readonly<Record<number, string>> = {
  400: 'The headers of this upload cannot be read; see tus 1.0.',
  409: elsewhere,
  410: 'This upload is over. Please begin again.',
  412: 'Please say with Tus-Resumable: 1.0.0 how you upload.',
  413: 'That is more than this address takes at once.',
};

/** The only version of tus that this server supports. */
const version = '1.0.0';

/**
 * Status codes that replace those of the tus library. It sends 403 for a missing header, but that has nothing to do
 * with permissions.
 */
const others: Readonly<Record<number, number>> = { 403: 400 };

/** A tus request and its reply. The tus library reads the whole request and answers it. */
export interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly by: Actor;
}

/** The admin's request, in the form that `Tus.answer` takes. */
export const AskedByAdmin = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const reply = context.switchToHttp().getResponse<FastifyReply>();
  return { request, reply, by: { admin: request.user, caller: callerOf(request) } };
});

/** Resumable uploads (tus 1.0, https://tus.io/protocols/resumable-upload), with the tus library. */
@Injectable()
export class Tus {
  private readonly locks = new Locks();

  constructor(
    private readonly uploads: UploadsService,
    private readonly transfers: Transfers,
    private readonly settings: Settings,
  ) {}

  /**
   * Answers a tus request. Sets the tus headers on the reply, and returns the body.
   *
   * @throws HttpException if the request cannot be met; the tus headers are set then too.
   */
  async answer({ request, reply, by }: Asked): Promise<string> {
    if (by.admin) this.transfers.follow(reply.raw, by.admin);
    void reply.header('tus-version', version);
    if (request.method !== 'OPTIONS' && request.headers['tus-resumable'] !== version)
      throw new HttpException(sentences[412] ?? '', 412);
    const faults: unknown[] = [];
    const store = new UploadsOf(by, this.uploads);
    const server = new Server({
      path: '/',
      datastore: store,
      locker: this.locks,
      lockDrainTimeout: 1,
      maxSize: this.settings.uploadLimit,
      namingFunction: () => uuid(),
      generateUrl: (asked, { id }) => `${new URL(asked.url).pathname.replace(/\/$/, '')}/${id}`,
      onResponseError: (_asked, fault) => void faults.push(fault),
    });
    const body = request.body instanceof Readable ? pipeThrough(request.body, new PassThrough()) : undefined;
    const answer = await server.handleWeb(this.asWebRequest(request, body)).finally(() => body?.destroy());
    // no CORS headers, because no other origin may call this; no `connection`, because the connection can be used again
    for (const [name, value] of answer.headers)
      if (!/^(access-control-|connection|content-)/.test(name)) void reply.header(name, value);
    if (answer.status < 400) {
      if (store.addedFileId !== null)
        void reply.header('link', `</api/v1/files/${store.addedFileId}>; rel="describedby"`);
      void reply.code(answer.status);
      return '';
    }
    const [fault] = faults;
    if (fault instanceof Error && !('status_code' in fault)) throw fault;
    const status = fault === ERRORS.ABORTED ? 409 : (others[answer.status] ?? answer.status);
    throw new HttpException(sentences[status] ?? (await answer.text()).trim(), status);
  }

  private asWebRequest({ url, method, headers }: FastifyRequest, body: Readable | undefined): Request {
    const known = Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().flatMap((one) => (one === undefined ? [] : [[name, one] as [string, string]])),
    );
    return new Request(new URL(url, this.settings.publicUrl), {
      method,
      headers: known,
      ...(body && { body: asWebStream(body), duplex: 'half' as const }),
    });
  }
}

/** The store that the tus library reads and writes, for one admin. */
class UploadsOf extends DataStore {
  override extensions = ['creation', 'creation-with-upload', 'termination', 'expiration'];
  /** The id of the file that the upload has become; null until all bytes have arrived. */
  addedFileId: string | null = null;

  constructor(
    private readonly by: Actor,
    private readonly uploads: UploadsService,
  ) {
    super();
  }

  override async create(upload: TusUpload): Promise<TusUpload> {
    const { id, size = 0, metadata = {} } = upload;
    await this.uploads.begin({ id, size, metadata }, this.by);
    // an upload of 0 bytes is complete already, so this puts it on the shelf
    return this.getUpload(id);
  }

  override async getUpload(id: string): Promise<TusUpload> {
    return this.told(await this.uploads.find(id, this.by));
  }

  override async write(piece: Readable, id: string, offset: number): Promise<number> {
    await this.uploads.append(id, offset, piece, this.by);
    return (await this.getUpload(id)).offset;
  }

  override remove(id: string): Promise<void> {
    return this.uploads.cancel(id, this.by);
  }

  override getExpiration(): number {
    return uploadLifetimeMs;
  }

  private told({ id, size, offset, metadata, expiresAt, addedFileId }: Progress): TusUpload {
    this.addedFileId = addedFileId;
    return new TusUpload({
      id,
      size,
      offset,
      metadata: JSON.parse(metadata) as Metadata,
      creation_date: new Date(+expiresAt - uploadLifetimeMs).toISOString(),
    });
  }
}

/**
 * Converts a stream to a web stream that reads nothing ahead. A client may wait with its bytes until the server asks
 * for them, and the server must not ask before it knows that it wants them.
 */
const asWebStream = (bytes: Readable): ReadableStream =>
  Readable.toWeb(bytes, { strategy: { highWaterMark: 0 } }) as ReadableStream;
