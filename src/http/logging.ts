import type { LoggerService } from '@nestjs/common';
import { createRequire } from 'node:module';
import pino, { type Logger, type LoggerOptions } from 'pino';
import type pretty from 'pino-pretty';
import type { Settings } from '../config/settings.js';
import { LogStream } from './log-stream.js';

/** Names under which a secret could stand in a log line, at the top or one level down. */
const secrets = ['password', 'passwordHash', 'token', 'access_token', 'authorization', 'cookie', 'secret'];

/** JSON lines on standard output; words and colours where that is a terminal, and there one line a page. */
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

/** What browsers and monitors ask for by themselves, over and over. */
const unasked = /^\/(?:assets\/|health$|ready$|favicon\.ico$)/;

/** Writes for somebody who watches: one line for a page, none for what no person asked for. */
function forReaders(output: LogStream): { write(line: string): void } {
  // most starts write for no terminal, and do not load it
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

/** What Nest says of its own start, which helps nobody but its developers. */
const framework = new Set<unknown>([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest's own logger, on the same lines as everything else. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log = (message: unknown, ...rest: unknown[]) => this.write('info', message, rest);
  fatal = (message: unknown, ...rest: unknown[]) => this.write('fatal', message, rest);
  error = (message: unknown, ...rest: unknown[]) => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]) => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]) => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]) => this.write('trace', message, rest);

  /** Nest puts what the message is about first and the logger's context last. */
  private write(
    level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = rest.at(-1);
    // what stops the start is thrown, too: main says it, once and in words
    if (context === 'ExceptionHandler') return;
    if (level === 'info' && framework.has(context)) level = 'debug';
    const isThing = typeof message === 'object' && message !== null;
    const [text, fields] =
      message instanceof Error ? [message.message, { err: message }] : isThing ? [rest[0], message] : [message, {}];
    this.logger[level]({ ...fields, ...(typeof context === 'string' && { context }) }, String(text));
  }
}

/** An error without the values that a database driver hangs on it: they can be emails or hashes. */
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
