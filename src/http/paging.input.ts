import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from './if-given.js';

/** The part of a list that a caller wants. Every list takes the same input. */
export class PagingInput {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50, description: 'How many at most.' })
  @Transform(({ value }) => (typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : (value as unknown)))
  @Max(100, { message: 'limit is at most 100.' })
  @Min(1, { message: 'limit is at least 1.' })
  @IsInt({ message: 'limit is a whole number.' })
  limit = 50;

  @ApiPropertyOptional({ description: 'The `nextCursor` of the part before.' })
  @IfGiven()
  @IsUUID(undefined, { message: 'cursor is the nextCursor of an earlier answer.' })
  cursor?: string;
}

/** A part of a list that can be searched. */
export class SearchInput extends PagingInput {
  @ApiPropertyOptional({ description: 'Words that are looked for, in any order and any case.' })
  @IfGiven()
  // pasted text may have tabs and line breaks between its words
  @Transform(({ value }) => (typeof value === 'string' ? value.replace(/\s+/gu, ' ').trim() : (value as unknown)))
  @MaxLength(200, { message: 'q has at most 200 characters.' })
  @Matches(/^\P{Cc}*$/u, { message: 'q is text on one line.' })
  @IsString({ message: 'q is text.' })
  q?: string;
}

/** A part of a list, and the cursor of the next part, or null if there is none. */
export interface CursorPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Makes a part from rows that were read with a limit of one more than asked for. */
export function cursorPageOf<Item extends { readonly id: string }>(
  found: readonly Item[],
  limit: number,
): CursorPage<Item> {
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/**
 * The form for sorting and comparing names: Unicode NFC, in lower case. It is made here because the databases fold case
 * in different ways.
 */
export const searchForm = (text: string): string => text.normalize('NFC').toLowerCase();

/** Greater than every id. A list that starts with the newest id begins here. */
export const newestId = 'g';

const { limit: usual } = new PagingInput();

/** The address of the next part of a list on a page, or undefined if there is none. */
export function hrefOfNext(
  path: string,
  { limit, cursor: _cursor, ...rest }: PagingInput & Record<string, unknown>,
  nextCursor: string | null,
): string | undefined {
  if (nextCursor === null) return undefined;
  const query = new URLSearchParams({ cursor: nextCursor, ...(limit !== usual && { limit: String(limit) }) });
  for (const [name, value] of Object.entries(rest)) if (typeof value === 'string' && value) query.set(name, value);
  return `${path}?${query.toString()}`;
}
