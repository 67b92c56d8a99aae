import { validate as isUuid } from 'uuid';
import { InvalidInput } from '../http/errors.js';
import { newestId } from '../http/paging.input.js';
import type { Sort } from './shelf.input.js';
import type { StoredFile } from './stored-file.entity.js';

/** Where in the shelf a part of it ends: what it is sorted by, and the id, which tells equal ones apart. */
type ShelfCursor = readonly [key: string | number, id: string];

/** What the shelf is sorted by: the column, which way, and the place before everything. */
export const orders = {
  newest: { column: 'availableAt', direction: 'DESC', start: [Number.MAX_SAFE_INTEGER, newestId] },
  oldest: { column: 'availableAt', direction: 'ASC', start: [-1, ''] },
  name: { column: 'searchName', direction: 'ASC', start: ['', ''] },
  largest: { column: 'size', direction: 'DESC', start: [Number.MAX_SAFE_INTEGER, newestId] },
} as const satisfies Record<Sort, { column: keyof StoredFile; direction: 'ASC' | 'DESC'; start: ShelfCursor }>;

/** The cursor that stands for a file's place; text that nobody needs to read. */
export function cursorAt(file: StoredFile, sort: Sort): string {
  const key = file[orders[sort].column];
  const place: ShelfCursor = [key instanceof Date ? key.getTime() : key, file.id];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @throws InvalidInput if a cursor is none of ours, or one of another order. */
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
