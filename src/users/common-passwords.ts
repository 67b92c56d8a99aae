import { readFileSync } from 'node:fs';

const list = readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8');
const common = new Set(list.split('\n').filter((line) => line && !/^#( |$)/.test(line)));

/**
 * Whether a password is on the bundled list of the most common ones. Ignores upper and lower case, the width of
 * letters, spaces around the password, and signs around or inside it, as in `P@ssw0rd!` and `Admin@123` (ASVS 5.0
 * 6.2.4).
 */
export function isCommonPassword(password: string): boolean {
  const plain = password.normalize('NFKC').trim().toLowerCase();
  const spellings = [
    plain,
    plain.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ''),
    plain.replace(/[^\p{L}\p{N}]/gu, ''),
  ];
  return spellings.some((one) => common.has(one));
}
