import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { KnownPasswordField } from '../users/account-fields.js';

/** What a member gives to prove again who they are: the password, or a code of the second factor. */
export class ProofInput {
  @IsOptional()
  @KnownPasswordField('Please give your password, or a code of your second factor.')
  password?: string;

  @ApiPropertyOptional({ description: 'A code of the second factor, or a recovery code.' })
  @IsOptional()
  @MaxLength(40, { message: 'Please give the six digits that your app shows, or a recovery code.' })
  @IsString({ message: 'Please give the six digits that your app shows, or a recovery code.' })
  code?: string;
}
