import type { Type } from '@nestjs/common';
import { getMetadataArgsStorage, type ColumnOptions, type ValueTransformer } from 'typeorm';

/** What a reader gives for a column: numbers may come as text from PostgreSQL, truths as 0 and 1 from SQLite. */
export type Cell = string | number | boolean | null;

interface DeclaredColumn {
  readonly name: string;
  readonly options: ColumnOptions;
}

/** The columns of an entity as its decorators declare them, but for those that are named. */
function columnsOf(entity: Type, ...but: readonly string[]): readonly DeclaredColumn[] {
  return getMetadataArgsStorage()
    .columns.filter(({ target, propertyName }) => target === entity && !but.includes(propertyName))
    .map(({ propertyName: name, options }) => ({ name, options }));
}

/** All columns of an entity in SQL, such as `f."id", f."name"`, but for those that are named. */
export const selectionOf = (entity: Type, table: string, ...but: readonly string[]): string =>
  columnsOf(entity, ...but)
    .map(({ name }) => `${table}."${name}"`)
    .join(', ');

/**
 * Makes the function that reads a row of an entity's table as TypeORM would, from what the entity's columns declare. Columns
 * that the row has not are left out; what the row has beside them stays as it is.
 */
export function rowReader<Entity extends object>(entity: Type<Entity>) {
  const readers = columnsOf(entity).flatMap(({ name, options }) => {
    const read = readerOf(options);
    return read ? [[name, read] as const] : [];
  });
  return <Row extends Readonly<Record<string, Cell>>>(row: Row): Entity & Row => {
    const found: Record<string, unknown> = { ...row };
    for (const [name, read] of readers) if (name in row) found[name] = read(row[name] ?? null);
    return found as Entity & Row;
  };
}

function readerOf({ type, transformer }: ColumnOptions): ((cell: Cell) => unknown) | undefined {
  if (transformer) return (cell) => [transformer].flat().reduce<unknown>(transformed, cell);
  return type === 'boolean' ? Boolean : undefined;
}

const transformed = (value: unknown, transformer: ValueTransformer): unknown => transformer.from(value) as unknown;
