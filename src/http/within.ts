import { PayloadTooLargeException } from '@nestjs/common';
import { Transform } from 'node:stream';

export const tooMuch = () => new PayloadTooLargeException('That is more than this address takes at once.');

/** Hands on what is written to it, and breaks off with 413 if that is more than `most` bytes. */
export function within(most: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > most) done(tooMuch());
      else done(null, chunk);
    },
  });
}
