import { randomInt } from 'node:crypto';

/** Crockford's base32: no letter in it can be read as another, or as a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** How many codes make a set. */
export const setSize = 10;

/** A new set of codes, such as `7k2hd-q0w9x`: 50 random bits each. */
export const newRecoveryCodes = (): string[] => Array.from({ length: setSize }, () => `${half()}-${half()}`);

const half = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');

/** A set of codes in one line, as the page hands it back for the text file. */
export const recoveryCodeSet = new RegExp(
  `^[${alphabet}]{5}-[${alphabet}]{5}( [${alphabet}]{5}-[${alphabet}]{5}){${setSize - 1}}$`,
);

/**
 * The ten characters that a code is known by, from whatever way somebody types it: in capitals, with spaces, without
 * the dash, with an O for the zero. Undefined where it cannot be a code.
 */
export function recoveryCodeForm(typed: string): string | undefined {
  const plain = typed
    .toLowerCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replace(/o/g, '0')
    .replace(/[il]/g, '1');
  return new RegExp(`^[${alphabet}]{10}$`).test(plain) ? plain : undefined;
}
