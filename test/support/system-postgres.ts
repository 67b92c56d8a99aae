import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { eventually } from './database.js';
import { freePort, newFolder } from './server.js';

const versions = '/usr/lib/postgresql';

/** A PostgreSQL of the system's packages, whose `pg_dump` is of its own version. */
export interface SystemPostgres {
  readonly major: number;
  /** Makes a database, and gives its address. */
  newDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** The newest version of which server and client programs are installed; undefined where there is none. */
function newest(): number | undefined {
  const programs = ['initdb', 'postgres', 'pg_dump', 'psql'];
  return (existsSync(versions) ? readdirSync(versions) : [])
    .filter((version) => programs.every((program) => existsSync(join(versions, version, 'bin', program))))
    .map(Number)
    .toSorted((one, other) => other - one)[0];
}

/** Starts that server on a free loopback port; undefined where there is none. */
export async function startSystemPostgres(): Promise<SystemPostgres | undefined> {
  const major = newest();
  if (major === undefined) return undefined;
  const bin = join(versions, String(major), 'bin');
  const folder = newFolder();
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  // PostgreSQL refuses to run as root
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  chmodSync(folder, 0o755);
  if (nobody.uid !== undefined) chownSync(data, nobody.uid, nobody.gid);
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
  const how = { ...nobody, cwd: folder, stdio: 'ignore' } as const;
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'gatehouse', '-A', 'trust', ...locale], how);
  const port = await freePort();
  const options = ['-D', data, '-p', port, '-h', '127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'];
  const server = spawn(join(bin, 'postgres'), options, how);
  const ended = once(server, 'close');
  const address = (name: string) => `postgres://gatehouse@127.0.0.1:${port}/${name}`;
  const run = async (sql: string) => {
    const client = new pg.Client(address('postgres'));
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await eventually(() =>
    run('SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  return {
    major,
    async newDatabase(name) {
      await run(`CREATE DATABASE ${name}`);
      return address(name);
    },
    async stop() {
      server.kill('SIGINT');
      await ended;
    },
  };
}
