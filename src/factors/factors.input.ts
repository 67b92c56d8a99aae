import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsString, Matches, MaxLength } from 'class-validator';
import { NameField } from '../users/account-fields.js';
import { recoveryCodeSet } from './recovery-codes.js';

const usualName = 'Passkey';

/** The first code of an authenticator app. */
export class AuthenticatorCodeInput {
  @ApiProperty({ example: '123456', maxLength: 40 })
  @MaxLength(40, { message: 'Please give the six digits that your app shows.' })
  @IsString({ message: 'Please give the six digits that your app shows.' })
  code!: string;
}

/** The name that a member gives to a passkey. */
export class PasskeyNameInput {
  @NameField('a name', 'Ada’s phone')
  name!: string;
}

/**
 * A passkey that a browser has just created, as JSON, and its name. The device has stored the passkey already, so a
 * name that does not fit is corrected rather than refused.
 */
export class NewPasskeyInput {
  @IsString({ message: 'A passkey is made by a browser.' })
  response!: string;

  @Transform(({ value }) => fittingName(value))
  @IsString()
  name = usualName;
}

/** A set of recovery codes that the page sends back, to get it as a file. */
export class RecoveryCodeSetInput {
  @Matches(recoveryCodeSet, { message: 'That is no set of recovery codes.' })
  codes!: string;
}

function fittingName(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  const onOneLine = text.normalize('NFC').replace(/[\s\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ');
  return Array.from(onOneLine.trim()).slice(0, 100).join('').trim() || usualName;
}
