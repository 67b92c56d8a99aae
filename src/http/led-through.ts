import { finished, type Duplex, type Readable } from 'node:stream';

/**
 * Leads a request's body through another stream, and gives that. Where it ends early, the rest of the body is read and
 * thrown away: to destroy a body, as a pipeline does, is to destroy the connection that the answer takes.
 */
export function ledThrough<Next extends Duplex>(body: Readable, next: Next): Next {
  body.pipe(next);
  finished(body, (error) => {
    if (error) next.destroy(error);
  });
  next.once('close', () => {
    body.unpipe(next);
    body.resume();
  });
  return next;
}
