import { expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { newDatabase } from '../support/app.js';
import { person, Script, type Person } from '../support/people.js';
import { newFolder, startServer, type Server } from '../support/server.js';

const kills = 30;
const atOnce = 50;

it.concurrent.each(['sqlite', 'postgres'] as const)(
  'every account that was acknowledged before a SIGKILL logs in after it, 30 times on %s',
  async (kind) => {
    const database = await newDatabase(kind);
    const dataDir = newFolder();
    const environment = { DATA_DIR: dataDir, ...(database && { DATABASE_URL: database.url }) };
    try {
      let acknowledged = 0;
      let unproven: Person[] = [];
      for (let kill = 0; kill < kills; kill++) {
        const server = await startServer(environment);
        await logInAll(server, unproven);
        unproven = await killAmidRegistrations(server);
        acknowledged += unproven.length;
      }
      if (!database) expect(await integrityOf(`${dataDir}/gatehouse.db`)).toEqual([{ integrity_check: 'ok' }]);
      await logInAll(await startServer(environment), unproven);

      process.stdout.write(
        `${kind}: ${kills} kills, ${acknowledged} of ${kills * atOnce} registrations acknowledged\n`,
      );
      expect(acknowledged).toBeGreaterThanOrEqual(kills);
    } finally {
      await database?.drop();
    }
  },
  1_200_000,
);

/** Sends registrations all at once, kills the server after a few, and gives the people who were told that they are members. */
async function killAmidRegistrations(server: Server): Promise<Person[]> {
  const members: Person[] = [];
  const patience = 1 + Math.floor(Math.random() * 12);
  let isEnough = (): void => undefined;
  const enough = new Promise<void>((resolve) => (isEnough = resolve));
  const registrations = Array.from({ length: atOnce }, async () => {
    const member = await new Script(server.url).register(person());
    members.push(member);
    if (members.length === patience) isEnough();
  });
  await Promise.race([enough, Promise.all(registrations)]);
  await sleep(Math.random() * 20);
  await server.kill();
  await Promise.allSettled(registrations);
  return members;
}

async function logInAll(server: Server, members: readonly Person[]): Promise<void> {
  await Promise.all(members.map((member) => new Script(server.url).logIn(member)));
}

async function integrityOf(database: string): Promise<unknown> {
  const dataSource = await new DataSource({ type: 'sqlite', database }).initialize();
  try {
    return await dataSource.query('PRAGMA integrity_check');
  } finally {
    await dataSource.destroy();
  }
}
