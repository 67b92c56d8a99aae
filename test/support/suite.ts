import { appendFileSync } from 'node:fs';

/** `npm run test:all` does whole what `npm test` does small. */
const isWhole = process.env.SUITE === 'whole';

/**
 * How much of something heavy this run does: `whole` in `npm run test:all`, `small` else. What was done small is told at
 * the end of the run.
 *
 * @param what says both, such as `30 kills, 3 of them`.
 */
export function sized<Size>(what: string, small: Size, whole: Size): Size {
  if (isWhole) return whole;
  tell({ small: what });
  return small;
}

/** Tells at the end of the run what is not tried on this machine, and why. */
export function tellSkipped(what: string, why: string): void {
  tell({ skipped: `${what}: ${why}` });
}

function tell(note: { small: string } | { skipped: string }): void {
  if (process.env.SUITE_NOTES) appendFileSync(process.env.SUITE_NOTES, `${JSON.stringify(note)}\n`);
}
