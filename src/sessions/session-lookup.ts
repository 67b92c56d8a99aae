import type { Role, Scope, SessionKind } from '../http/access.js';

/** The most sessions that one statement looks up. Any more go into the next statement. */
export const largestLookup = 32;

/** A session with its member, as one lookup reads them. PostgreSQL gives numbers as text. */
export interface SessionRow {
  readonly id: string;
  readonly tokenId: string;
  readonly kind: SessionKind;
  readonly scope: Scope | null;
  readonly isRemembered: boolean | number;
  readonly lastSeenAt: number | string;
  readonly provenAt: number | string | null;
  readonly expiresAt: number | string;
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: number | string;
  readonly emailVerifiedAt: number | string | null;
  readonly hasFactor: boolean | number;
}

/** The column that a session is looked up by: a request knows its token, a running download knows its session. */
export type SessionKey = 'id' | 'tokenId';

/** An SQL condition: whether the member `u` has a second factor. */
export const hasFactor = `
  EXISTS (SELECT 1 FROM "authenticators" a WHERE a."userId" = u."id" AND a."confirmedAt" IS NOT NULL)
  OR EXISTS (SELECT 1 FROM "passkeys" p WHERE p."userId" = u."id")`;

const lookupOf = (key: SessionKey, size: number) => ({
  size,
  sql: `
    SELECT s."id", s."tokenId", s."kind", s."scope", s."isRemembered", s."lastSeenAt", s."provenAt", s."expiresAt",
      u."id" AS "userId", u."name", u."email", u."role", u."createdAt", u."emailVerifiedAt",
      ${hasFactor} AS "hasFactor"
    FROM "sessions" s JOIN "users" u ON u."id" = s."userId"
    WHERE u."disabledAt" IS NULL AND u."awaitingSince" IS NULL
      AND s."${key}" IN (${Array.from({ length: size }, (_, index) => `$${index + 1}`).join(', ')})`,
});

/** One statement for each of a few sizes, so that each is prepared only once. */
const lookupsBy = (key: SessionKey) => [1, 2, 4, 8, 16, largestLookup].map((size) => lookupOf(key, size));
const lookups = { id: lookupsBy('id'), tokenId: lookupsBy('tokenId') };

/**
 * The smallest statement that looks up this many sessions, or the largest one if there are more than `largestLookup`.
 */
export const lookupFor = (key: SessionKey, count: number) =>
  lookups[key].find(({ size }) => size >= count) ?? lookupOf(key, largestLookup);
