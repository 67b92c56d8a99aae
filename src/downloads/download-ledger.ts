import { dayMs } from '../config/durations.js';
import { bytesOf, join, readCoverage, writeCoverage } from './coverage.js';

/** How long a counted download can be resumed, in milliseconds. */
export const grantLasts = dayMs;

/** What is known of one member and one version: as it stands in the database. */
export interface LedgerEntry {
  /** Downloads that were counted. */
  readonly spent: number;
  /** When the last of them was: it names the grant, in milliseconds since 1970. */
  readonly openedAt: number;
  /** Bytes that were sent, or are to be, under that grant. */
  readonly grantedBytes: number;
  /** Which bytes were sent, ever; see `Coverage`. */
  readonly coverage: string;
  readonly coveredBytes: number;
}

/** An answer that wants to begin: told the grant, or why there is none. */
export interface GrantRequest {
  readonly bytes: number;
  readonly memberLimit: number | null;
  readonly grantedAt: (grant: number) => void;
  readonly refused: (error: unknown) => void;
}

/** An answer that is over: from the first to the last byte that it sent, and how many it did not. */
export interface EndedAnswer {
  readonly grant: number;
  readonly start: number;
  readonly end: number;
  readonly unsent: number;
}

interface Granted {
  readonly asked: GrantRequest;
  readonly grant: number;
  /** Whether it needs a download that this entry counts. */
  readonly spends: boolean;
}

/** What an update of an entry gives. */
interface Outcome {
  readonly after: LedgerEntry;
  readonly isChanged: boolean;
  readonly granted: readonly Granted[];
  /** Those that would be more than the member has. */
  readonly refused: readonly GrantRequest[];
  /** Those to be asked again: at most one download is spent at a time, so that a limit of all can refuse just that. */
  readonly left: readonly GrantRequest[];
}

const nothing: LedgerEntry = { spent: 0, openedAt: 0, grantedBytes: 0, coverage: '', coveredBytes: 0 };

/**
 * Puts what has ended and what wants to begin into an account, in that order. Bytes are reserved when an answer begins,
 * so that many at once are not all free, and given back if they were not sent.
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
