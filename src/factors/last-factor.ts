/** SQL: whether the member of `$1` has an authenticator app that counts. */
export const hasAuthenticator =
  'EXISTS (SELECT 1 FROM "authenticators" a WHERE a."userId" = $1 AND a."confirmedAt" IS NOT NULL)';

/** SQL: whether the member of `$1` has a passkey. */
export const hasPasskey = 'EXISTS (SELECT 1 FROM "passkeys" p WHERE p."userId" = $1)';

/** Any number that no other lock of ours has: of two factors that are taken away at once, a last one stays. */
export const lastFactorLock = 4_283_467_383;

/** What somebody is told who takes away the only factor, where one is required. */
export const lastFactorWords =
  'This site asks you for a second factor, and this is your only one. Set up another before you remove it.';
