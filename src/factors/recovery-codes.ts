import { randomInt } from 'node:crypto';

/** Crockford's base32. It has no letters that look like another letter or a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** How many codes a set has. */
export const setSize = 10;

/** A new set of codes, such as `7k2hd-q0w9x`, with 50 random bits each. */
export const newRecoveryCodes = (): string[] => Array.from({ length: setSize }, () => `${half()}-${half()}`);

const half = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');

/** A set of codes on one line, as the page sends it back for the text file. */
export const recoveryCodeSet = new RegExp(
  `^[${alphabet}]{5}-[${alphabet}]{5}( [${alphabet}]{5}-[${alphabet}]{5}){${setSize - 1}}$`,
);

/**
 * The ten characters of a code, however somebody types it: in capitals, with spaces, without the dash, or with an O for
 * a zero. Gives undefined if it cannot be a code.
 */
export function recoveryCodeForm(typed: string): string | undefined {
  const plain = typed
    .toLowerCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replace(/o/g, '0')
    .replace(/[il]/g, '1');
  return new RegExp(`^[${alphabet}]{10}$`).test(plain) ? plain : undefined;
}
