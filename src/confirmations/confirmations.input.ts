import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { KnownEmailField, NewPasswordField } from '../users/account-fields.js';

/** The email of the account that somebody asks a mail for. */
export class EmailInput {
  @KnownEmailField()
  email!: string;
}

/** The secret of a mailed link. */
export class TokenInput {
  @ApiProperty({ description: 'The `token` of the mailed link.' })
  @MaxLength(100, { message: 'That link is not whole: open it from the mail again.' })
  @IsString({ message: 'That link is not whole: open it from the mail again.' })
  token!: string;
}

export class ResetInput extends TokenInput {
  @NewPasswordField()
  password!: string;
}
