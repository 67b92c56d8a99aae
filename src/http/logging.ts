import type { LoggerService } from '@nestjs/common';
import { createRequire } from 'node:module';
import pino, { type Logger, type LoggerOptions } from 'pino';
import type pretty from 'pino-pretty';
import type { Settings } from '../config/settings.js';
import { LogStream } from './log-stream.js';

/** Names of log fields that could hold a secret, at the top level or one level down. */
const secrets = ['password', 'passwordHash', 'token', 'access_token', 'authorization', 'cookie', 'secret'];

/** Logs JSON lines to standard output. If that is a terminal, logs coloured text with one line for each page. */
export function createLogger({ logLevel }: Settings, isTerminal: boolean): Logger {
  const options: LoggerOptions = {
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    serializers: { err: withoutValues },
  };
  const output = LogStream.toStandardOutput((lost, fault) => {
    logger.warn({ lost, fault }, 'The log could not be written for a while.');
  });
  const logger: Logger = pino(options, isTerminal ? forReaders(output) : output);
  return logger;
}

/** Paths that browsers and monitors request by themselves, again and again. */
const unasked = /^\/(?:assets\/|health$|ready$|favicon\.ico$)/;

/** Formats lines for a person at a terminal: one line for a page, none for requests that no person made. */
function forReaders(output: LogStream): { write(line: string): void } {
  // load this only for a terminal, because most starts have none
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof pretty;
  const inWords = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss', singleLine: true });
  return {
    write(line) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      const { level, time, method, path, status, milliseconds } = entry;
      if (entry.msg === 'answered' && unasked.test(String(path)) && Number(status) < 500) return;
      const msg = `${String(method)} ${String(path)} ${String(status)} in ${String(milliseconds)} ms`;
      output.write(inWords(entry.msg === 'answered' ? { level, time, msg } : entry));
    },
  };
}

/** The parts of Nest whose start messages only its developers need. */
const framework = new Set<unknown>([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest's own logger. It writes to the same log as everything else. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) => this.write('info', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);

  /** Nest passes the message first and the logger's context last. */
  private write(
    level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = rest.at(-1);
    // an error that stops the start is also thrown, and main prints it once, in plain words
    if (context === 'ExceptionHandler') return;
    if (level === 'info' && framework.has(context)) level = 'debug';
    const isThing = typeof message === 'object' && message !== null;
    const [text, fields] =
      message instanceof Error ? [message.message, { err: message }] : isThing ? [rest[0], message] : [message, {}];
    this.logger[level]({ ...fields, ...(typeof context === 'string' && { context }) }, String(text));
  }
}

/** An error without the values that a database driver adds to it. They can be emails or hashes. */
function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    message,
    stack,
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause: withoutValues(cause) }),
  };
}
