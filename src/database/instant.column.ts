import { Column } from 'typeorm';

/** Every time is stored as milliseconds since 1970 in UTC. This is exact, and the same on SQLite and PostgreSQL. */
const instant = {
  to: (value: unknown) => (value instanceof Date ? value.getTime() : value),
  from: (value: number | string | null) => (value === null ? null : new Date(Number(value))),
};

/**
 * A column that holds a point in time: a `Date` in the entity, a bigint of milliseconds in the table. Conditions accept
 * dates or milliseconds, in find operators and in a query builder's parameters (see `bindInstantsAsNumbers`).
 */
export const InstantColumn = (options: { nullable?: boolean } = {}) =>
  Column('bigint', { ...options, transformer: instant });

const count = {
  to: (value: unknown) => value,
  from: (value: number | string | null) => (value === null ? null : Number(value)),
};

/** A column that holds a whole number up to 2^53, such as a size in bytes. */
export const CountColumn = (options: { nullable?: boolean } = {}) =>
  Column('bigint', { ...options, transformer: count });
