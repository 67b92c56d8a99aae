import { access, constants, stat } from 'node:fs/promises';
import { DataSource, MigrationExecutor } from 'typeorm';
import type { Settings } from '../config/settings.js';
import { damageIn, wordsOfDamage } from '../database/damage.js';
import { dataSourceOptions, sqlitePath } from '../database/data-source.js';
import { migrations } from '../database/migrations.js';
import { ok, problem, warning, wordsOf, type Finding } from './finding.js';
import { checkBytes } from './bytes.checks.js';
import { checkKey } from './key.checks.js';
import { checkRecords } from './records.checks.js';

/** sqlite3's OPEN_READWRITE alone, so that a check never creates a database. */
const existing = 2;

/** Checks that the database can be opened, is undamaged and has this version's schema, and then the data in it. */
export async function checkDatabase(settings: Settings): Promise<Finding[]> {
  const path = sqlitePath(settings);
  try {
    if (path !== undefined) await access(path, constants.R_OK | constants.W_OK);
    const damage = path === undefined ? undefined : await damageIn(path, Infinity);
    if (damage !== undefined) return [ok('database', path ?? ''), problem('integrity', wordsOfDamage(damage))];
    const dataSource = await open(settings);
    try {
      const opened = ok('database', path ?? 'PostgreSQL answers');
      const file = path === undefined ? [] : await checkFile(dataSource, path);
      const schema = await checkSchema(dataSource);
      const records =
        schema.state === 'ok'
          ? [
              ...(await checkKey(dataSource, settings)),
              ...(await checkBytes(dataSource, settings)),
              ...(await checkRecords(dataSource, settings)),
            ]
          : [];
      return [opened, ...file, schema, ...records];
    } finally {
      await dataSource.destroy();
    }
  } catch (error) {
    return [problem('database', `It cannot be used: ${wordsOf(error)}. ${adviceOn(error)}`)];
  }
}

function adviceOn(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'Start the site, which makes it, or set DATA_DIR or DATABASE_URL as the site has it.';
  if (code === 'SQLITE_CORRUPT') return 'Restore a backup.';
  return 'See that DATABASE_URL is right, and that this user may reach it.';
}

/** Opens the database as the site does, but creates, migrates and changes nothing. */
function open(settings: Settings): Promise<DataSource> {
  const options = dataSourceOptions(settings);
  const harmless = options.type === 'sqlite' ? { ...options, enableWAL: false, flags: existing } : options;
  return new DataSource(harmless).initialize();
}

async function checkFile(dataSource: DataSource, path: string): Promise<Finding[]> {
  const [journal] = await dataSource.query<{ journal_mode: string }[]>('PRAGMA journal_mode');
  const { mode } = await stat(path);
  return [
    ok('integrity', 'SQLite finds no fault in the file'),
    journal?.journal_mode === 'wal'
      ? ok('journal', 'WAL')
      : warning(
          'journal',
          `It is ${journal?.journal_mode}, not WAL: start the site, which sets it, on a disk of its own machine.`,
        ),
    ...((mode & 0o007) === 0 ? [] : [warning('permissions', `others can read ${path}: chmod 640 ${path}`)]),
  ];
}

async function checkSchema(dataSource: DataSource): Promise<Finding> {
  const executor = new MigrationExecutor(dataSource);
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = (await executor.getExecutedMigrations()).filter(({ name }) => !known.has(name));
  const pending = await executor.getPendingMigrations();
  if (unknown.length > 0)
    return problem(
      'schema',
      `It is of a later version of Gatehouse (${unknown[0]?.name}): start that one, or restore a backup.`,
    );
  if (pending.length > 0)
    return problem(
      'schema',
      `It lacks ${pending.map(({ name }) => name).join(', ')}: start the site, which brings it up to date.`,
    );
  return ok('schema', 'up to date');
}
