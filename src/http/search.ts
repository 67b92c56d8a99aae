import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** Counts up where `fold` changes: what is stored is folded anew then; see `Refolds`. */
export const foldVersion = 1;

/**
 * The form in which text is searched for, and stored to be found: two texts that differ in case, in any alphabet, or in
 * how their letters are encoded are the same then. Unicode's compatible form (NFKC) and full case folding, without what
 * nobody sees; the two i of Turkish are one. To be given what it has given changes nothing.
 */
export const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    // small letters alone would keep ß from SS, and large ones alone ẞ
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/ς/g, 'σ')
    .replace(/i\u0307+|ı/g, 'i');

/** The most words that are looked for in any order; what is beyond them must follow in the order it was typed in. */
const mostWords = 8;

/** The LIKE patterns, with `!` as their escape character, that a folded text must all fit to have each word of `q`. */
function patternsOf(q = ''): readonly string[] {
  const words = fold(q).split(/\s+/u).filter(Boolean);
  const parts = words.map((word) => word.replace(/[!%_]/g, '!$&'));
  const rest = parts.slice(mostWords - 1).join('%');
  return [...parts.slice(0, mostWords - 1), ...(rest ? [rest] : [])].map((part) => `%${part}%`);
}

/** The values of `hasWords`: always as many. */
export const wordsOf = (q?: string): readonly string[] => {
  const patterns = patternsOf(q);
  return [...patterns, ...Array<string>(mostWords - patterns.length).fill('%')];
};

/** The condition, in a statement of fixed text, that a column of folded text has all words of a search. */
export const hasWords = (column: string, first: number): string =>
  Array.from({ length: mostWords }, (_, n) => `${column} LIKE $${first + n} ESCAPE '!'`).join(' AND ');

/** The number of the value that comes after those of `hasWords`. */
export const afterWords = (first: number): number => first + mostWords;

/** The same condition, for a query builder. */
export function withWords<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  column: string,
  q: string | undefined,
): SelectQueryBuilder<Row> {
  for (const [n, pattern] of patternsOf(q).entries())
    query.andWhere(`${column} LIKE :word${n} ESCAPE '!'`, { [`word${n}`]: pattern });
  return query;
}
