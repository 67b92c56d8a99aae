import { secondMs } from '../config/durations.js';
import { actsAsAdmin, type Viewer } from '../http/access.js';

/** Whose reach it is: an admin's who acts as one, or that of everybody else. */
export type Reach = 'admin' | 'member';

export const reachOf = (viewer: Viewer): Reach => (actsAsAdmin(viewer) ? 'admin' : 'member');

/**
 * Who asks, and when. A statement of the files begins with it, so that `$1` and `$2` are the values of `asking`, of
 * known types: the one rule of who may have which file is written in terms of them.
 */
export const me = `"me" AS (SELECT CAST($1 AS varchar(36)) AS "id", CAST($2 AS bigint) AS "now")`;

/** The values of `me`; to the end of this second, so that equal questions of one second are asked once. */
export const asking = (viewer: Viewer): readonly [string, number] => [
  viewer.id,
  Math.ceil((Date.now() + 1) / secondMs) * secondMs,
];

/** Whether the file `f` is there at all for whoever asks: not deleted, and, but for admins, not hidden, out and not over. */
export const isOut: Readonly<Record<Reach, string>> = {
  admin: `f."deletedAt" IS NULL`,
  member: `f."deletedAt" IS NULL AND f."isHidden" = false AND f."availableAt" <= $2 AND (f."expiresAt" IS NULL OR f."expiresAt" > $2)`,
};

/**
 * The rule, for one file `f`: out and for everyone, or for this member by a group, a collection or by name. An admin
 * has every file that is not deleted. A file that is not theirs does not exist for them.
 */
export const mayHave: Readonly<Record<Reach, string>> = {
  admin: isOut.admin,
  member: `${isOut.member} AND (f."isForEveryone" = true OR EXISTS (
    SELECT 1 FROM "file_entitlements" e WHERE e."fileId" = f."id" AND e."memberId" = $1))`,
};

/**
 * Parts of the files that do not overlap, each to be read in its own way: in order, or from what names this member, which
 * SQLite begins with where a join is called CROSS.
 */
const parts: Readonly<Record<Reach, readonly string[]>> = {
  admin: [`"files" f WHERE f."isForEveryone" = true`, `"files" f WHERE f."isForEveryone" = false`],
  member: [
    `"files" f WHERE f."isForEveryone" = true`,
    `(SELECT DISTINCT "fileId" FROM "file_entitlements" WHERE "memberId" = $1) e CROSS JOIN "files" f
      WHERE f."id" = e."fileId" AND f."isForEveryone" = false`,
  ],
};

/**
 * The same rule, for a list in an order: those for everyone by the index of that order, those for this member by what
 * names them. So a page costs the same in a large library as in a small one.
 *
 * @param columns of the file `f`.
 * @param rest what else holds for `f`, the order, and the limit.
 */
export const allThatMayBeHad = (reach: Reach, columns: string, rest: string): string =>
  parts[reach]
    .map((part, n) => `SELECT * FROM (SELECT ${columns} FROM ${part} AND ${isOut[reach]} ${rest}) part${n}`)
    .join('\nUNION ALL\n');
