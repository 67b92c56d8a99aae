import { IsIn } from 'class-validator';
import { ChosenFilesInput } from '../files/chosen-files.input.js';

const acts = ['show', 'hide', 'delete', 'restore'] as const;

/** Several files, and the action to do with each of them. */
export class SelectionInput extends ChosenFilesInput {
  @IsIn(acts, { message: `act is one of ${acts.join(', ')}.` })
  act!: (typeof acts)[number];
}
