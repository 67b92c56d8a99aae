import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { KnownPasswordField } from '../users/account-fields.js';

/** What a member gives to prove again who they are: the password, or a code of the second factor. */
export class ProofInput {
  @IfGiven()
  @KnownPasswordField('Please give your password, or a code of your second factor.')
  password?: string;

  @ApiPropertyOptional({ description: 'A code of the second factor, or a recovery code.' })
  @IfGiven()
  @MaxLength(40, { message: 'Please give the six digits that your app shows, or a recovery code.' })
  @IsString({ message: 'Please give the six digits that your app shows, or a recovery code.' })
  code?: string;
}
