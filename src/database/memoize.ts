/**
 * A function that makes one thing of each object, and gives it again for the same object: for rows that the reader
 * hands to many at once.
 */
export function memoize<From extends object, To>(make: (from: From) => To): (from: From) => To {
  const made = new WeakMap<From, { to: To }>();
  return (from) => {
    const known = made.get(from) ?? { to: make(from) };
    made.set(from, known);
    return known.to;
  };
}
