import { DataSource } from 'typeorm';
import type { TestApp } from './app.js';

/** Every cell of every table, as text. */
export async function cellsOf({ app }: TestApp): Promise<string[]> {
  const data = app.get(DataSource);
  const tables = await data.query<{ name: string }[]>(
    data.options.type === 'postgres'
      ? `SELECT table_name AS "name" FROM information_schema.tables WHERE table_schema = 'public'`
      : `SELECT "name" FROM sqlite_master WHERE "type" = 'table'`,
  );
  const cells: string[] = [];
  for (const { name } of tables)
    for (const row of await data.query<Record<string, unknown>[]>(`SELECT * FROM "${name}"`))
      cells.push(...Object.values(row).map((value) => (typeof value === 'string' ? value : JSON.stringify(value))));
  return cells;
}
