import { rmSync } from 'node:fs';

/** Stops the server that `start-postgres` started, and deletes its data. */
export default async function stopPostgres(): Promise<void> {
  const server = globalThis.postgres;
  globalThis.postgres = undefined;
  await server?.stop();
  if (globalThis.postgresFolder) rmSync(globalThis.postgresFolder, { recursive: true, force: true });
}
