import type { DataSource } from 'typeorm';

/**
 * Binds every `Date` of a condition as the milliseconds that stand in the table. By itself TypeORM 0.3 binds a date in a
 * find operator or a query builder's parameter as ISO text: on SQLite every number is less than any text, so
 * `delete({ at: LessThan(date) })` would take every row.
 */
export function bindInstantsAsNumbers({ driver }: DataSource): void {
  const escape = driver.escapeQueryWithParameters.bind(driver);
  driver.escapeQueryWithParameters = (sql, parameters, native) => escape(sql, inNumbers(parameters), inNumbers(native));
}

/** Values as they are bound: dates as milliseconds since 1970, also inside lists. */
export const bound = (value: unknown): unknown => {
  if (value instanceof Date) return value.getTime();
  return Array.isArray(value) ? value.map(bound) : value;
};

const inNumbers = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bound(value)]));
