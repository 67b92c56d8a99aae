import { PayloadTooLargeException } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { Transform, type Readable } from 'node:stream';
import { ledThrough } from '../http/led-through.js';

/**
 * The same bytes, which break off with 413 where there are more than `most`.
 *
 * @throws PayloadTooLargeException at once, where the length is told and too much.
 */
export function within(most: number, headers: IncomingHttpHeaders, bytes: Readable): Readable {
  const tooMuch = () => new PayloadTooLargeException('That is more than this address takes at once.');
  if (Number(headers['content-length'] ?? 0) > most) throw tooMuch();
  let size = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > most) done(tooMuch());
      else done(null, chunk);
    },
  });
  return ledThrough(bytes, limit);
}
