import type { INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { CollectionInput } from '../collections/collection.input.js';
import { presentCollection } from '../collections/collection.view.js';
import { CollectionsService } from '../collections/collections.service.js';
import { presentFile } from '../files/file.view.js';
import { audienceFrom, gather, withAudience, type AudienceOptions } from './audience.option.js';
import { all, findCollection, findFiles } from './lookup.js';
import { print, printJson, printTable } from './output.js';
import { asOperator, readAs, type Tools } from './site.js';

interface Json {
  readonly json?: true;
}

interface Additions extends AudienceOptions, Json {
  readonly note?: string;
}

interface Changes extends Json {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** The commands for collections. A collection is given by its name or its id. */
export function collectionsCommand({ withSite }: Tools): Command {
  const collections = new Command('collections');
  collections
    .command('list')
    .description('list the collections, the newest first')
    .option('--json', 'for scripts')
    .action(({ json }: Json) => withSite((site) => list(site, json)));
  withAudience(collections.command('add'))
    .description('make a collection, and print its id; it is for nobody if nobody is named')
    .argument('<name>')
    .option('--note <text>', 'what members should know of it')
    .option('--json', 'for scripts')
    .action((name: string, options: Additions) => withSite((site) => add(site, name, options)));
  collections
    .command('remove')
    .description('delete a collection; its files stay')
    .argument('<collection>')
    .option('--json', 'for scripts')
    .action((named: string, { json }: Json) => withSite((site) => remove(site, named, json)));
  withAudience(collections.command('share'))
    .description('set who may have a collection, and so each file in it')
    .argument('<collection>')
    .option('--json', 'for scripts')
    .action(async (named: string, options: AudienceOptions & Json, command: Command) => {
      if (!options.audience && !options.group && !options.member)
        command.error('error: say who may have it, by --audience, --group or --member');
      await withSite((site) => share(site, named, options));
    });
  collections
    .command('files')
    .description('list the files in a collection, the newest first')
    .argument('<collection>')
    .option('--add <id>', 'put this file in first; may be given again', gather)
    .option('--remove <id>', 'take this file out first; may be given again', gather)
    .option('--json', 'for scripts')
    .action((named: string, options: Changes) => withSite((site) => showFiles(site, named, options)));
  return collections;
}

async function list(site: INestApplicationContext, json?: true): Promise<void> {
  const found = (await all((paging) => site.get(CollectionsService).list(paging))).map(presentCollection);
  if (json) printJson(found);
  else
    printTable(
      ['ID', 'NAME'],
      found.map(({ id, name }) => [id, name]),
    );
}

async function add(site: INestApplicationContext, typed: string, { note, json, ...options }: Additions): Promise<void> {
  const input = await readAs(CollectionInput, { name: typed, note });
  const audience = await audienceFrom(site, options);
  const service = site.get(CollectionsService);
  const by = asOperator();
  const made = await service.create(input, by);
  if (audience) await service.share(made, audience, by);
  if (json) printJson(presentCollection(await service.find(made.id)));
  else print(made.id);
}

async function remove(site: INestApplicationContext, named: string, json?: true): Promise<void> {
  const collection = await findCollection(site, named);
  await site.get(CollectionsService).delete(collection, asOperator());
  if (json) printJson(presentCollection(collection));
  else print(`The collection ${collection.name} is deleted. Its files stay.`);
}

async function share(site: INestApplicationContext, named: string, { json, ...options }: AudienceOptions & Json) {
  const collection = await findCollection(site, named);
  const audience = await audienceFrom(site, options);
  if (audience) await site.get(CollectionsService).share(collection, audience, asOperator());
  if (json) printJson(presentCollection(await site.get(CollectionsService).find(collection.id)));
  else print(`That is who may have ${collection.name} now, and each file in it.`);
}

/** Looks up all files first, so that a mistyped id is reported before anything is changed. */
async function showFiles(site: INestApplicationContext, named: string, changes: Changes): Promise<void> {
  const service = site.get(CollectionsService);
  const collection = await findCollection(site, named);
  const coming = await findFiles(site, changes.add ?? []);
  const going = await findFiles(site, changes.remove ?? []);
  for (const { id } of going) await service.findFileIn(collection.id, id);
  const by = asOperator();
  const ids = coming.map(({ id }) => id);
  await service.addFiles(collection, ids, by);
  for (const { id } of going) await service.removeFile(collection, id, by);
  const found = (await all((paging) => service.filesIn(collection, paging))).map(presentFile);
  if (changes.json) printJson(found);
  else
    printTable(
      ['ID', 'SIZE', 'NAME'],
      found.map(({ id, size, name }) => [id, String(size), name]),
    );
}
