import type { ByteRange } from '../store/byte-range.js';

/** More pieces than this are not told apart: the smallest are forgotten, as if they had not been sent. */
const mostPieces = 10_000;

/**
 * Which bytes of a file were sent: ranges in order that neither overlap nor touch. As text, such as `0-99,200-299`, it
 * stands in the database.
 */
export type Coverage = readonly ByteRange[];

export function readCoverage(text: string): Coverage {
  if (text === '') return [];
  return text.split(',').map((piece) => {
    const [start = 0, end = 0] = piece.split('-').map(Number);
    return { start, end };
  });
}

export const writeCoverage = (coverage: Coverage): string =>
  coverage.map(({ start, end }) => `${start}-${end}`).join(',');

/** How many bytes those are. */
export const bytesOf = (coverage: Coverage): number =>
  coverage.reduce((sum, { start, end }) => sum + end - start + 1, 0);

/** What was sent before and what was sent now, together. */
export function join(coverage: Coverage, sent: Coverage): Coverage {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...coverage, ...sent].sort((one, other) => one.start - other.start)) {
    const last = joined.at(-1);
    if (last && start <= last.end + 1) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined.length > mostPieces ? withoutSmallest(joined) : joined;
}

function withoutSmallest(coverage: Coverage): Coverage {
  const length = ({ start, end }: ByteRange) => end - start;
  const kept = new Set([...coverage].sort((one, other) => length(other) - length(one)).slice(0, mostPieces));
  return coverage.filter((piece) => kept.has(piece));
}
