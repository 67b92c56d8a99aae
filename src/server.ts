import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { isatty } from 'node:tty';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createApp, shutDown } from './app.js';
import { readSettings, SettingsError, type Settings } from './config/settings.js';
import { isDamage, lookMs, wordsOfDamage } from './database/damage.js';
import { refuseDamaged, sqlitePath, UnusableDatabase } from './database/data-source.js';
import { foreignTo, handOver, refuseForeignData } from './database/owners.js';
import { StoreWatch, UnusableStore } from './files/store-watch.js';
import { connectionsWithin, networkAddresses, openFilesLimit, wordsOfListening } from './http/listening.js';
import { createLogger } from './http/logging.js';
import { wordsOf } from './start.js';

/** The reason why the site cannot be served, in words for an operator. */
class CannotServe extends Error {}

/** Starts the site from the environment, logs where things are, and ends it in order on SIGTERM or SIGINT. */
async function main(): Promise<NestFastifyApplication> {
  // only the site's user and group may read what it writes, including the database
  process.umask(0o027);
  const settings = readSettings(process.env);
  const logger = createLogger(settings, isatty(1));
  refuseForeignData(settings);
  const path = sqlitePath(settings);
  if (path !== undefined) await refuseDamaged(path, lookMs);
  const app = await createApp(settings, logger);
  warnOfForeignData(settings, logger);
  await app.get(StoreWatch).mustHoldSome();
  const server = app.getHttpServer();
  fitConnections(server, settings, logger);
  await app.listen(settings.port, settings.host).catch((error: unknown) => {
    throw new CannotServe(wordsOfListening(error as NodeJS.ErrnoException, settings.host, settings.port));
  });
  endOnSignal(app, settings);

  logger.info({ url: settings.publicUrl, listening: await app.getUrl() }, `Gatehouse is open: ${settings.publicUrl}`);
  tellNetwork(server, settings, logger);
  logger.info(
    `Everything that lasts is in ${settings.dataDir}; the database is ${withoutPassword(settings.databaseUrl)}.`,
  );
  if (settings.rateLimits === 'off')
    logger.warn('RATE_LIMITS is off: anyone may guess passwords. For measurements only.');
  return app;
}

/** Limits the connections to what the open-file limit allows, so that existing connections keep working. */
function fitConnections(server: Server, { maxConnections }: Settings, logger: Logger): void {
  const openFiles = openFilesLimit();
  const most = connectionsWithin(openFiles);
  if (most >= maxConnections) return;
  server.maxConnections = most;
  const words = `The system lets this process open ${openFiles} files, so it takes ${most} connections at a time and not MAX_CONNECTIONS: raise the limit (ulimit -n, or LimitNOFILE= in a systemd unit) to have more.`;
  // a slightly lower limit needs no warning
  if (most < 1_000) logger.warn(words);
}

/** Warns if another user owns some of the site's files. That user could not read what this process writes. */
function warnOfForeignData(settings: Settings, logger: Logger): void {
  const self = process.getuid?.();
  const [first, ...others] = foreignTo(self, settings);
  if (!first) return;
  const more = others.length > 0 ? ` and ${others.length} more are not this user's` : ' is not';
  logger.warn(
    `The site runs as user ${self}, and ${first.path} (user ${first.owner}'s)${more}: run it as its user, or hand all of it over: ${handOver(settings)}`,
  );
}

/** Logs the addresses at which other machines reach the site, if there is no proxy in front. */
function tellNetwork(server: Server, { host, publicUrl, isSecure }: Settings, logger: Logger): void {
  const addresses = isSecure ? [] : networkAddresses(host, (server.address() as AddressInfo).port);
  if (addresses.length === 0) return;
  logger.info(`Others in your network reach it at ${addresses.join(' or ')}`);
  if (!addresses.includes(publicUrl))
    logger.info(`Links in mails lead to ${publicUrl}: set PUBLIC_URL to the address that people use.`);
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
  const isForOperators = [SettingsError, UnusableDatabase, UnusableStore, CannotServe].some(
    (kind) => error instanceof kind,
  );
  const inWords = (fault: Error) => (isDamage(fault) ? wordsOfDamage(fault.message) : wordsOf(fault));
  const text = error instanceof Error ? (isForOperators ? error.message : inWords(error)) : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** The site that this process serves. If it cannot be served, the process prints the reason and ends. */
export const served = main().catch(fail);
