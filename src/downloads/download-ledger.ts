import { dayMs } from '../config/durations.js';
import { bytesOf, join, readCoverage, writeCoverage } from './coverage.js';

/** How long a counted download can be resumed, in milliseconds. */
export const grantLasts = dayMs;

/** One row of `downloads`: what one member has downloaded of one version. */
export interface LedgerEntry {
  /** Downloads that were counted. */
  readonly spent: number;
  /** When the last download was counted, in milliseconds since 1970. It identifies the grant that is open. */
  readonly openedAt: number;
  /** How many bytes are sent, or reserved to be sent, under that grant. */
  readonly grantedBytes: number;
  /** Which bytes were ever sent; see `coverage.ts`. */
  readonly coverage: string;
  readonly coveredBytes: number;
}

/** An answer that is about to begin. It is told its grant, or why it gets none. */
export interface GrantRequest {
  readonly bytes: number;
  readonly memberLimit: number | null;
  readonly grantedAt: (grant: number) => void;
  readonly refused: (error: unknown) => void;
}

/** An answer that is over: the first and the last byte that it sent, and how many bytes it did not send. */
export interface EndedAnswer {
  readonly grant: number;
  readonly start: number;
  readonly end: number;
  readonly unsent: number;
}

interface Granted {
  readonly asked: GrantRequest;
  readonly grant: number;
  /** Whether a download is counted for it. */
  readonly spends: boolean;
}

/** The result of `updateEntry`. */
interface Outcome {
  readonly after: LedgerEntry;
  readonly isChanged: boolean;
  readonly granted: readonly Granted[];
  /** Requests beyond the member's limit. */
  readonly refused: readonly GrantRequest[];
  /**
   * Requests for the next update. One update counts at most one download, so that a limit for all members can refuse
   * it.
   */
  readonly left: readonly GrantRequest[];
}

const nothing: LedgerEntry = { spent: 0, openedAt: 0, grantedBytes: 0, coverage: '', coveredBytes: 0 };

/**
 * Adds to an entry the answers that have ended, then those that are about to begin. The bytes of an answer are reserved
 * when it begins, so that many answers at once are not all free; those that were not sent are given back when it ends.
 *
 * @param size of the version, in bytes.
 * @param now in milliseconds since 1970.
 */
export function updateEntry(
  before: LedgerEntry | undefined,
  size: number,
  asked: readonly GrantRequest[],
  ended: readonly EndedAnswer[],
  now: number,
): Outcome {
  let { spent, openedAt, grantedBytes } = before ?? nothing;
  for (const { grant, unsent } of ended) if (grant === openedAt) grantedBytes -= unsent;
  const covered = cover(before ?? nothing, ended);

  const granted: Granted[] = [];
  const refused: GrantRequest[] = [];
  let left: readonly GrantRequest[] = [];
  let spends = false;
  for (const [index, one] of asked.entries()) {
    const isOpen = openedAt > now - grantLasts && grantedBytes < 2 * Math.max(size, 1);
    if (!isOpen && one.memberLimit !== null && spent >= one.memberLimit) {
      refused.push(one);
      continue;
    }
    if (!isOpen && spends) {
      left = asked.slice(index);
      break;
    }
    if (!isOpen) {
      spends = true;
      spent += 1;
      openedAt = now;
      grantedBytes = 0;
    }
    grantedBytes += one.bytes;
    granted.push({ asked: one, grant: openedAt, spends });
  }
  const after = { spent, openedAt, grantedBytes, ...covered };
  const isChanged = (Object.keys(after) as (keyof LedgerEntry)[]).some(
    (name) => after[name] !== (before ?? nothing)[name],
  );
  return { after, isChanged, granted, refused, left };
}

function cover(
  { coverage, coveredBytes }: LedgerEntry,
  ended: readonly EndedAnswer[],
): Pick<LedgerEntry, 'coverage' | 'coveredBytes'> {
  const sent = ended.filter(({ start, end }) => end >= start);
  if (sent.length === 0) return { coverage, coveredBytes };
  const joined = join(readCoverage(coverage), sent);
  return { coverage: writeCoverage(joined), coveredBytes: bytesOf(joined) };
}
