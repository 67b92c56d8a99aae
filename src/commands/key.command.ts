import { Command } from 'commander';
import { existsSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import { ActivityService } from '../activity/activity.service.js';
import { BackupFault } from '../backups/manifest.js';
import { refuseWhereInUse } from '../backups/restore.js';
import { openKeys, takeBackKeys, type Keys } from '../config/keys.js';
import { readSettings, type Settings } from '../config/settings.js';
import { dataSourceOptions, openDatabase, sqlitePath, UnusableDatabase } from '../database/data-source.js';
import { matchKey, replaceMark } from '../database/key-mark.js';
import { refuseForeignData } from '../database/owners.js';
import { SiteLock } from '../database/site-lock.js';
import { hasTables } from '../database/site.js';
import { refuseOtherOwner } from './owner.js';
import { print } from './output.js';
import { asOperator, type Environment, type WithSite, type Tools } from './site.js';

/** The command for an operator who has lost the site's key, or replaces it because somebody may have seen it. */
export function keyCommand({ environment, withSite }: Tools): Command {
  const key = new Command('key');
  key
    .command('accept')
    .description(
      'go on with the key that is there now, or a new one, in place of the one that the database was made with. The site must be stopped',
    )
    .addHelpText('after', lost)
    .action(() => accept(environment, withSite));
  return key;
}

const lost = `
What only the old key can read is lost: every session and token ends, authenticator apps and recovery codes are removed
(passkeys stay), and mails that wait are deleted. Until their members set up a second factor again, their password alone
lets them in.`;

async function accept(environment: Environment, withSite: WithSite): Promise<void> {
  const settings = readSettings(environment);
  refuseOtherOwner(settings);
  refuseForeignData(settings);
  const { keys, done } = await alone(settings, replace);
  if (!done) {
    print('The database was made with this key: there is nothing to do.');
    return;
  }
  await withSite((site) =>
    site
      .get(ActivityService)
      .record({ kind: 'site.key-replaced', actor: null, target: keys.place }, asOperator().caller),
  );
  print(
    `The site goes on with the key in ${keys.place}. Lost with the old one: ${done.sessions} sessions and tokens, the authenticator apps of ${done.apps} members, the recovery codes of ${done.codes}, and ${done.letters} mails that waited.`,
  );
}

/**
 * Works on the database while nothing else uses the site, with the existing key or a new one. If the work fails, a new
 * key is deleted again.
 *
 * @throws BackupFault if the site runs or another command works on it.
 * @throws UnusableDatabase if there is no site.
 */
async function alone<Done>(
  settings: Settings,
  work: (dataSource: DataSource, keys: Keys) => Promise<Done>,
): Promise<{ readonly keys: Keys; readonly done: Done }> {
  const lock = await SiteLock.alone(settings.dataDir);
  if (!lock) throw new BackupFault(`The site in ${settings.dataDir} runs, or a command works on it: stop it first.`);
  let keys: Keys | undefined;
  try {
    const options = dataSourceOptions(settings);
    if (options.type === 'postgres') await refuseWhereInUse(settings.databaseUrl);
    else if (!existsSync(sqlitePath(settings) ?? '')) throw new UnusableDatabase(noSite);
    const dataSource = await openDatabase(options, refuseWithoutSite);
    try {
      keys = openKeys(settings);
      return { keys, done: await work(dataSource, keys) };
    } finally {
      await dataSource.destroy();
    }
  } catch (error) {
    if (keys) takeBackKeys(keys);
    throw error;
  } finally {
    await lock.release();
  }
}

const noSite = 'There is no site here that could have another key: let DATABASE_URL and DATA_DIR name one.';

async function refuseWithoutSite(dataSource: DataSource): Promise<void> {
  if (!(await hasTables(dataSource))) throw new UnusableDatabase(noSite);
}

/** Writes the key's mark last, so that an interrupted run starts again from the beginning. */
async function replace(dataSource: DataSource, keys: Keys) {
  const rows = (sql: string) => dataSource.query<Record<string, unknown>[]>(sql);
  // without a mark, nothing proves that the key is the right one, because earlier versions left nothing to test it on
  if ((await matchKey(rows, keys)) === 'marked') return undefined;
  const count = async (what: string, from: string) =>
    Number((await rows(`SELECT COUNT(${what}) AS "count" FROM "${from}"`))[0]?.count);
  const done = {
    sessions: await count('*', 'sessions'),
    apps: await count('*', 'authenticators'),
    codes: await count('DISTINCT "userId"', 'recovery_codes'),
    letters: await count('*', 'outbox'),
  };
  for (const table of ['sessions', 'authenticators', 'recovery_codes', 'outbox'])
    await dataSource.query(`DELETE FROM "${table}"`);
  // the forms that are kept while a member proves who they are
  await dataSource.query(`DELETE FROM "links" WHERE "kind" = 'form'`);
  await dataSource.query(...replaceMark(keys));
  return done;
}
