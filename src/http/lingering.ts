import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { hasBody } from './body.js';

/**
 * Once a request has been answered, nobody needs the rest of its body. It is read and thrown away for so many
 * milliseconds, so that who is sending it gets to read the answer; then the connection is closed.
 */
export const lingering =
  (milliseconds: number) =>
  ({ raw }: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (hasBody(raw)) reply.raw.once('finish', () => linger(raw, milliseconds));
    done();
  };

function linger(raw: IncomingMessage, milliseconds: number): void {
  if (raw.complete) return;
  const { socket } = raw;
  const timer = setTimeout(() => {
    if (!raw.complete) socket.destroy();
  }, milliseconds).unref();
  raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  raw.resume();
}
