import type { Keys } from '../config/keys.js';

/** Asks a database in SQL. */
type Ask = (sql: string) => Promise<readonly Record<string, unknown>[]>;

const name = 'key';
/** So many sealed things are tried of a database without a mark. */
const tried = 50;

/** What a key leaves in its database, to be known again: a keyed hash of a word, which tells nothing of the key. */
const markOf = (keys: Keys): string => keys.mark('database', name);

/** `marked` by this very key; of `another`; or without a mark, and of any key as far as can be seen. */
export type KeyMatch = 'marked' | 'another' | 'unmarked';

/**
 * Whether a database is of this key: by the mark that is in it or, where an earlier version made it, by what it has sealed.
 *
 * @param hasTable whether the database has a table of that name; of one that is up to date it has all.
 */
export async function matchKey(
  ask: Ask,
  keys: Keys,
  hasTable: (table: string) => boolean = () => true,
): Promise<KeyMatch> {
  const [mark] = hasTable('policies') ? await ask(`SELECT "value" FROM "policies" WHERE "name" = '${name}'`) : [];
  if (mark) return mark.value === markOf(keys) ? 'marked' : 'another';
  const sealed = [
    ...(hasTable('authenticators') ? await ask(`SELECT "secret" AS "text" FROM "authenticators" LIMIT ${tried}`) : []),
    ...(hasTable('outbox') ? await ask(`SELECT "letter" AS "text" FROM "outbox" LIMIT ${tried}`) : []),
  ];
  return sealed.length === 0 || sealed.some(({ text }) => opens(keys, String(text))) ? 'unmarked' : 'another';
}

/** Marks a database as this key's, where it has no mark. */
export const leaveMark = (keys: Keys): readonly [sql: string, values: string[]] => [
  `INSERT INTO "policies" ("name", "value") VALUES ('${name}', $1) ON CONFLICT ("name") DO NOTHING`,
  [markOf(keys)],
];

/** Marks a database as this key's, whatever it was. */
export const replaceMark = (keys: Keys): readonly [sql: string, values: string[]] => [
  `INSERT INTO "policies" ("name", "value") VALUES ('${name}', $1)
   ON CONFLICT ("name") DO UPDATE SET "value" = excluded."value"`,
  [markOf(keys)],
];

/** What is said where a database is of another key, and what to do. */
export const wordsOfOtherKey = ({ place, isNew }: Pick<Keys, 'place' | 'isNew'>): string => {
  const found = isNew
    ? `There is no ${place}, and the database was made with the key that it held`
    : `The database was made with another key than ${place} holds`;
  return `${found}: put back the one of the site or of its backup. If it is lost, go on with another: npm run gatehouse -- key accept, which says what is lost by that.`;
};

function opens(keys: Keys, sealed: string): boolean {
  try {
    keys.unseal(sealed);
    return true;
  } catch {
    return false;
  }
}
