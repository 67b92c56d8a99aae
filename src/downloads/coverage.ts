import type { ByteRange } from '../store/byte-range.js';

/** The most ranges that are stored for a version. If there are more, the smallest are dropped and count as not sent. */
const mostPieces = 10_000;

/**
 * Which bytes of a file were sent: sorted ranges that neither overlap nor touch. The database stores them as text, such
 * as `0-99,200-299`.
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

/** How many bytes the ranges hold together. */
export const bytesOf = (coverage: Coverage): number =>
  coverage.reduce((sum, { start, end }) => sum + end - start + 1, 0);

/** Adds ranges that were sent now to those that were sent before. */
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
