import { afterAll, beforeAll } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { createApp } from '../../src/app.js';
import { readSettings, type Settings } from '../../src/config/settings.js';

declare const DATABASE: 'sqlite' | 'postgres' | undefined;

/** A running application of the real kind, in a data folder and on a database of its own. */
export interface TestApp {
  readonly app: NestFastifyApplication;
  readonly settings: Settings;
  /** Where it listens, such as `http://127.0.0.1:43210`. */
  readonly url: string;
  /** What it wrote to its log so far, as lines of JSON. */
  log(): string;
  close(): Promise<void>;
}

/** The bytes that a test app serves as its welcome file, under the name `welcome.txt`. */
export const welcomeBytes = Buffer.from(
  Array.from({ length: 1_000 }, (_, line) => `line ${line} of the welcome file\n`).join(''),
);

/** Starts the application through its front door, `createApp`, on the database that this run of the suite is for. */
export async function startApp(environment: Record<string, string> = {}): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  const welcome = join(folder, 'welcome.txt');
  writeFileSync(welcome, welcomeBytes);
  const database = environment.DATABASE_URL ? undefined : await newDatabase();
  const settings = readSettings({
    PORT: '0',
    PUBLIC_URL: 'http://127.0.0.1',
    RATE_LIMITS: 'off',
    DATA_DIR: join(folder, 'data'),
    WELCOME_FILE: welcome,
    ...(database && { DATABASE_URL: database.url }),
    ...environment,
  });
  const lines: string[] = [];
  const app = await createApp(settings, pino({ level: settings.logLevel }, { write: (line) => void lines.push(line) }));
  await app.listen(settings.port, '127.0.0.1');
  return {
    app,
    settings,
    url: await app.getUrl(),
    log: () => lines.join(''),
    async close() {
      await app.close();
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Starts a site before all tests of a spec, or of a `describe`, and closes it after them. Where it is declared, it comes before
 * what other hooks need of it; if it does not start, that is the only error.
 */
export function aSite(start: () => Promise<TestApp> = startApp): TestApp {
  let started: TestApp | undefined;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(() => started?.close());
  const site = () => {
    if (!started) throw new Error('The site is there once the hooks before all tests have run.');
    return started;
  };
  return {
    get app() {
      return site().app;
    },
    get settings() {
      return site().settings;
    },
    get url() {
      return site().url;
    },
    log: () => site().log(),
    close: () => site().close(),
  };
}

/** An empty database for one test app: a PostgreSQL one where this run is for PostgreSQL, else the default SQLite. */
export async function newDatabase(
  kind: 'sqlite' | 'postgres' = typeof DATABASE === 'undefined' ? 'sqlite' : DATABASE,
): Promise<{ url: string; drop(): Promise<void> } | undefined> {
  const server = process.env.TEST_POSTGRES;
  if (kind !== 'postgres') return undefined;
  if (!server) throw new Error('PostgreSQL was not started.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const run = async (sql: string) => {
    const client = new pg.Client(`${server}/postgres`);
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE DATABASE ${name}`);
  return { url: `${server}/${name}`, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}
