import type { INestApplicationContext } from '@nestjs/common';
import { existsSync } from 'node:fs';
import pino from 'pino';
import { createApp } from './app.js';
import { remark } from './commands/output.js';
import { refuseOtherOwner } from './commands/owner.js';
import type { Environment } from './commands/site.js';
import { hourMs } from './config/durations.js';
import { readSettings } from './config/settings.js';
import { sqlitePath } from './database/data-source.js';
import { withQueryTimeout } from './database/postgres-client.js';

/**
 * Opens the site for a command, with the same settings as the server and while the server may run. It does not listen,
 * and prints only warnings and errors.
 */
export async function withSite(
  environment: Environment,
  work: (site: INestApplicationContext) => Promise<void>,
): Promise<void> {
  const settings = readSettings(environment);
  refuseOtherOwner(settings);
  const path = sqlitePath(settings);
  const isNew = path !== undefined && !existsSync(path);
  const app = await createApp(settings, logger);
  if (isNew) remark(`There was no database, so one was made: ${path}. Does the server have the same DATA_DIR?`);
  try {
    await withQueryTimeout(hourMs, () => work(app));
  } finally {
    await app.close();
  }
}

const logger = pino({ level: 'warn', base: null }, { write: (line) => remark(inWords(line)) });

function inWords(line: string): string {
  const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
  return err ? `${msg}: ${err.message}` : msg;
}
