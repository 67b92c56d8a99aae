import type { FactorSummary } from '../factors/factors.service.js';
import type { Viewer } from '../http/access.js';

const dateFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** Picks what the overview of an account shows. */
export const presentAccountInWords = (viewer: Viewer, factors: FactorSummary) => ({
  hasVerifiedEmail: viewer.hasVerifiedEmail,
  role: viewer.role === 'admin' ? 'Admin' : 'Member',
  since: { iso: viewer.createdAt.toISOString(), words: dateFormat.format(viewer.createdAt) },
  factors: factorsInWords(factors),
});

/**
 * Such as “An authenticator app and 2 passkeys; 9 recovery codes left”. Gives undefined if there is no second factor.
 */
function factorsInWords({ authenticator, passkeys, recoveryCodesLeft }: FactorSummary): string | undefined {
  const parts = [authenticator && 'an authenticator app', passkeys.length > 0 && counted(passkeys.length, 'passkey')];
  const words = parts.filter(Boolean).join(' and ');
  if (!words) return undefined;
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}; ${counted(recoveryCodesLeft, 'recovery code')} left`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
