import { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BadRequestException, ConflictException, type INestApplicationContext } from '@nestjs/common';
import { Verification, type Fault } from '../files/verification.js';
import { LibraryService } from '../library/library.service.js';
import { print, printJson, remark } from './output.js';
import { byOperator, type WithSite } from './site.js';

/** What the operator can do about files. */
export function filesCommand(withSite: WithSite): Command {
  const files = new Command('files').description('what stands on the shelf');
  files
    .command('add')
    .description('add files from this machine, one after the other, and print the id of each')
    .argument('<path...>')
    .action((paths: string[]) => add(withSite, paths));
  files
    .command('verify')
    .description("read all bytes anew, and name what is missing, changed or nobody's; exit code 1 where there is such")
    .option('--json', 'for scripts')
    .action((options: { json?: true }) => withSite((site) => verify(site, options)));
  return files;
}

/** @throws ConflictException where something is wrong. */
async function verify(site: INestApplicationContext, { json }: { json?: true }): Promise<void> {
  const found: Fault[] = [];
  let looked = 0;
  for await (const fault of site.get(Verification).faults((count) => {
    looked = count;
    if (count % 1_000 === 0) remark(`${count} versions looked at`);
  })) {
    found.push(fault);
    if (!json) print(inWords(fault));
  }
  if (json) printJson(found);
  remark(`${looked === 1 ? '1 version was' : `${looked} versions were`} looked at.`);
  if (found.length > 0)
    throw new ConflictException(found.length === 1 ? 'There is 1 fault.' : `There are ${found.length} faults.`);
}

const inWords = (fault: Fault): string =>
  fault.kind === 'orphaned'
    ? `orphaned  ${fault.storageKey}  (bytes of no file)`
    : `${fault.kind.padEnd(8)}  ${fault.storageKey}  ${fault.name}, version ${fault.version}`;

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
