import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from './if-given.js';

/** Which part of a list a caller wants; every list takes the same. */
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
  // what is pasted may have tabs and line breaks between its words
  @Transform(({ value }) => (typeof value === 'string' ? value.replace(/\s+/gu, ' ').trim() : (value as unknown)))
  @MaxLength(200, { message: 'q has at most 200 characters.' })
  @Matches(/^\P{Cc}*$/u, { message: 'q is text on one line.' })
  @IsString({ message: 'q is text.' })
  q?: string;
}

/** A part of a list, and the cursor of the part after it, if there is one. */
export interface CursorPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Cuts what was read, one more than asked for, to a part. */
export function cursorPageOf<Item extends { readonly id: string }>(
  found: readonly Item[],
  limit: number,
): CursorPage<Item> {
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** The form in which names are ordered and told apart: composed, and in lower case, since the databases differ in what they fold. */
export const searchForm = (text: string): string => text.normalize('NFC').toLowerCase();

/** Greater than every id: where a list begins that is read from the newest id on. */
export const newestId = 'g';

const { limit: usual } = new PagingInput();

/** The address of the next part of a list on a page, or undefined where there is none. */
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
