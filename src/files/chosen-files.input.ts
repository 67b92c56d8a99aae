import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsUUID } from 'class-validator';

/** Files that were chosen from a list, each by its id. */
export class ChosenFilesInput {
  // a form sends one box that is ticked as a text, and none as nothing
  @Transform(({ value }) => (Array.isArray(value) ? value : value === undefined ? [] : [value]) as unknown)
  @IsUUID(undefined, { each: true, message: 'Please choose files of this list.' })
  @ArrayMaxSize(100, { message: 'Please choose at most 100 files.' })
  @ArrayMinSize(1, { message: 'Please choose at least one file.' })
  files!: string[];
}
