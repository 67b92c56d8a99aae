import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { SearchInput } from '../http/paging.input.js';

const states = ['there', 'deleted'] as const;

/** Which files an admin wants to see. */
export class LibraryInput extends SearchInput {
  @ApiPropertyOptional({
    enum: states,
    default: 'there',
    description: 'Those on the shelf, or those that were deleted.',
  })
  @IfGiven()
  // a form sends an empty field as empty text
  @Transform(({ value }) => (value === '' ? undefined : (value as unknown)))
  @IsIn(states, { message: `state is one of ${states.join(', ')}.` })
  state?: (typeof states)[number];
}
