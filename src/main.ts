import './no-debugger.js';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp, shutDown } from './app.js';
import { readSettings, SettingsError, type Settings } from './config/settings.js';
import { UnusableDatabase } from './database/data-source.js';
import { createLogger } from './http/logging.js';

/** Starts the site from the environment, says where things are, and ends it in order on SIGTERM or SIGINT. */
async function main(): Promise<void> {
  // what the site writes is for its own user and group, the database too
  process.umask(0o027);
  const settings = readSettings(process.env);
  const logger = createLogger(settings, process.stdout.isTTY);
  const app = await createApp(settings, logger);
  await app.listen(settings.port, settings.host).catch((error: unknown) => {
    throw new SettingsError([`HOST and PORT cannot be listened on: ${(error as Error).message}`]);
  });
  endOnSignal(app, settings);

  logger.info({ url: settings.publicUrl, listening: await app.getUrl() }, `Gatehouse is open: ${settings.publicUrl}`);
  logger.info(
    `Everything that lasts is in ${settings.dataDir}; the database is ${withoutPassword(settings.databaseUrl)}.`,
  );
  if (settings.rateLimits === 'off')
    logger.warn('RATE_LIMITS is off: anyone may guess passwords. For measurements only.');
}

function endOnSignal(app: NestFastifyApplication, settings: Settings): void {
  let isEnding = false;
  const end = () => {
    if (isEnding) process.exit(1);
    isEnding = true;
    shutDown(app, settings).then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

const withoutPassword = (url: string) => url.replace(/(:\/\/[^:@/]*):.*@/, '$1:…@');

function fail(error: unknown): never {
  const text =
    error instanceof SettingsError || error instanceof UnusableDatabase
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

main().catch(fail);
