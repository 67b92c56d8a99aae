import { secondMs } from '../config/durations.js';
import { actsAsAdmin, type Viewer } from '../http/access.js';

/** Which files a viewer can reach: those of an admin who acts as an admin, or those of any other member. */
export type Reach = 'admin' | 'member';

export const reachOf = (viewer: Viewer): Reach => (actsAsAdmin(viewer) ? 'admin' : 'member');

/**
 * The member who asks, and the time. A statement that reads files begins with this, so that `$1` and `$2` are the
 * values of `asking` and have known types. The rule of who may have which file uses them.
 */
export const me = `"me" AS (SELECT CAST($1 AS varchar(36)) AS "id", CAST($2 AS bigint) AS "now")`;

/** The values of `me`. The time is the end of this second, so that equal queries of one second can share one answer. */
export const asking = (viewer: Viewer): readonly [string, number] => [
  viewer.id,
  Math.ceil((Date.now() + 1) / secondMs) * secondMs,
];

/**
 * Whether the file `f` is available at all. For an admin: it is not deleted. For a member: it is also not hidden, its
 * start has come, and its end has not.
 */
export const isOut: Readonly<Record<Reach, string>> = {
  admin: `f."deletedAt" IS NULL`,
  member: `f."deletedAt" IS NULL AND f."isHidden" = false AND f."availableAt" <= $2 AND (f."expiresAt" IS NULL OR f."expiresAt" > $2)`,
};

/**
 * The rule of who may have the file `f`. A member may have it if it is available, and it is either for everyone or
 * shared with this member: by name, by a group or by a collection. An admin may have every file that is not deleted.
 * A file that a member may not have does not exist for them.
 */
export const mayHave: Readonly<Record<Reach, string>> = {
  admin: isOut.admin,
  member: `${isOut.member} AND (f."isForEveryone" = true OR EXISTS (
    SELECT 1 FROM "file_entitlements" e WHERE e."fileId" = f."id" AND e."memberId" = $1))`,
};

/**
 * Parts of the files that do not overlap. Each is read in its own way: in order, or starting from the entitlements of
 * this member. SQLite starts from the left side of a join if the join is a CROSS JOIN.
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
 * The same rule, for a sorted list. Files for everyone are read by the index of the order, and files for this member by
 * their entitlements. So a page costs the same in a large library as in a small one.
 *
 * @param columns the columns of the file `f` to select.
 * @param rest further SQL: conditions on `f` that begin with AND, the order, and the limit.
 */
export const allThatMayBeHad = (reach: Reach, columns: string, rest: string): string =>
  parts[reach]
    .map((part, n) => `SELECT * FROM (SELECT ${columns} FROM ${part} AND ${isOut[reach]} ${rest}) part${n}`)
    .join('\nUNION ALL\n');
