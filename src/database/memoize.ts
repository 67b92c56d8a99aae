/**
 * A function that makes one result for each object and returns the same result for the same object. Use it for rows
 * that the reader gives to several callers at once.
 */
export function memoize<From extends object, To>(make: (from: From) => To): (from: From) => To {
  const made = new WeakMap<From, { to: To }>();
  return (from) => {
    const known = made.get(from) ?? { to: make(from) };
    made.set(from, known);
    return known.to;
  };
}
