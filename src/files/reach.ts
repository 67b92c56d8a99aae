import { actsAsAdmin, type Viewer } from '../http/access.js';

/**
 * Who asks, and when. A statement of the files begins with it, and its first three values are those of `asking`:
 * the one rule of who may have which file is written in terms of it.
 */
export const me = `"me" AS (
  SELECT CAST($1 AS varchar(36)) AS "id", CAST($2 AS integer) AS "isAdmin", CAST($3 AS bigint) AS "now"
)`;

/** The values of `me`; to the end of this second, so that equal questions of one second are asked once. */
export const asking = (viewer: Viewer): readonly [string, number, number] => [
  viewer.id,
  actsAsAdmin(viewer) ? 1 : 0,
  Math.ceil((Date.now() + 1) / 1_000) * 1_000,
];

const isAdmin = `(SELECT "isAdmin" FROM "me") = 1`;

/** Whether the file `f` is there at all for whoever asks: not deleted, and, but for admins, out and not over. */
const isOut = `f."deletedAt" IS NULL AND (${isAdmin} OR (
  f."availableAt" <= (SELECT "now" FROM "me") AND (f."expiresAt" IS NULL OR f."expiresAt" > (SELECT "now" FROM "me"))))`;

/**
 * The rule, for one file `f`: out and for everyone, or for this member by a group, a collection or by name. An admin
 * has every file that is not deleted. A file that is not theirs does not exist for them.
 */
export const mayHave = `${isOut} AND (f."isForEveryone" = true OR ${isAdmin} OR EXISTS (
  SELECT 1 FROM "file_entitlements" e WHERE e."fileId" = f."id" AND e."memberId" = (SELECT "id" FROM "me")))`;

/**
 * The same rule, for a list in an order: those for everyone by the index of that order, those for this member by what
 * names them. So a page costs the same in a large library as in a small one.
 *
 * @param columns of the file `f`.
 * @param rest what else holds for `f`, the order, and the limit.
 */
export const allThatMayBeHad = (columns: string, rest: string): string =>
  [
    `f."isForEveryone" = true`,
    `f."isForEveryone" = false AND ${isAdmin}`,
    `f."isForEveryone" = false AND NOT ${isAdmin} AND f."id" IN (
      SELECT e."fileId" FROM "file_entitlements" e WHERE e."memberId" = (SELECT "id" FROM "me"))`,
  ]
    .map((part, n) => `SELECT * FROM (SELECT ${columns} FROM "files" f WHERE ${part} AND ${isOut} ${rest}) part${n}`)
    .join('\nUNION ALL\n');
