import { Command, Option } from 'commander';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BadRequestException, ConflictException, type INestApplicationContext } from '@nestjs/common';
import { AudiencesService } from '../audiences/audiences.service.js';
import { presentFile } from '../files/file.view.js';
import { all, findGroup } from './groups.command.js';
import { Verification, type Fault } from '../files/verification.js';
import { SearchInput } from '../http/paging.input.js';
import { LibraryService } from '../library/library.service.js';
import { print, printJson, printTable, remark } from './output.js';
import { byOperator, readAs, type WithSite } from './site.js';

/** What the operator can do about files. */
export function filesCommand(withSite: WithSite): Command {
  const files = new Command('files').description('what stands on the shelf');
  files
    .command('add')
    .description('add files from this machine, one after the other, and print the id of each')
    .argument('<path...>')
    .addOption(new Option('--audience <who>', 'who may have them').choices(['everyone', 'nobody']))
    .option('--group <group...>', 'only these groups may have them, each by name or id')
    .action((paths: string[], options: Audience) => add(withSite, paths, options));
  files
    .command('list')
    .description('list the files, the newest first')
    .option('--search <text>', 'only those whose name or note has these words')
    .option('--json', 'for scripts')
    .action((options: { search?: string; json?: true }) => withSite((site) => list(site, options)));
  files
    .command('remove')
    .description('delete files by id; for 30 days an admin can have them back')
    .argument('<id...>')
    .action((ids: string[]) =>
      withSite(async (site) => {
        const library = site.get(LibraryService);
        const found = await Promise.all(ids.map((id) => library.find(id)));
        for (const file of found) {
          await library.delete(file, byOperator());
          print(`${file.id}  ${file.name}`);
        }
      }),
    );
  files
    .command('verify')
    .description("read all bytes anew, and name what is missing, changed or nobody's; exit code 1 where there is such")
    .option('--json', 'for scripts')
    .action((options: { json?: true }) => withSite((site) => verify(site, options)));
  return files;
}

interface Audience {
  readonly audience?: 'everyone' | 'nobody';
  readonly group?: string[];
}

async function list(site: INestApplicationContext, { search, json }: { search?: string; json?: true }): Promise<void> {
  const { q } = await readAs(SearchInput, { q: search });
  const found = await all((paging) => site.get(LibraryService).list({ ...paging, ...(q && { q }) }));
  if (json) printJson(found.map(presentFile));
  else
    printTable(
      ['ID', 'SIZE', 'NAME'],
      found.map(({ id, size, name }) => [id, String(size), name]),
    );
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
async function add(withSite: WithSite, paths: readonly string[], { audience, group = [] }: Audience): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) throw new BadRequestException(`There is no file at ${path}. Nothing was added.`);
  }
  await withSite(async (site) => {
    const groups = await Promise.all(group.map(async (named) => (await findGroup(site, named)).id));
    const forWhom = groups.length > 0 ? 'nobody' : audience;
    for (const path of paths) {
      const upload = { name: basename(path), bytes: createReadStream(path) };
      const { id, name } = await site.get(LibraryService).add(upload, byOperator(), forWhom);
      if (groups.length > 0)
        await site.get(AudiencesService).set({ fileId: id }, { everyone: false, groups, members: [] });
      print(`${id}  ${name}`);
    }
  });
}
