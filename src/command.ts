import { existsSync } from 'node:fs';
import pino from 'pino';
import { createApp } from './app.js';
import { commandLine } from './commands/command-line.js';
import { exitCodeOf, wordsOfFailure } from './commands/failure.js';
import { remark } from './commands/output.js';
import { refuseOtherOwner } from './commands/owner.js';
import type { WithSite } from './commands/site.js';
import { hourMs } from './config/durations.js';
import { readSettings } from './config/settings.js';
import { sqlitePath } from './database/data-source.js';
import { withPatience } from './database/postgres-client.js';

/** Runs one command of the operator's, and tells by the exit code how it went: see `--help`. */
async function main(): Promise<void> {
  // what it writes is for the site's user and group, as what the server writes
  process.umask(0o027);
  process.stdout.on('error', endQuietly);
  await commandLine(process.env, withSite).parseAsync();
}

/** The site as the server has it, but it listens nowhere, and says only what went wrong. */
const withSite: WithSite = async (work) => {
  const settings = readSettings(process.env);
  refuseOtherOwner(settings);
  const path = sqlitePath(settings);
  const isNew = path !== undefined && !existsSync(path);
  const app = await createApp(settings, logger);
  if (isNew) remark(`There was no database, so one was made: ${path}. Does the server have the same DATA_DIR?`);
  try {
    await withPatience(hourMs, () => work(app));
  } finally {
    await app.close();
  }
};

const logger = pino({ level: 'warn', base: null }, { write: (line) => remark(inWords(line)) });

function inWords(line: string): string {
  const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
  return err ? `${msg}: ${err.message}` : msg;
}

/** Whoever reads has enough, as `head` does. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

function fail(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  // what is wrong with the command line was said already
  if (process.exitCode === 1) remark(wordsOfFailure(error));
}

main().catch(fail);
