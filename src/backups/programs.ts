import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BackupFault } from './manifest.js';

const run = promisify(execFile);
const debianFolder = '/usr/lib/postgresql';

/** `pg_dump` and `psql` of one version. */
export interface Programs {
  readonly dump: string;
  readonly shell: string;
}

/**
 * Finds PostgreSQL programs that work with a server. `pg_dump` cannot read a server of a later version than its own.
 *
 * @param serverMajor the major version of the server.
 * @throws BackupFault if there are none. Its message says which package to install.
 */
export async function programsFor(serverMajor: number): Promise<Programs> {
  const versions = await readdir(debianFolder).catch(() => []);
  const folders = versions
    .sort((one, other) => Number(one) - Number(other))
    .map((one) => join(debianFolder, one, 'bin'));
  const found: number[] = [];
  for (const folder of ['', ...folders]) {
    const dump = join(folder, 'pg_dump');
    const major = await majorOf(dump);
    if (major !== undefined && major >= serverMajor) return { dump, shell: join(folder, 'psql') };
    if (major !== undefined) found.push(major);
  }
  const there = found.length > 0 ? `pg_dump ${Math.max(...found)} cannot read` : 'There is no pg_dump for';
  throw new BackupFault(
    `${there} a PostgreSQL ${serverMajor}: install its client, such as Debian's postgresql-client-${serverMajor}.`,
  );
}

/** A PostgreSQL program failed. The message has the first line of its error output. */
export class ProgramFault extends BackupFault {}

/**
 * Runs a PostgreSQL program on a database. The password is passed in the environment, where no other user can see it.
 *
 * @param url the address of the database.
 * @throws ProgramFault if the program fails.
 */
export async function runOn(url: string, program: string, given: readonly string[]): Promise<void> {
  const address = new URL(url);
  const password = decodeURIComponent(address.password);
  address.password = '';
  try {
    await run(program, ['--no-password', `--dbname=${address.href}`, ...given], {
      // eslint-disable-next-line no-restricted-properties -- where programs are is no setting of the site
      env: { PATH: process.env.PATH, ...(password !== '' && { PGPASSWORD: password }) },
      maxBuffer: 64 * 1_024 * 1_024,
    });
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new ProgramFault(`${program} failed: ${(stderr || message).trim().split('\n')[0]}`);
  }
}

async function majorOf(program: string): Promise<number | undefined> {
  try {
    const { stdout } = await run(program, ['--version']);
    const major = /(\d+)(\.|\s|$)/.exec(stdout)?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}
