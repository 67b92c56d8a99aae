import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keys } from '../config/keys.js';
import type { Settings } from '../config/settings.js';
import { dataSourceOptions, openDatabase } from '../database/data-source.js';
import { copy, examine, placeOf, remove, type Content } from './bytes.js';
import { BackupFault, readManifest, type Manifest } from './manifest.js';
import { ProgramFault, programsFor, runOn } from './programs.js';
import { contentsOf, onPostgres, onSqlite, postgresTables, sqliteTables, type Ask, type Contents } from './snapshot.js';

/** A fault of a backup. `what` is the file or table, and `words` say what is wrong with it. */
export interface BackupFinding {
  readonly kind: 'missing' | 'changed' | 'rows' | 'database' | 'key';
  readonly what: string;
  readonly words: string;
}

/**
 * Checks that a backup can be restored, without restoring it. It opens a copy of its database, counts the rows, tries
 * the key, migrates the copy to the current version, and reads every byte. Gives every fault that it finds.
 *
 * @throws BackupFault if there is no backup, or if the backup is of a PostgreSQL database and no server or programs are
 *   there for a copy of it.
 */
export async function* faultsIn(settings: Settings, target: string): AsyncGenerator<BackupFinding> {
  const manifest = await readManifest(target);
  const own = join(target, manifest.folder);
  for (const entry of [manifest.database, ...manifest.others]) yield* compare(join(own, entry.path), entry.path, entry);
  const { findings, contents } = await tryDatabase(settings, own, manifest);
  yield* findings;
  for (const { storageKey, size, sha256 } of contents?.versions ?? []) {
    const path = join('files', placeOf(storageKey));
    yield* compare(join(target, path), path, { size, sha256 });
  }
}

async function* compare(path: string, what: string, expected: Content): AsyncGenerator<BackupFinding> {
  const found = await examine(path).catch((error: unknown) => (error as NodeJS.ErrnoException).code ?? 'EIO');
  if (typeof found === 'string')
    yield found === 'ENOENT'
      ? { kind: 'missing', what, words: 'is not there' }
      : { kind: 'changed', what, words: `cannot be read (${found})` };
  else if (found.size !== expected.size || found.sha256 !== expected.sha256)
    yield { kind: 'changed', what, words: 'has other bytes than when it was made' };
}

interface Tried {
  readonly findings: BackupFinding[];
  readonly contents?: Contents;
}

async function tryDatabase(settings: Settings, own: string, manifest: Manifest): Promise<Tried> {
  const scratch = await mkdtemp(join(tmpdir(), 'gatehouse-verify-'));
  try {
    return await withCopy(settings, own, manifest, scratch, async (ask, tables, migrate) => {
      const findings: BackupFinding[] = [];
      const contents = await contentsOf(ask, tables, await keysOf(settings, own, manifest));
      for (const [table, count] of Object.entries(manifest.rows)) {
        const found = contents.rows[table];
        if (found !== count)
          findings.push({
            kind: 'rows',
            what: table,
            words: `has ${found ?? 'no'} rows and had ${count} when it was made`,
          });
      }
      if (manifest.kind === 'sqlite') {
        const [check] = await ask('PRAGMA integrity_check(1)');
        if (check?.integrity_check !== 'ok')
          findings.push({
            kind: 'database',
            what: manifest.database.path,
            words: `is damaged: ${String(check?.integrity_check)}`,
          });
      }
      if (!contents.isOfKey)
        findings.push({ kind: 'key', what: 'app-secret', words: 'is not the key that the database was made with' });
      await migrate();
      return { findings, contents };
    });
  } catch (error) {
    // a dump that cannot be loaded is a fault of the backup, so it is reported; any other BackupFault ends the check
    if (error instanceof BackupFault && !(error instanceof ProgramFault)) throw error;
    const words = `cannot be opened and brought up to date: ${(error as Error).message}`;
    return { findings: [{ kind: 'database', what: manifest.database.path, words }] };
  } finally {
    await remove(scratch);
  }
}

/**
 * Calls `work` on a copy of the backup's database, and deletes the copy if it is a PostgreSQL one. The copy of a SQLite
 * database is a file in `scratch`. The copy of a PostgreSQL one is a new database on the server of DATABASE_URL.
 *
 * @throws BackupFault if the backup is of a PostgreSQL database and DATABASE_URL names none.
 */
async function withCopy(
  settings: Settings,
  own: string,
  { kind, database }: Manifest,
  scratch: string,
  work: (ask: Ask, tables: string, migrate: () => Promise<void>) => Promise<Tried>,
): Promise<Tried> {
  if (kind === 'sqlite') {
    const path = join(scratch, 'copy.db');
    await copy(join(own, database.path), path);
    const migrate = () => bringUpToDate({ ...settings, databaseUrl: `sqlite:${path}` } as Settings);
    return onSqlite(path, (ask) => work(ask, sqliteTables, migrate));
  }
  if (!/^postgres(ql)?:/.test(settings.databaseUrl))
    throw new BackupFault('This backup is of a PostgreSQL: let DATABASE_URL name one, on which a copy can be made.');
  const name = `gatehouse_verify_${randomBytes(6).toString('hex')}`;
  const address = new URL(settings.databaseUrl);
  address.pathname = `/${name}`;
  return onPostgres(settings.databaseUrl, async (server) => {
    await server(`CREATE DATABASE ${name}`);
    try {
      await load(address.href, join(own, database.path), server);
      const migrate = () => bringUpToDate({ ...settings, databaseUrl: address.href } as Settings);
      return await onPostgres(address.href, (ask) => work(ask, postgresTables, migrate));
    } finally {
      await server(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });
}

/**
 * Loads a dump into a PostgreSQL database, and deletes what was there before. It is one transaction: if it fails, the
 * database is as it was.
 *
 * @throws BackupFault if the programs are missing, or ProgramFault if the dump cannot be loaded.
 */
export async function load(url: string, dump: string, ask: Ask): Promise<void> {
  const [server] = await ask(`SELECT current_setting('server_version_num') AS "version"`);
  const { shell } = await programsFor(Math.floor(Number(server?.version) / 10_000));
  const anew = 'DROP SCHEMA public CASCADE';
  await runOn(url, shell, ['-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-c', anew, '-f', dump]);
}

async function bringUpToDate(settings: Settings): Promise<void> {
  await (await openDatabase(dataSourceOptions(settings))).destroy();
}

/** The key in a backup or, if it has none, the key of the settings; undefined if there is neither. */
export async function keysOf({ appSecret }: Settings, own: string, { others }: Manifest): Promise<Keys | undefined> {
  const isKept = others.some(({ path }) => path === 'app-secret');
  const secret = isKept ? (await readFile(join(own, 'app-secret'), 'utf8').catch(() => '')).trim() : appSecret;
  return secret === undefined ? undefined : new Keys(secret);
}
