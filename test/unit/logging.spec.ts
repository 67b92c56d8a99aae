import { describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { readSettings } from '../../src/config/settings.js';
import { createLogger, NestLogger } from '../../src/http/logging.js';

/** The logger of production, its lines kept here instead of on standard output. */
function keepLines(environment: Record<string, string> = {}) {
  const logger = createLogger(readSettings(environment), false);
  const lines: string[] = [];
  Object.assign(logger, { [pino.symbols.streamSym]: { write: (line: string) => void lines.push(line) } });
  return {
    logger,
    text: () => lines.join(''),
    last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>,
  };
}

describe('a line of the log', () => {
  it('is JSON with a time and a level in words', () => {
    const { logger, last } = keepLines();
    logger.warn({ path: '/' }, 'careful');
    expect(last()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      path: '/',
      msg: 'careful',
    });
  });

  it('is not written where the operator wants fewer', () => {
    const { logger, text } = keepLines({ LOG_LEVEL: 'error' });
    logger.warn('careful');
    expect(text()).toBe('');
  });

  it.each(['password', 'passwordHash', 'token', 'access_token', 'authorization', 'cookie', 'secret'])(
    'hides what stands under the name %s',
    (name) => {
      const { logger, text } = keepLines();
      logger.info({ [name]: 'the canary', headers: { [name]: 'the canary' } }, 'a slip');
      expect(text()).toContain('[redacted]');
      expect(text()).not.toContain('canary');
    },
  );

  it('tells of an error its kind, its place and its causes, without the values that a driver hangs on it', () => {
    const { logger, text, last } = keepLines();
    const cause = Object.assign(new TypeError('below'), { code: 'E_BELOW', parameters: ['canary@example.com'] });
    logger.error(
      {
        err: Object.assign(new Error('above', { cause }), {
          parameters: ['canary@example.com'],
          query: 'INSERT canary',
        }),
      },
      'failed',
    );
    expect(last().err).toEqual({
      type: 'Error',
      message: 'above',
      stack: expect.stringContaining('logging.spec'),
      cause: { type: 'TypeError', message: 'below', code: 'E_BELOW', stack: expect.stringContaining('logging.spec') },
    });
    expect(text()).not.toContain('canary');
    logger.error({ err: 'no error at all' }, 'failed');
    expect(last().err).toBe('no error at all');
  });
});

describe('what the framework says', () => {
  it.each([
    ['log', 'info'],
    ['fatal', 'fatal'],
    ['error', 'error'],
    ['warn', 'warn'],
    ['debug', 'debug'],
    ['verbose', 'trace'],
  ] as const)('by %s stands in the same log at the level %s', (method, level) => {
    const { logger, last } = keepLines({ LOG_LEVEL: 'trace' });
    new NestLogger(logger)[method]('all is well', 'Files');
    expect(last()).toMatchObject({ level, msg: 'all is well', context: 'Files' });
  });

  it('of its own start is for its developers', () => {
    const { logger, text } = keepLines();
    new NestLogger(logger).log('AppModule dependencies initialized', 'InstanceLoader');
    expect(text()).toBe('');
  });

  it('about a thing keeps the thing and the words', () => {
    const { logger, last } = keepLines();
    const nest = new NestLogger(logger);
    nest.warn({ err: new Error('no room') }, 'sessions could not be deleted', 'Sessions');
    expect(last()).toMatchObject({
      level: 'warn',
      msg: 'sessions could not be deleted',
      context: 'Sessions',
      err: { message: 'no room' },
    });
    nest.error(new Error('broken'), 'Nest');
    expect(last()).toMatchObject({ level: 'error', msg: 'broken', context: 'Nest', err: { message: 'broken' } });
    // of a start that failed the process itself says why, once
    nest.error(new Error('twice said'), undefined, 'ExceptionHandler');
    expect(last()).toMatchObject({ msg: 'broken' });
  });
});
