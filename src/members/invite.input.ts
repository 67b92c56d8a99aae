import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { EmailField } from '../users/account-fields.js';
import { oneIn } from '../users/pasted-people.js';

const mostDays = 30;
const howLong = `Please give a number of days from 1 to ${mostDays}.`;

/** The address to invite and the days that the invite lasts, for the page and the API. */
export class InviteInput {
  @ApiPropertyOptional({ description: 'Whom to mail the invite; who registers with this address has shown it theirs.' })
  @IfGiven()
  // a form sends an empty text for a field that is left empty
  @Transform(({ value }) =>
    value === null || (typeof value === 'string' && value.trim() === '')
      ? undefined
      : typeof value === 'string'
        ? oneIn(value)
        : (value as unknown),
  )
  @EmailField()
  email?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: mostDays, default: 7 })
  @Transform(({ value }) => (typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : (value as unknown)))
  @Max(mostDays, { message: howLong })
  @Min(1, { message: howLong })
  @IsInt({ message: howLong })
  days = 7;
}
