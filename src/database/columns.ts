import type { Type } from '@nestjs/common';
import { getMetadataArgsStorage, type ColumnOptions, type ValueTransformer } from 'typeorm';

/**
 * A value of a column as a reader returns it. PostgreSQL may give numbers as text, and SQLite gives booleans as 0 and
 * 1.
 */
export type Cell = string | number | boolean | null;

interface DeclaredColumn {
  readonly name: string;
  readonly options: ColumnOptions;
}

/** The columns that an entity declares with its decorators, without those in `but`. */
function columnsOf(entity: Type, ...but: readonly string[]): readonly DeclaredColumn[] {
  return getMetadataArgsStorage()
    .columns.filter(({ target, propertyName }) => target === entity && !but.includes(propertyName))
    .map(({ propertyName: name, options }) => ({ name, options }));
}

/** All columns of an entity in SQL, such as `f."id", f."name"`, without those in `but`. */
export const selectionOf = (entity: Type, table: string, ...but: readonly string[]): string =>
  columnsOf(entity, ...but)
    .map(({ name }) => `${table}."${name}"`)
    .join(', ');

/**
 * Makes the function that reads a row of an entity's table as TypeORM would, from the columns that the entity declares.
 * It skips columns that the row does not have. It leaves extra columns of the row as they are.
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
