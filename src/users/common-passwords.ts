import { readFileSync } from 'node:fs';

const list = readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8');
const common = new Set(list.split('\n').filter((line) => line && !/^#( |$)/.test(line)));

/**
 * Whether a password is on the bundled list of the commonest ones, whatever its case, the width of its letters and the
 * spaces around it (ASVS 5.0 6.2.4).
 */
export const isCommonPassword = (password: string): boolean =>
  common.has(password.normalize('NFKC').trim().toLowerCase());
