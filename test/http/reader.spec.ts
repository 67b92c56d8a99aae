import { expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Reader } from '../../src/database/reader.js';
import { aSite } from '../support/app.js';

const site = aSite();

it('a question that the database cannot take is refused, and is answered once it can', async () => {
  const ask = () => site.app.get(Reader).rows('SELECT "id" FROM "later"');
  await expect(ask()).rejects.toThrow('later');
  await site.app.get(DataSource).query('CREATE TABLE "later" ("id" integer)');
  expect(await ask()).toEqual([]);
});
