import { validate as isUuid } from 'uuid';
import { InvalidInput } from '../http/errors.js';
import { newestId } from '../http/paging.input.js';
import type { Sort } from './shelf.input.js';
import type { StoredFile } from './stored-file.entity.js';

/** A place in a sorted list of files: the value that the list is sorted by, and the id, for files with equal values. */
type ShelfCursor = readonly [key: string | number, id: string];

/** For each order: the column that the list is sorted by, the direction, and the place before the first file. */
export const orders = {
  newest: { column: 'availableAt', direction: 'DESC', start: [Number.MAX_SAFE_INTEGER, newestId] },
  oldest: { column: 'availableAt', direction: 'ASC', start: [-1, ''] },
  name: { column: 'searchName', direction: 'ASC', start: ['', ''] },
  largest: { column: 'size', direction: 'DESC', start: [Number.MAX_SAFE_INTEGER, newestId] },
} as const satisfies Record<Sort, { column: keyof StoredFile; direction: 'ASC' | 'DESC'; start: ShelfCursor }>;

/** The cursor for the place of a file: JSON in base64url. Clients send it back unchanged. */
export function cursorAt(file: StoredFile, sort: Sort): string {
  const key = file[orders[sort].column];
  const place: ShelfCursor = [key instanceof Date ? key.getTime() : key, file.id];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * Reads a cursor. No cursor means the place before the first file.
 *
 * @throws InvalidInput if `cursorAt` did not make the cursor, or if its key is of another type than this order needs.
 */
export function readCursor(cursor: string | undefined, sort: Sort): ShelfCursor {
  const { start } = orders[sort];
  if (cursor === undefined) return start;
  const place = parse(Buffer.from(cursor, 'base64url').toString());
  if (Array.isArray(place) && place.length === 2 && typeof place[1] === 'string' && isUuid(place[1])) {
    const [key, id] = place as [unknown, string];
    const isRight = typeof start[0] === 'number' ? Number.isSafeInteger(key) : typeof key === 'string';
    if (isRight && !String(key).includes('\0')) return [key as string | number, id];
  }
  throw new InvalidInput([{ field: 'cursor', message: 'cursor is the nextCursor of an earlier answer.' }]);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
