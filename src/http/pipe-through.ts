import { BadRequestException } from '@nestjs/common';
import { finished, type Duplex, type Readable } from 'node:stream';

/**
 * Leads a request's body through another stream, and gives that. Nothing of the body is asked for before somebody reads
 * there; if it breaks off, that is a 400. Where it ends early, the rest of the body is read and thrown away: to destroy a body, as a pipeline does, is to
 * destroy the connection that the answer takes.
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
