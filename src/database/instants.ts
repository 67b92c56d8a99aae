import type { DataSource } from 'typeorm';

/**
 * Makes conditions bind each `Date` as milliseconds, the form that is in the table. Without this, TypeORM 0.3 binds a
 * date in a find operator or a query builder's parameter as ISO text. On SQLite every number is less than any text, so
 * `delete({ at: LessThan(date) })` would delete every row.
 */
export function bindInstantsAsNumbers({ driver }: DataSource): void {
  const escape = driver.escapeQueryWithParameters.bind(driver);
  driver.escapeQueryWithParameters = (sql, parameters, native) => escape(sql, inNumbers(parameters), inNumbers(native));
}

/** A value as it is bound: dates become milliseconds since 1970, also inside lists. */
export const bound = (value: unknown): unknown => {
  if (value instanceof Date) return value.getTime();
  return Array.isArray(value) ? value.map(bound) : value;
};

const inNumbers = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bound(value)]));
