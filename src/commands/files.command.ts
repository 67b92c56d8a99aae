import { ConflictException, type INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { FileAudience } from '../library/file-audience.js';
import type { Collection } from '../collections/collection.entity.js';
import { CollectionsService } from '../collections/collections.service.js';
import { presentFile, type FileView } from '../files/file.view.js';
import { StoreWatch } from '../files/store-watch.js';
import { Verification, type Fault } from '../files/verification.js';
import { SearchInput } from '../http/paging.input.js';
import { LibraryService } from '../library/library.service.js';
import { audienceFrom, gather, withAudience, type AudienceOptions } from './audience.option.js';
import { filesHere } from './files-here.js';
import { all, findCollection, findFiles } from './lookup.js';
import { print, printJson, printTable, remark } from './output.js';
import { asOperator, readAs, type WithSite, type Tools } from './site.js';

/** The commands for files. */
export function filesCommand({ withSite }: Tools): Command {
  const files = new Command('files');
  withAudience(files.command('add'))
    .description('add files from this machine, or all in a folder, one after the other, and print the id of each')
    .argument('<path...>', 'files and folders; what is hidden in a folder is left out')
    .option(
      '--collection <collection>',
      'put them into it, by name or id; may be given again. Only who may have it has them, if nobody else is named',
      gather,
    )
    .option('--json', 'for scripts')
    .action((paths: string[], options: Additions) => add(withSite, paths, options));
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
    .option('--json', 'for scripts')
    .action((ids: string[], { json }: { json?: true }) => withSite((site) => remove(site, ids, json)));
  files
    .command('verify')
    .description("read all bytes anew, and name what is missing, changed or nobody's; exit code 1 where there is such")
    .option('--json', 'for scripts')
    .action((options: { json?: true }) => withSite((site) => verify(site, options)));
  return files;
}

interface Additions extends AudienceOptions {
  readonly collection?: readonly string[];
  readonly json?: true;
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

/** @throws ConflictException if there is any fault. */
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

/** Looks up everything that is named first, so that a typing mistake is reported before anything is added. */
async function add(withSite: WithSite, paths: readonly string[], options: Additions): Promise<void> {
  const found = await filesHere(paths);
  await withSite(async (site) => {
    const collections: Collection[] = [];
    for (const named of options.collection ?? []) collections.push(await findCollection(site, named));
    const audience = await audienceFrom(site, options);
    const isForEveryone = audience?.everyone ?? collections.length === 0;
    await site.get(StoreWatch).mustHoldSome();
    const by = asOperator();
    await tellEach(found, options.json, async (path) => {
      const upload = { name: basename(path), bytes: createReadStream(path) };
      const file = await site.get(LibraryService).add(upload, by, isForEveryone ? 'everyone' : 'nobody');
      if (audience && audience.groups.length + audience.members.length > 0)
        await site.get(FileAudience).set(file.id, audience, by);
      for (const collection of collections) await site.get(CollectionsService).addFiles(collection, [file.id], by);
      return presentFile(file);
    });
  });
}

async function remove(site: INestApplicationContext, ids: readonly string[], json?: true): Promise<void> {
  await tellEach(await findFiles(site, ids), json, async (file) => {
    await site.get(LibraryService).delete(file, asOperator());
    return presentFile(file);
  });
}

/** Handles one item after another and prints those that are done, even if a later one fails. */
async function tellEach<Item>(
  items: readonly Item[],
  json: true | undefined,
  act: (item: Item) => Promise<FileView>,
): Promise<void> {
  const done: FileView[] = [];
  try {
    for (const item of items) {
      const file = await act(item);
      done.push(file);
      if (!json) print(`${file.id}  ${file.name}`);
    }
  } finally {
    if (json) printJson(done);
  }
}
