import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newDatabase } from './app.js';

/** What outlives one start: a data folder and a database that several test apps can be started on. */
export interface Lasting {
  /** To be given to `startApp`. */
  readonly environment: Record<string, string>;
  drop(): Promise<void>;
}

/** Makes a data folder, and a database of the kind that this run of the suite is for. */
export async function makeLasting(): Promise<Lasting> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-lasting-'));
  const database = await newDatabase();
  return {
    environment: { DATA_DIR: folder, DATABASE_URL: database?.url ?? `sqlite:${join(folder, 'gatehouse.db')}` },
    async drop() {
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until something is so that happens soon after an answer; fails where it is not within 20 seconds. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('What was waited for did not come about.');
}
