import { createHash } from 'node:crypto';
import { eachInTurn, sortedInTurn, type InTurn } from '../database/long-work.js';
import { savedNames } from '../downloads/checksums.js';
import { checksumLine } from '../files/checksum-line.js';
import type { BoundFile } from './collection-files.js';

/** The name of the list of checksums in a zip. */
export const list = 'SHA256SUMS';

/** A file, with the name that it has in the zip of its collection. */
export interface PackedFile extends BoundFile {
  readonly modified: Date;
}

/**
 * The files of a collection as they are in its zip, sorted by name.
 *
 * @param files the oldest first.
 */
export async function packedOf(files: readonly BoundFile[], inTurn: InTurn): Promise<readonly PackedFile[]> {
  const names = await savedNames(files, inTurn, [list]);
  const packed: PackedFile[] = [];
  await eachInTurn(inTurn, files, (file) => {
    packed.push({ ...file, name: names.get(file.id) ?? file.name, modified: file.versionedAt });
  });
  return sortedInTurn(inTurn, packed, ({ searchName }) => searchName);
}

/** When the collection or one of its files was last changed. */
export async function lastOf(changedAt: Date, files: readonly BoundFile[], inTurn: InTurn): Promise<Date> {
  let last = changedAt.getTime();
  await eachInTurn(inTurn, files, ({ versionedAt }) => {
    last = Math.max(last, versionedAt.getTime());
  });
  return new Date(last);
}

/** The content of the list of checksums in a zip. */
export async function sumsOf(files: readonly PackedFile[], inTurn: InTurn): Promise<Buffer> {
  const lines: string[] = [];
  await eachInTurn(inTurn, files, ({ name, sha256 }) => lines.push(`${checksumLine(name, sha256)}\n`));
  return inTurn(() => Buffer.from(lines.join('')));
}

/** The entity tag of a zip. Zips have the same tag only if they hold the same files, with the same names and times. */
export async function etagOf(files: readonly PackedFile[], inTurn: InTurn): Promise<string> {
  const hash = createHash('sha256');
  await eachInTurn(inTurn, files, ({ name, sha256, modified }) =>
    hash.update(`${name}\0${sha256}\0${modified.getTime()}\n`),
  );
  return `"${hash.digest('hex')}"`;
}
