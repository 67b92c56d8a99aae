/** An SQL condition: whether the member `$1` has a confirmed authenticator app. */
export const hasAuthenticator =
  'EXISTS (SELECT 1 FROM "authenticators" a WHERE a."userId" = $1 AND a."confirmedAt" IS NOT NULL)';

/** An SQL condition: whether the member `$1` has a passkey. */
export const hasPasskey = 'EXISTS (SELECT 1 FROM "passkeys" p WHERE p."userId" = $1)';

/**
 * The key of the database lock for removing a factor, so that two removals at once cannot both succeed if that would
 * leave no factor. Any number that no other lock uses.
 */
export const lastFactorLock = 4_283_467_383;

/** Shown to a member who tries to remove their only factor while one is required. */
export const lastFactorWords =
  'This site asks you for a second factor, and this is your only one. Set up another before you remove it.';
