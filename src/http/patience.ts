import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { configureRoute } from './route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a body may take as long as it needs, as long as it moves. */
    takesUploads?: boolean;
  }
}

/** A route whose body may be large: how long it takes to arrive is not limited, only how long nothing of it moves. */
export const TakesUploads = () => configureRoute({ takesUploads: true });

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

/** Refuses a form with files on a route that takes none (415): the parser of such forms is there for every route. */
export const takeNoForms = (
  { headers, routeOptions }: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void => {
  const isForm = /^\s*multipart\//i.test(headers['content-type'] ?? '');
  const isRefused = isForm && routeOptions.url !== undefined && !routeOptions.config.takesUploads;
  done(isRefused ? new UnsupportedMediaTypeException('A form with files is not taken here.') : undefined);
};
