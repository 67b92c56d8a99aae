import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isApi } from './access.js';
import type { BareAnswers } from './bare-answers.js';
import { configureRoute } from './route-config.js';

type UploadKind = 'form' | 'raw' | 'pieces';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How a body comes that may take as long as it needs, as long as it moves: in a form, as it is, or in pieces. */
    takesUploads?: UploadKind;
  }
}

/**
 * A route whose body may be large: how long it takes to arrive is not limited, only how long nothing of it moves. A raw
 * one is `request.body` as a stream, whatever it says it is; one of pieces is where it says that it is a piece of tus.
 */
export const TakesUploads = (how: UploadKind = 'form') => configureRoute({ takesUploads: how });

/**
 * Ends a request whose body has not arrived in so many milliseconds (RFC 9110 15.5.9). In place of Node's own
 * `requestTimeout`, which knows no routes and would cut every long upload.
 */
export const impatience =
  (milliseconds: number, answers: BareAnswers) =>
  (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    const { raw, routeOptions } = request;
    if (!raw.complete && !routeOptions.config.takesUploads) {
      const timer = setTimeout(() => {
        if (!raw.complete) answers.send(raw.socket, 408, isApi(request));
      }, milliseconds).unref();
      raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    }
    done();
  };

const raw = 'application/octet-stream';
/** A piece of a resumable upload (tus 1.0). */
export const piece = 'application/offset+octet-stream';

/** Refuses a form with files where none is taken (415), and reads nothing of what is taken as it is. */
export const takeUploads = (
  { headers, routeOptions }: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void => {
  const { takesUploads } = routeOptions.config;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (takesUploads === 'raw') headers['content-type'] = hasBody ? raw : undefined;
  const isForm = /^\s*multipart\//i.test(headers['content-type'] ?? '');
  const isRefused = isForm && routeOptions.url !== undefined && takesUploads !== 'form';
  done(isRefused ? new UnsupportedMediaTypeException('A form with files is not taken here.') : undefined);
};

/** Hands on what is taken as it is; elsewhere nothing of the kind is (415). */
export function parseRaw(server: FastifyInstance): void {
  server.addContentTypeParser([raw, piece], ({ headers, routeOptions }, payload, done) => {
    if (routeOptions.config.takesUploads === (headers['content-type'] === piece ? 'pieces' : 'raw'))
      done(null, payload);
    else done(new UnsupportedMediaTypeException('This address does not take that kind of content.'));
  });
}
