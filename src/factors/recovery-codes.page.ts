import { page, type Page } from '../http/answers.js';

/**
 * Shows a set of recovery codes once. The page is the answer to the POST that made them, so that no address shows them
 * again.
 */
export const recoveryCodesPage = (codes: readonly string[]): Page =>
  page('factors/recovery-codes', { title: 'Your recovery codes', codes, set: codes.join(' ') });
