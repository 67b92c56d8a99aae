import { BadRequestException, NotImplementedException, UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { readForm, type SentFile } from './form-with-file.js';
import { piece } from './takes-uploads.js';
import { charsetOf, fieldsOf, isTakenAsText, mediaTypeOf, wholeOf } from './text-body.js';
import { tooMuch } from './within.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The file of a form on a route that takes one; undefined where the form holds none. */
    sentFile?: SentFile | undefined;
  }
}

/**
 * Leaves every body to `readBody`: the server itself would read it before anybody knows whether whoever asks may, and
 * would ask for it if a client waits to be asked.
 */
export function leaveBodies(server: FastifyInstance): void {
  for (const method of ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const)
    server.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  server.server.on('checkContinue', (request, response) => server.server.emit('request', request, response));
}

/** What stands around the file in a form, in bytes at most. */
const around = 64 * 1_024;

/** Whether a body is announced; it can still turn out to be empty. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/**
 * Reads the body of a request as its route takes it, into `request.body` or `request.sentFile`. Nothing of it was read
 * before, and a client that waits to be asked for it (`Expect: 100-continue`) is asked only here: so this is to be
 * called once it is known that whoever asks may. What is raw, or a piece of an upload, stays a stream.
 *
 * @param uploadLimit the most bytes of a file; whoever reads a stream sees to it that there are no more.
 * @throws BadRequestException if it cannot be read, or is a part of something (RFC 9110 14.5).
 * @throws UnsupportedMediaTypeException if the route does not take what it is, or its coding.
 * @throws PayloadTooLargeException, RequestTimeoutException, and InvalidInput of a form.
 */
export async function readBody(request: FastifyRequest, reply: FastifyReply, uploadLimit: number): Promise<void> {
  const { headers, raw, routeOptions } = request;
  const { takesUploads } = routeOptions.config;
  refusePart(headers);
  if (hasBody(raw) || takesUploads) refuseCoding(headers, reply);
  if (!hasBody(raw)) return;

  if (takesUploads && Number(headers['content-length'] ?? 0) > uploadLimit + (takesUploads === 'form' ? around : 0))
    throw tooMuch();
  askForIt(raw, reply.raw);
  const type = mediaTypeOf(headers['content-type']);
  if (takesUploads === 'raw') request.body = raw;
  else if (takesUploads === 'pieces') request.body = type === piece ? raw : refuseType();
  else if (takesUploads === 'form')
    request.sentFile = type === 'multipart/form-data' ? await readForm(raw, uploadLimit) : refuseType();
  else if (isTakenAsText(type)) {
    refuseCharset(headers);
    request.body = fieldsOf(type, await wholeOf(raw));
  } else refuseType();
}

/** Tells a client that waits for it to send its body, once something reads that. */
function askForIt(raw: IncomingMessage, response: ServerResponse): void {
  if (!/^100-continue$/i.test(raw.headers.expect ?? '')) return;
  raw.once('resume', () => {
    if (!response.headersSent) response.writeContinue();
  });
}

/** A part that takes the place of the whole would lose the rest, so none is taken. */
function refusePart(headers: IncomingHttpHeaders): void {
  if (headers['content-range'] !== undefined)
    throw new BadRequestException('A part of a file is not taken here: send all of it, without Content-Range.');
}

/** What would have to be undone to read the body is not: compression, or a transfer coding beside chunks. */
function refuseCoding(headers: IncomingHttpHeaders, reply: FastifyReply): void {
  if (!/^\s*chunked\s*$/i.test(headers['transfer-encoding'] ?? 'chunked'))
    throw new NotImplementedException('This site reads no transfer coding but chunked.');
  if (/^(\s*(identity)?\s*,)*\s*(identity)?\s*$/i.test(headers['content-encoding'] ?? '')) return;
  // what is taken instead (RFC 9110 15.5.16)
  void reply.header('accept-encoding', 'identity');
  throw new UnsupportedMediaTypeException('Nothing is unpacked here: send it without Content-Encoding.');
}

function refuseCharset(headers: IncomingHttpHeaders): void {
  if (!/^(utf-?8|us-ascii)$/i.test(charsetOf(headers['content-type']) ?? 'utf-8'))
    throw new UnsupportedMediaTypeException('Text is taken in UTF-8 only.');
}

function refuseType(): never {
  throw new UnsupportedMediaTypeException('This address does not take that kind of content.');
}
