import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { EmailField, NameField, NewPasswordField } from './account-fields.js';

/** What somebody gives to register, on the page and in the API. */
export class RegistrationInput {
  @NameField('your name', 'Ada Lovelace')
  name!: string;

  @EmailField()
  email!: string;

  @NewPasswordField()
  password!: string;

  @ApiPropertyOptional({ description: 'The secret of an invite, where members come by invitation only.' })
  @IfGiven()
  @MaxLength(100, { message: 'That is no invite.' })
  @IsString({ message: 'That is no invite.' })
  invite?: string;
}
