import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsISO8601, Matches, Max, Min, ValidateBy, ValidateIf } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { fileName } from '../files/file-name.js';
import { NameField, NoteField } from '../users/account-fields.js';

/** Reads a time. A browser's date field sends no time zone, so that is read as UTC. An empty field gives `none`. */
const instant =
  (none: null | undefined) =>
  ({ value }: { value: unknown }) => {
    if (value === '') return none;
    return typeof value === 'string' && /T\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(value) ? `${value}Z` : value;
  };

const IsInstant = () => {
  const message = 'Please give a date and a time, such as 2027-01-31T08:00Z.';
  return applyDecorators(
    IsISO8601({ strict: true }, { message }),
    Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/, { message }),
  );
};

const mostDownloads = 1_000_000_000;

const LimitField = (description: string) => {
  const message = 'Please give a whole number from 1 on, or nothing for any number.';
  return applyDecorators(
    ApiPropertyOptional({ type: 'integer', nullable: true, minimum: 1, maximum: mostDownloads, description }),
    ValidateIf((_, value) => value !== undefined && value !== null),
    // a form sends a number as text, and an empty field as empty text
    Transform(({ value }) => {
      if (value === '') return null;
      return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : (value as unknown);
    }),
    Max(mostDownloads, { message }),
    Min(1, { message }),
    IsInt({ message }),
  );
};

const FileNameField = () =>
  applyDecorators(
    ValidateBy({
      name: 'isFileName',
      validator: {
        validate: (value) => typeof value !== 'string' || fileName(value) !== undefined,
        defaultMessage: () => 'Please give the file a name that can be seen, such as report.pdf.',
      },
    }),
    NameField('the file a name', 'report.pdf', 255),
  );

/** Changes to a file; a field that is not given stays as it is. */
export class FileChangeInput {
  @IfGiven()
  @FileNameField()
  name?: string;

  @NoteField('What members should know of it; empty for nothing.')
  note?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'From when on members may have it.' })
  @ValidateIf((_, value) => value !== undefined)
  @Transform(instant(undefined))
  @IsInstant()
  availableAt?: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    format: 'date-time',
    description: 'Until when members may have it; null for no end.',
  })
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @Transform(instant(null))
  @IsInstant()
  expiresAt?: string | null;

  @ApiPropertyOptional({
    description: 'true lets only admins see it; false leaves that to its times. They stay as they are.',
  })
  @ValidateIf((_, value) => value !== undefined)
  @IsBoolean({ message: 'hidden is true or false.' })
  hidden?: boolean;

  @LimitField('How many downloads of one version each member has; null for any number.')
  memberLimit?: number | null;

  @LimitField('How many downloads of one version there are for all members together; null for any number.')
  totalLimit?: number | null;

  @ApiPropertyOptional({ description: 'true makes it the file that `/download` serves; false leaves that to another.' })
  @IfGiven()
  @IsBoolean({ message: 'featured is true or false.' })
  featured?: boolean;

  @ApiPropertyOptional({ enum: [false], description: 'false takes back that it was deleted, within 30 days.' })
  @IfGiven()
  @IsIn([false], { message: 'deleted is false, or left out: to delete a file, send DELETE.' })
  deleted?: false;
}

const described = ['note', 'availableAt', 'expiresAt', 'memberLimit', 'totalLimit'] as const;

/**
 * The details of a file, from an admin's form. An empty field clears its value, but an empty start keeps the old one.
 */
export class FileDetailsInput extends PickType(FileChangeInput, described) {
  @FileNameField()
  name!: string;
}
