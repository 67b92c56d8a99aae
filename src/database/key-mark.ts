import type { Keys } from '../config/keys.js';

/** Runs SQL on a database and returns the rows. */
type Ask = (sql: string) => Promise<readonly Record<string, unknown>[]>;

const name = 'key';
/** How many sealed texts of each table are tried if a database has no mark. */
const tried = 50;

/** The mark that a key leaves in its database: a keyed hash of a fixed word. It tells nothing about the key. */
const markOf = (keys: Keys): string => keys.mark('database', name);

/**
 * `marked` if this key left its mark; `another` if the database belongs to another key; `unmarked` if there is no mark
 * and nothing that shows another key.
 */
export type KeyMatch = 'marked' | 'another' | 'unmarked';

/**
 * Whether a database belongs to this key. It compares the mark in the database. If an earlier version made the
 * database, it has no mark, and this tries to open the sealed texts in it.
 *
 * @param hasTable whether the database has a table of that name. A database that is up to date has all tables.
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

/** The statement that marks a database as this key's if it has no mark. */
export const leaveMark = (keys: Keys): readonly [sql: string, values: string[]] => [
  `INSERT INTO "policies" ("name", "value") VALUES ('${name}', $1) ON CONFLICT ("name") DO NOTHING`,
  [markOf(keys)],
];

/** The statement that marks a database as this key's and replaces any other mark. */
export const replaceMark = (keys: Keys): readonly [sql: string, values: string[]] => [
  `INSERT INTO "policies" ("name", "value") VALUES ('${name}', $1)
   ON CONFLICT ("name") DO UPDATE SET "value" = excluded."value"`,
  [markOf(keys)],
];

/** The message for an operator about a database that belongs to another key, with what to do next. */
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
