import { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BadRequestException } from '@nestjs/common';
import { LibraryService } from '../library/library.service.js';
import { print } from './output.js';
import { byOperator, type WithSite } from './site.js';

/** What the operator can do about files. */
export function filesCommand(withSite: WithSite): Command {
  const files = new Command('files').description('what stands on the shelf');
  files
    .command('add')
    .description('add files from this machine, one after the other, and print the id of each')
    .argument('<path...>')
    .action((paths: string[]) => add(withSite, paths));
  return files;
}

/** Looks at all of them first, so that a mistyped path is told before anything is added. */
async function add(withSite: WithSite, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) throw new BadRequestException(`There is no file at ${path}. Nothing was added.`);
  }
  await withSite(async (site) => {
    for (const path of paths) {
      const upload = { name: basename(path), bytes: createReadStream(path) };
      const { id, name } = await site.get(LibraryService).add(upload, byOperator());
      print(`${id}  ${name}`);
    }
  });
}
