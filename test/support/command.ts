import { expect } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pino from 'pino';
import { DataSource } from 'typeorm';
import { createApp } from '../../src/app.js';
import { runCommand } from '../../src/commands/command-line.js';
import { exitCodeOf } from '../../src/commands/exit-code.js';
import { wordsOfFailure } from '../../src/commands/failure.js';
import type { WithSite } from '../../src/commands/site.js';
import { readSettings } from '../../src/config/settings.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { programOf } from './counted.js';
import { newFolder } from './server.js';

/** What became of a command. */
export interface Ran {
  readonly code: number | null;
  /** What a script would read. */
  readonly output: string;
  /** What is said beside it. */
  readonly remarks: string;
}

/** All that a process knows of the world. */
export type Environment = Record<string, string>;

/** Runs a program to its end, with nothing in its environment but what is given. */
export async function run(
  program: string,
  given: string[],
  { environment, folder, input = '' }: { environment: Environment; folder: string; input?: string },
): Promise<Ran> {
  const child = spawn(program, given, { env: environment, cwd: folder, stdio: 'pipe' });
  let [output, remarks] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (remarks += chunk.toString()));
  // who reads no input may end before it is sent
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, remarks };
}

/** Runs a command of the operator's, such as `members list`; what has spaces in it stands after it. */
export const gatehouse = (environment: Environment, command: string, ...more: string[]): Promise<Ran> =>
  gatehouseReading('', environment, command, ...more);

/**
 * The same command in this very process, where starting one for each would take long: beside the server it is a process
 * of its own all the same. One at a time, since Passport knows the strategies of one application.
 */
export async function gatehouseHere(environment: Environment, command: string, ...more: string[]): Promise<Ran> {
  const said = { output: '', remarks: '' };
  const { stdout, stderr } = process;
  const [toOutput, toRemarks] = [stdout.write.bind(stdout), stderr.write.bind(stderr)];
  stdout.write = (text) => Boolean((said.output += String(text)));
  stderr.write = (text) => Boolean((said.remarks += String(text)));
  try {
    const withSite: WithSite = async (work) => {
      const app = await createApp(readSettings(environment), pino({ level: 'silent' }));
      await work(app).finally(() => app.close());
    };
    await runCommand([...command.split(' '), ...more], { environment, withSite });
    return { code: 0, ...said };
  } catch (error) {
    const code = exitCodeOf(error);
    return { ...said, code, remarks: code === 1 ? `${said.remarks}${wordsOfFailure(error)}\n` : said.remarks };
  } finally {
    stdout.write = toOutput;
    stderr.write = toRemarks;
  }
}

/** The same, with something for it to read. */
export const gatehouseReading = (input: string, environment: Environment, command: string, ...more: string[]) =>
  run(process.execPath, [...programOf('gatehouse'), ...command.split(' ').filter(Boolean), ...more], {
    environment,
    folder: newFolder(),
    input,
  });

/** It was done, and says so; nothing is wrong. */
export function expectDone({ code, output, remarks }: Ran, sentence: string): void {
  expect({ code, output, remarks }).toEqual({ code: 0, output: `${sentence}\n`, remarks: '' });
}

/** It was refused: one sentence for people, and nothing for a script. */
export function expectRefusal({ code, output, remarks }: Ran, sentence: string): void {
  expect({ code, output, remarks }).toEqual({ code: 1, output: '', remarks: `${sentence}\n` });
}

/** Asks the database of a site, beside its processes. */
export async function query<Row>(environment: Environment, sql: string, values: unknown[] = []): Promise<Row[]> {
  const dataSource = await new DataSource(dataSourceOptions(readSettings(environment))).initialize();
  try {
    return await dataSource.query<Row[]>(sql, values);
  } finally {
    await dataSource.destroy();
  }
}
