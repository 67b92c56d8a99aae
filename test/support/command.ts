import { expect } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { projectFolder, readSettings } from '../../src/config/settings.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
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

/** The same, with something for it to read. */
export const gatehouseReading = (input: string, environment: Environment, command: string, ...more: string[]) =>
  run(process.execPath, [join(projectFolder, 'dist/gatehouse.js'), ...command.split(' ').filter(Boolean), ...more], {
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
