import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** Increase this when `fold` changes. Stored text is then folded again; see `Refolds`. */
export const foldVersion = 1;

/**
 * The form in which text is stored and searched. Texts that differ only in case, in any alphabet, or in the encoding of
 * their letters get the same form. It uses Unicode's compatible form (NFKC) and full case folding, and drops invisible
 * characters. The two letters i of Turkish become one. To fold folded text again changes nothing.
 */
export const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    // lower case alone would keep ß apart from SS, and upper case alone would keep ẞ apart
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/ς/g, 'σ')
    .replace(/i\u0307+|ı/g, 'i');

/** The most search words in any order. Any words after that must follow in the order in which they were typed. */
const mostWords = 8;

/** LIKE patterns, with `!` as their escape character. A folded text that matches all of them has every word of `q`. */
function patternsOf(q = ''): readonly string[] {
  const words = fold(q).split(/\s+/u).filter(Boolean);
  const parts = words.map((word) => word.replace(/[!%_]/g, '!$&'));
  const rest = parts.slice(mostWords - 1).join('%');
  return [...parts.slice(0, mostWords - 1), ...(rest ? [rest] : [])].map((part) => `%${part}%`);
}

/** The values for `hasWords`. Their number is always the same. */
export const wordsOf = (q?: string): readonly string[] => {
  const patterns = patternsOf(q);
  return [...patterns, ...Array<string>(mostWords - patterns.length).fill('%')];
};

/**
 * The SQL condition that a column of folded text has all words of a search. Its text is always the same, so that the
 * statement can stay prepared.
 *
 * @param first the number of its first value.
 */
export const hasWords = (column: string, first: number): string =>
  Array.from({ length: mostWords }, (_, n) => `${column} LIKE $${first + n} ESCAPE '!'`).join(' AND ');

/** The number of the first value after those of `hasWords`. */
export const afterWords = (first: number): number => first + mostWords;

/** The same condition for a query builder. */
export function withWords<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  column: string,
  q: string | undefined,
): SelectQueryBuilder<Row> {
  for (const [n, pattern] of patternsOf(q).entries())
    query.andWhere(`${column} LIKE :word${n} ESCAPE '!'`, { [`word${n}`]: pattern });
  return query;
}
