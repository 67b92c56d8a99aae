import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, Matches } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { SearchInput } from '../http/paging.input.js';

const sorts = ['newest', 'oldest', 'name', 'largest'] as const;
export type Sort = (typeof sorts)[number];

/** Which files a member wants to see, and in which order. */
export class ShelfInput extends SearchInput {
  @ApiPropertyOptional({ enum: sorts, default: 'newest', description: 'What comes first.' })
  @IfGiven()
  // a form sends a field that is left empty as an empty text
  @Transform(({ value }) => (value === '' ? undefined : (value as unknown)))
  @IsIn(sorts, { message: `sort is one of ${sorts.join(', ')}.` })
  sort?: Sort;

  /** The place where the page before ended, in this order. See `ShelfCursor`. */
  @ApiPropertyOptional({ description: 'The `nextCursor` of the part before, in the same order.' })
  @IfGiven()
  @Matches(/^[\w-]{1,2000}$/, { message: 'cursor is the nextCursor of an earlier answer.' })
  declare cursor?: string;
}
