import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MigrationInterface } from 'typeorm';

type Migration = new () => MigrationInterface;

/**
 * Every migration, in order. Each is a class in a `*.migration.ts` file in any folder of `src`. The name of the class
 * ends with a time in milliseconds, and migrations run in the order of these times. They run at every start, on both
 * databases, if they have not run before. A migration cannot be undone.
 */
export const migrations: Migration[] = await found(join(import.meta.dirname, '..'));

async function found(folder: string): Promise<Migration[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.migration.js'),
  );
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, file)).href)));
  const classes = modules.flatMap((module) => Object.values(module as Record<string, Migration>));
  return classes.toSorted((one, other) => orderOf(one) - orderOf(other));
}

function orderOf({ name }: Migration): number {
  return Number(/\d{13}$/.exec(name)?.[0]);
}
