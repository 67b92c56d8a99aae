import { IsString, MaxLength } from 'class-validator';
import { EmailField, NameField, NewPasswordField } from '../users/account-fields.js';

/** What somebody gives to become the first admin. */
export class SetupInput {
  @MaxLength(100, { message: 'That link is not whole: copy it from the log again.' })
  @IsString({ message: 'That link is not whole: copy it from the log again.' })
  token!: string;

  @NameField('your name', 'Ada Lovelace')
  name!: string;

  @EmailField()
  email!: string;

  @NewPasswordField()
  password!: string;
}
