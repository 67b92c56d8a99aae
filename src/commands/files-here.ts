import { BadRequestException } from '@nestjs/common';
import { access, constants, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileName } from '../files/file-name.js';
import { inWords } from './lookup.js';
import { remark } from './output.js';

/**
 * The files of this machine at these paths. For a folder, these are all files below it, sorted by name. Hidden entries
 * in a folder, and entries that are not regular files, are left out and named on standard error.
 *
 * @throws BadRequestException if some paths have no file, cannot be read, or have no visible name; its message lists
 * them.
 */
export async function filesHere(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const missing: string[] = [];
  for (const path of paths) {
    const there = await stat(path).catch(() => undefined);
    const files = there?.isDirectory() ? await filesIn(path) : there?.isFile() ? [path] : [];
    if (files.length === 0) missing.push(path);
    found.push(...files);
  }
  if (missing.length > 0) refuse(`There is no file at ${inWords(missing)}.`);
  const closed: string[] = [];
  for (const path of found) await access(path, constants.R_OK).catch(() => closed.push(path));
  if (closed.length > 0) refuse(`This user cannot read ${inWords(closed)}.`);
  const nameless = found.filter((path) => !fileName(basename(path)));
  if (nameless.length > 0) refuse(`These have no name that can be seen: ${inWords(nameless)}.`);
  return found;
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() =>
    refuse(`This user cannot read ${folder}.`),
  );
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) remark(`${path} is hidden, and left out.`);
    else if (entry.isDirectory()) found.push(...(await filesIn(path)));
    else if (entry.isFile()) found.push(path);
    else remark(`${path} is no regular file, and left out.`);
  }
  return found;
}

function refuse(why: string): never {
  throw new BadRequestException(`${why} Nothing was added.`);
}
