import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { configureRoute } from './route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How a body comes that may take as long as it needs, as long as it moves: in a form, or as it is. */
    takesUploads?: 'form' | 'raw';
  }
}

/**
 * A route whose body may be large: how long it takes to arrive is not limited, only how long nothing of it moves. A raw
 * one is `request.body` as a stream, whatever it says it is.
 */
export const TakesUploads = (how: 'form' | 'raw' = 'form') => configureRoute({ takesUploads: how });

/**
 * Ends a request whose body has not arrived in so many milliseconds (RFC 9110 15.5.9). In place of Node's own
 * `requestTimeout`, which knows no routes and would cut every long upload.
 */
export const impatience =
  (milliseconds: number) =>
  ({ raw, routeOptions }: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (!raw.complete && !routeOptions.config.takesUploads) {
      const timer = setTimeout(() => {
        if (raw.complete) return;
        if (!reply.raw.headersSent) raw.socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
        raw.socket.destroySoon();
      }, milliseconds).unref();
      raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    }
    done();
  };

const raw = 'application/octet-stream';

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
  server.addContentTypeParser(raw, ({ routeOptions }, payload, done) => {
    if (routeOptions.config.takesUploads === 'raw') done(null, payload);
    else done(new UnsupportedMediaTypeException('This address does not take that kind of content.'));
  });
}
