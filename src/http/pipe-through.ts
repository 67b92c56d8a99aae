import { BadRequestException } from '@nestjs/common';
import { finished, type Duplex, type Readable } from 'node:stream';

/**
 * Pipes a request's body through another stream and returns that stream. It reads nothing of the body until the stream
 * is read. If the body breaks off, the stream fails with 400. If the stream ends early, the rest of the body is read
 * and discarded. A pipeline would destroy the body instead, and with it the connection that the answer needs.
 */
export function pipeThrough<Next extends Duplex>(body: Readable, next: Next): Next {
  const read = next._read.bind(next);
  let isRead = false;
  next._read = (size) => {
    if (!isRead) body.pipe(next);
    isRead = true;
    read(size);
  };
  finished(body, (error) => {
    if (error) next.destroy(new BadRequestException('The request broke off.', { cause: error }));
  });
  next.once('close', () => {
    if (!isRead) return;
    body.unpipe(next);
    body.resume();
  });
  return next;
}
