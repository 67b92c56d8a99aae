import { BadRequestException, NotImplementedException, UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { readForm, type SentFile } from './form-with-file.js';
import { piece } from './takes-uploads.js';
import { charsetOf, fieldsOf, isTakenAsText, mediaTypeOf, wholeOf } from './text-body.js';
import { tooMuch } from './within.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The file of a form, on a route that takes one. Undefined if the form has no file. */
    sentFile?: SentFile | undefined;
  }
}

/**
 * Stops the server from reading bodies, so that `readBody` reads them. The server would read a body, or ask the client
 * for it, before access is checked.
 */
export function leaveBodies(server: FastifyInstance): void {
  for (const method of ['DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const)
    server.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  server.server.on('checkContinue', (request, response) => server.server.emit('request', request, response));
}

/** The most bytes of a form besides its file. */
const around = 64 * 1_024;

/** Whether the headers announce a body. The body can still be empty. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/**
 * Reads the body of a request into `request.body` or `request.sentFile`, in the way its route takes it. Call it after
 * access is checked: nothing of the body is read before, and a client that waits (`Expect: 100-continue`) is asked for
 * the body only here. A raw body, or a piece of an upload, stays a stream.
 *
 * @param uploadLimit the most bytes of a file. The code that reads a stream must enforce it.
 * @throws BadRequestException if the body cannot be read, or is only a part of something (RFC 9110 14.5).
 * @throws UnsupportedMediaTypeException if the route does not take this content type or its coding.
 * @throws NotImplementedException if the transfer coding is not chunked.
 * @throws PayloadTooLargeException if the body is too large.
 * @throws RequestTimeoutException if a short body arrives too slowly.
 * @throws InvalidInput if a form has a file in the wrong field.
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

/** Tells a waiting client to send its body when something starts to read it. */
function askForIt(raw: IncomingMessage, response: ServerResponse): void {
  if (!/^100-continue$/i.test(raw.headers.expect ?? '')) return;
  raw.once('resume', () => {
    if (!response.headersSent) response.writeContinue();
  });
}

/** A part would replace the whole and lose the rest, so parts are refused (RFC 9110 14.5). */
function refusePart(headers: IncomingHttpHeaders): void {
  if (headers['content-range'] !== undefined)
    throw new BadRequestException('A part of a file is not taken here: send all of it, without Content-Range.');
}

/** Refuses a body that must be decoded first: compressed, or with a transfer coding other than chunked. */
function refuseCoding(headers: IncomingHttpHeaders, reply: FastifyReply): void {
  if (!/^\s*chunked\s*$/i.test(headers['transfer-encoding'] ?? 'chunked'))
    throw new NotImplementedException('This site reads no transfer coding but chunked.');
  if (/^(\s*(identity)?\s*,)*\s*(identity)?\s*$/i.test(headers['content-encoding'] ?? '')) return;
  // the header tells the client which coding is accepted (RFC 9110 15.5.16)
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
