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

/** What a member calls a passkey. */
export class PasskeyNameInput {
  @NameField('a name', 'Ada’s phone')
  name!: string;
}

/**
 * A passkey that a browser has just made, as JSON, and its name. The device keeps it by now, whatever we say: so a
 * name that does not fit is made to fit, not refused.
 */
export class NewPasskeyInput {
  @IsString({ message: 'A passkey is made by a browser.' })
  response!: string;

  @Transform(({ value }) => fittingName(value))
  @IsString()
  name = usualName;
}

/** A set of recovery codes that the page hands back, to get it as a file. */
export class RecoveryCodeSetInput {
  @Matches(recoveryCodeSet, { message: 'That is no set of recovery codes.' })
  codes!: string;
}

function fittingName(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  const onOneLine = text.normalize('NFC').replace(/[\s\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ');
  return Array.from(onOneLine.trim()).slice(0, 100).join('').trim() || usualName;
}
