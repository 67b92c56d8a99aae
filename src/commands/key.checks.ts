import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { Keys } from '../config/keys.js';
import type { Settings } from '../config/settings.js';
import { matchKey, wordsOfOtherKey } from '../database/key-mark.js';
import { ok, problem, type Finding } from './finding.js';

/**
 * Checks that the key is the one that the database was made with. If there is no key, the check of the folder reports
 * it.
 */
export async function checkKey(dataSource: DataSource, { dataDir, appSecret }: Settings): Promise<Finding[]> {
  const place = appSecret === undefined ? join(dataDir, 'app-secret') : 'APP_SECRET';
  const secret = appSecret ?? (await readFile(place, 'utf8').catch(() => '')).trim();
  if (secret === '') return [];
  const keys = new Keys(secret, place);
  const found = await matchKey((sql) => dataSource.query<Record<string, unknown>[]>(sql), keys);
  return [
    found === 'another'
      ? problem('key', `${wordsOfOtherKey(keys)} The site does not start before that.`)
      : ok('key', 'it is the one that the database was made with'),
  ];
}
