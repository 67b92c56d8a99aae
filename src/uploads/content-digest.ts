import { BadRequestException } from '@nestjs/common';
import { createHash, type Hash } from 'node:crypto';
import { pipeline, Transform, type Readable } from 'node:stream';

const algorithms: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

/**
 * Passes the bytes through and checks them against their `Content-Digest` (RFC 9530 2). If they do not match, the
 * stream fails with 400 at its end. Digests other than SHA-256 and SHA-512 are ignored.
 *
 * @throws BadRequestException if the header cannot be read.
 */
export function checkedBy(header: string | undefined, bytes: Readable): Readable {
  const expected = digestsOf(header);
  if (expected.length === 0) return bytes;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const { hash } of expected) hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const isRight = expected.every(({ hash, digest }) => hash.digest('base64') === digest);
      done(isRight ? null : new BadRequestException('The bytes are not those that Content-Digest names.'));
    },
  });
  return pipeline(bytes, check, () => undefined);
}

interface Expected {
  readonly hash: Hash;
  readonly digest: string;
}

/** Parses the header: a dictionary of byte sequences (RFC 9651 3.2 and 3.3.5). */
function digestsOf(header: string | undefined): Expected[] {
  if (header === undefined) return [];
  return header.split(',').flatMap((member) => {
    const [, name = '', digest = ''] =
      /^[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):[ \t]*$/.exec(member) ?? [];
    if (name === '') throw new BadRequestException('Content-Digest cannot be read.');
    const algorithm = algorithms[name];
    return algorithm ? [{ hash: createHash(algorithm), digest }] : [];
  });
}
