import { PayloadTooLargeException } from '@nestjs/common';
import { Transform } from 'node:stream';

export const tooMuch = () => new PayloadTooLargeException('That is more than this address takes at once.');

/** A stream that passes on what is written to it, and fails with 413 after more than `most` bytes. */
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
