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

/**
 * Chance that can be had again: numbers from 0 up to, not including, 1, drawn from `SEED`, or from a seed of this run. The seed
 * is printed.
 */
export function chance(what: string): () => number {
  let state = Number(process.env.SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`${what}: SEED=${state}\n`);
  // mulberry32, by Tommy Ettinger: public domain
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function tell(note: { small: string } | { skipped: string }): void {
  if (process.env.SUITE_NOTES) appendFileSync(process.env.SUITE_NOTES, `${JSON.stringify(note)}\n`);
}
