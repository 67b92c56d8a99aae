import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsUUID } from 'class-validator';

/** The ids of the files that were chosen in a list. */
export class ChosenFilesInput {
  // a form sends a single ticked box as a text, and no field at all if no box is ticked
  @Transform(({ value }) => (Array.isArray(value) ? value : value === undefined ? [] : [value]) as unknown)
  @IsUUID(undefined, { each: true, message: 'Please choose files of this list.' })
  @ArrayMaxSize(100, { message: 'Please choose at most 100 files.' })
  @ArrayMinSize(1, { message: 'Please choose at least one file.' })
  files!: string[];
}
