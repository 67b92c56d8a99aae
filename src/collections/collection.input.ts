import { ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { ShelfInput } from '../files/shelf.input.js';
import { NameField, NoteField } from '../users/account-fields.js';

const noteDescription = 'What members should know of it; empty for nothing.';

/** The name and the note of a new collection. */
export class CollectionInput {
  @NameField('the collection a name', 'Annual meeting 2027')
  name!: string;

  @NoteField(noteDescription)
  note?: string;
}

/** Changes to a collection; a field that is not given stays as it is. */
export class CollectionChangeInput {
  @IfGiven()
  @NameField('the collection a name', 'Annual meeting 2027')
  name?: string;

  @NoteField(noteDescription)
  note?: string;

  @ApiPropertyOptional({ description: 'Whether every member may have it, and so each file in it.' })
  @IfGiven()
  @IsBoolean({ message: 'isForEveryone is true or false.' })
  isForEveryone?: boolean;
}

/** Which page of a collection's files to show. They are always sorted by name. */
export class CollectionFilesInput extends OmitType(ShelfInput, ['sort']) {}
