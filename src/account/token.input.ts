import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { scopes, type Scope } from '../http/access.js';
import { NameField } from '../users/account-fields.js';

const most = 365;

/** The details of a new personal token. */
export class NewTokenInput {
  @NameField('the token a name', 'nightly backup')
  name!: string;

  @ApiProperty({ enum: scopes, description: '`admin` only where you are one.' })
  @IsIn(scopes, { message: 'Please choose what the token may do.' })
  scope!: Scope;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: most, default: 90, description: 'How long it lasts.' })
  @Transform(({ value }) => (typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : (value as unknown)))
  @Max(most, { message: `A token lasts at most ${most} days.` })
  @Min(1, { message: 'A token lasts at least one day.' })
  @IsInt({ message: 'Please give a whole number of days.' })
  days = 90;
}
