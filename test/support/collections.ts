import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { CollectionsService } from '../../src/collections/collections.service.js';
import type { Collection } from '../../src/collections/collection.entity.js';
import { onThisMachine } from '../../src/http/caller.js';
import type { TestApp } from './app.js';
import type { Shelved } from './stored.js';

/** Makes a collection of files that are there, for everyone or for one member, or for nobody. */
export async function collect(
  { app }: TestApp,
  files: readonly Shelved[],
  { name = 'Papers', isForEveryone = false, memberId }: { name?: string; isForEveryone?: boolean; memberId?: string },
): Promise<Collection> {
  const by = { admin: null, caller: onThisMachine('a test') };
  const collections = app.get(CollectionsService);
  const collection = await collections.create({ name }, by);
  const database = app.get(DataSource);
  for (const { file } of files)
    await database.query(`INSERT INTO "collection_files" ("collectionId", "fileId", "addedAt") VALUES ($1, $2, $3)`, [
      ...[collection.id, file.id, Date.now()],
    ]);
  if (memberId !== undefined)
    await database.query(`INSERT INTO "audiences" ("id", "collectionId", "memberId") VALUES ($1, $2, $3)`, [
      ...[uuid(), collection.id, memberId],
    ]);
  return isForEveryone ? collections.change(collection, { isForEveryone }, by) : collection;
}
