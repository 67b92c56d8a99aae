import { ApiHideProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { KnownEmailField, KnownPasswordField } from '../users/account-fields.js';

/** What somebody gives to log in. */
export class LoginInput {
  @KnownEmailField()
  email!: string;

  @KnownPasswordField()
  password!: string;

  @ApiPropertyOptional({ description: 'A code of the second factor, or a recovery code, where the account has one.' })
  @IsOptional()
  @MaxLength(40, { message: 'Please give the code that your second factor shows.' })
  @IsString({ message: 'Please give the code that your second factor shows.' })
  code?: string | null;

  /** Ticked on the page if the session should last after the browser is closed. */
  @ApiHideProperty()
  @IsOptional()
  remember?: unknown;
}

/** A code for the second step of a login. */
export class CodeInput {
  @MaxLength(40, { message: 'Please give the six digits that your app shows, or a recovery code.' })
  @IsString({ message: 'Please give the six digits that your app shows, or a recovery code.' })
  code!: string;
}
