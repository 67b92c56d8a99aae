import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { hasBody } from './body.js';

/**
 * Makes the hook that handles the rest of a body after the answer. Nobody needs the rest, but the client must finish
 * sending to read the answer. So this reads and discards it for the given milliseconds, then closes the connection.
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
