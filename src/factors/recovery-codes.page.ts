import { page, type Page } from '../http/answers.js';

/** Shows a set of recovery codes, once: as the answer to the POST that made it, so that no address leads there again. */
export const recoveryCodesPage = (codes: readonly string[]): Page =>
  page('factors/recovery-codes', { title: 'Your recovery codes', codes, set: codes.join(' ') });
