import type { TestApp } from './app.js';

interface Line {
  readonly level: number;
  readonly msg?: string;
  readonly status?: number;
}

/** What went wrong on the server's own side so far, by its log: errors, and answers of 500 and more. */
export const faultsOf = (site: TestApp): Line[] =>
  site
    .log()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ level, status = 0 }) => level >= 50 || status >= 500);
