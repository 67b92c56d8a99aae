import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MigrationInterface } from 'typeorm';

type Migration = new () => MigrationInterface;

/**
 * Every migration, in order: each is a class in a file `*.migration.ts` of any room, whose name ends with the milliseconds by
 * which it stands in the order. They run by themselves at start, on both databases, and only go forward.
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
