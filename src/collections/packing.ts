import { createHash } from 'node:crypto';
import { eachInTurn, sortedInTurn, type InTurn } from '../database/long-work.js';
import { savedNames } from '../downloads/checksums.js';
import { checksumLine } from '../files/checksum-line.js';
import type { BoundFile } from './collection-files.js';

/** What the list of checksums in a zip is called. */
export const list = 'SHA256SUMS';

/** A file under the name that it has in the zip of its collection. */
export interface PackedFile extends BoundFile {
  readonly modified: Date;
}

/** Files of a collection as they are packed, in the order of their names. @param files the oldest first. */
export async function packedOf(files: readonly BoundFile[], inTurn: InTurn): Promise<readonly PackedFile[]> {
  const names = await savedNames(files, inTurn, [list]);
  const packed: PackedFile[] = [];
  await eachInTurn(inTurn, files, (file) => {
    packed.push({ ...file, name: names.get(file.id) ?? file.name, modified: file.versionedAt });
  });
  return sortedInTurn(inTurn, packed, ({ searchName }) => searchName);
}

/** When anything of a collection was changed last. */
export async function lastOf(changedAt: Date, files: readonly BoundFile[], inTurn: InTurn): Promise<Date> {
  let last = changedAt.getTime();
  await eachInTurn(inTurn, files, ({ versionedAt }) => {
    last = Math.max(last, versionedAt.getTime());
  });
  return new Date(last);
}

/** The list of checksums that is in a zip. */
export async function sumsOf(files: readonly PackedFile[], inTurn: InTurn): Promise<Buffer> {
  const lines: string[] = [];
  await eachInTurn(inTurn, files, ({ name, sha256 }) => lines.push(`${checksumLine(name, sha256)}\n`));
  return inTurn(() => Buffer.from(lines.join('')));
}

/** Names what is in a zip: the same files under the same names are the same bytes. */
export async function etagOf(files: readonly PackedFile[], inTurn: InTurn): Promise<string> {
  const hash = createHash('sha256');
  await eachInTurn(inTurn, files, ({ name, sha256, modified }) =>
    hash.update(`${name}\0${sha256}\0${modified.getTime()}\n`),
  );
  return `"${hash.digest('hex')}"`;
}
