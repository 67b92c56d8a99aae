import { isBefore, opaqueTagsOf, readDate, tagsOf, toSeconds, type Preconditions } from '../http/preconditions.js';
import type { ByteRange } from '../store/byte-range.js';

/** The conditional headers and the range of a request (RFC 9110 13 and 14), as the client sent them. */
export interface Conditions extends Preconditions {
  readonly 'if-range'?: string | undefined;
  readonly range?: string | undefined;
}

/**
 * The bytes that can be sent: their strong entity tag with its quotes, their length in bytes, and when they were made.
 */
export interface Representation {
  readonly etag: string;
  readonly size: number;
  readonly lastModified: Date;
}

/** How to answer: with all bytes, with a range of them, or with a status alone. */
export type Answer =
  { readonly status: 200 } | { readonly status: 206; readonly range: ByteRange } | { readonly status: 304 | 412 | 416 };

/**
 * Decides how to answer a GET or HEAD of a representation that exists. It checks the preconditions in the order of RFC
 * 9110 13.2.2, then the range (14.2). If there is more than one range, or one that cannot be read, the answer is the
 * whole.
 */
export function answerTo(method: string, conditions: Conditions, representation: Representation): Answer {
  const precondition = failedPrecondition(conditions, representation);
  if (precondition) return { status: precondition };
  // ranges are defined only for GET (14.2)
  if (method !== 'GET' || conditions.range === undefined || !rangeStillHolds(conditions['if-range'], representation))
    return { status: 200 };
  const range = readRange(conditions.range, representation.size);
  if (range === 'unreadable') return { status: 200 };
  return range === 'outside' ? { status: 416 } : { status: 206, range };
}

function failedPrecondition(conditions: Conditions, { etag, lastModified }: Representation): 304 | 412 | undefined {
  const ifMatch = conditions['if-match'];
  const ifNoneMatch = conditions['if-none-match'];
  if (ifMatch !== undefined) {
    if (!tagsOf(ifMatch).some((tag) => tag === '*' || tag === etag)) return 412;
  } else if (isBefore(conditions['if-unmodified-since'], lastModified)) return 412;

  if (ifNoneMatch !== undefined) {
    if (opaqueTagsOf(ifNoneMatch).some((tag) => tag === '*' || tag === etag)) return 304;
  } else if (isBefore(conditions['if-modified-since'], lastModified) === false) return 304;
  return undefined;
}

/**
 * Checks `If-Range` (13.1.5): the tag by strong comparison, or the date, which must be exactly that of the file. A date
 * tells versions apart only if they are at least a second apart.
 */
function rangeStillHolds(ifRange: string | undefined, { etag, lastModified }: Representation): boolean {
  if (ifRange === undefined) return true;
  if (/^(W\/)?"/.test(ifRange)) return ifRange.trim() === etag;
  return readDate(ifRange) === toSeconds(lastModified);
}

function readRange(header: string, size: number): ByteRange | 'unreadable' | 'outside' {
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header) ?? [];
  if (first === '' && last === '') return 'unreadable';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'outside' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'unreadable';
  if (start >= size) return 'outside';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}
