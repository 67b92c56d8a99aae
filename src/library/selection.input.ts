import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsIn, IsUUID } from 'class-validator';

const acts = ['show', 'hide', 'delete', 'restore'] as const;

/** Several files, and what shall be done with each of them. */
export class SelectionInput {
  // a form sends one box that is ticked as a text, and none as nothing
  @Transform(({ value }) => (Array.isArray(value) ? value : value === undefined ? [] : [value]) as unknown)
  @IsUUID(undefined, { each: true, message: 'Please choose files of this list.' })
  @ArrayMaxSize(100, { message: 'Please choose at most 100 files.' })
  @ArrayMinSize(1, { message: 'Please choose at least one file.' })
  files!: string[];

  @IsIn(acts, { message: `act is one of ${acts.join(', ')}.` })
  act!: (typeof acts)[number];
}
