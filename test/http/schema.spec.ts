import { beforeAll, expect, it } from '@jest/globals';
import { DataSource, type EntityMetadata } from 'typeorm';
import { rowReader } from '../../src/database/columns.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { aSite } from '../support/app.js';

const site = aSite();
let dataSource: DataSource;
beforeAll(() => {
  dataSource = site.app.get(DataSource);
});

/** What triggers write, and only SQL reads. */
const ofTriggers = ['files.sharedAt', 'collections.sharedAt'];

/** What the database of this run calls the types that entities use. */
const families: Readonly<Record<string, RegExp>> = {
  varchar: /^(varchar|character varying)$/,
  text: /^(text|varchar)$/,
  integer: /^(integer|int4)$/,
  bigint: /^(bigint|int8|integer)$/,
  boolean: /^(boolean|bool)$/,
};

async function faultsOf({ tableName, columns }: EntityMetadata): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const table = await runner.getTable(tableName);
    if (!table) return [`${tableName} is not there`];
    const declared = new Set(columns.map(({ databaseName }) => databaseName));
    return [
      ...table.columns
        .filter(({ name }) => !declared.has(name))
        .map(({ name }) => `${tableName}.${name}`)
        .filter((name) => !ofTriggers.includes(name))
        .map((name) => `${name} is nobody's`),
      ...columns.flatMap(({ databaseName, isNullable, type }) => {
        const found = table.findColumnByName(databaseName);
        const name = `${tableName}.${databaseName}`;
        if (!found) return [`${name} is not there`];
        const family = families[String(type)] ?? /^$/;
        return [
          ...(found.isNullable === isNullable ? [] : [`${name} ${isNullable ? 'takes no' : 'takes'} null`]),
          ...(family.test(found.type) ? [] : [`${name} is ${found.type}, and not ${String(type)}`]),
        ];
      }),
    ];
  } finally {
    await runner.release();
  }
}

it('every entity is as its table is', async () => {
  const faults = await Promise.all(dataSource.entityMetadatas.map(faultsOf));
  expect(dataSource.entityMetadatas.length).toBeGreaterThan(10);
  expect(faults.flat()).toEqual([]);
});

it('a row that the reader gives becomes what TypeORM makes of it', async () => {
  const [file] = await dataSource.getRepository(StoredFile).find({ take: 1 });
  const [row] = await dataSource.query<Record<string, string | number | null>[]>('SELECT * FROM "files" LIMIT 1');
  expect(rowReader(StoredFile)(row ?? {})).toMatchObject({ ...file });
  expect(file).toBeDefined();
});
