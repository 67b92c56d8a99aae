import { ApiProperty } from '@nestjs/swagger';
import { encode } from 'uqr';
import { presentInstant } from '../activity/event.view.js';
import type { FactorSummary } from './factors.service.js';
import type { Passkey } from './passkey.entity.js';

type ListedPasskey = Pick<Passkey, 'id' | 'name' | 'createdAt' | 'lastUsedAt'>;

/** A passkey as the API shows it. */
export class PasskeyView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'Ada’s phone' })
  readonly name!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Null where it was never used.' })
  readonly lastUsedAt!: string | null;
}

export class FactorsView {
  @ApiProperty({ description: 'Whether an authenticator app is set up.' })
  readonly authenticator!: boolean;

  @ApiProperty({ type: [PasskeyView] })
  readonly passkeys!: PasskeyView[];

  @ApiProperty({ type: 'integer', description: 'How many recovery codes can still be used.' })
  readonly recoveryCodesLeft!: number;

  @ApiProperty({ description: 'Whether this site asks you for a second factor.' })
  readonly isRequired!: boolean;
}

export class NewAuthenticatorView {
  @ApiProperty({ description: 'In base32, for an app that is typed into.' })
  readonly secret!: string;

  @ApiProperty({ format: 'uri', description: 'The same for an app that reads a QR code.' })
  readonly otpauthUrl!: string;
}

export class RecoveryCodesView {
  @ApiProperty({ type: [String], description: 'Each works once. They are shown this once.' })
  readonly recoveryCodes!: string[];
}

export class FactorAddedView {
  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'Made with the first factor, and shown this once; null where you had some.',
  })
  readonly recoveryCodes!: string[] | null;
}

export const presentPasskey = ({ id, name, createdAt, lastUsedAt }: ListedPasskey): PasskeyView => ({
  id,
  name,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
});

export const presentFactors = (summary: FactorSummary, isRequired: boolean): FactorsView => ({
  authenticator: summary.authenticator,
  passkeys: summary.passkeys.map(presentPasskey),
  recoveryCodesLeft: summary.recoveryCodesLeft,
  isRequired,
});

/** What the overview shows. `isBound` says that the only factor must not be removed. */
export function presentFactorsInWords(
  { authenticator, passkeys, recoveryCodesLeft }: FactorSummary,
  isRequired: boolean,
) {
  const count = passkeys.length + (authenticator ? 1 : 0);
  return {
    authenticator,
    passkeys: passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({
      id,
      name,
      added: presentInstant(createdAt),
      used: lastUsedAt && presentInstant(lastUsedAt),
    })),
    recoveryCodesLeft,
    isRequired,
    isSetUp: count > 0,
    isBound: isRequired && count === 1,
  };
}

/** Shown after a change that keeps the member's other sessions (ASVS 5.0 7.4.3). */
export const elsewhereWords =
  'Where else you are logged in, you still are: end what you do not know under “Sessions and tokens”.';

/** What the page for a new authenticator app shows. */
export const presentNewAuthenticator = ({ secret, otpauthUrl }: NewAuthenticatorView) => ({
  secret: secret.replace(/.{4}(?=.)/g, '$& '),
  otpauthUrl,
  qr: qrCodeOf(otpauthUrl),
});

/**
 * A QR code as one path of an SVG. One unit is one module, and each run of dark modules in a row is a rectangle. The
 * quiet zone is four modules wide.
 */
function qrCodeOf(text: string): { size: number; path: string } {
  const { data, size } = encode(text, { ecc: 'L', border: 4 });
  const path = data.flatMap((row, y) =>
    [
      ...row
        .map((isDark) => (isDark ? '#' : ' '))
        .join('')
        .matchAll(/#+/g),
    ].map(({ index, 0: run }) => `M${index} ${y}h${run.length}v1H${index}z`),
  );
  return { size, path: path.join('') };
}

/** The text file of a set of codes. */
export const presentCodesAsText = (codes: readonly string[], site: string, email: string): string =>
  [
    `Recovery codes of ${email} at ${site}`,
    '',
    ...codes,
    '',
    'Each code works once, in place of your second factor.',
    'A new set makes this one worthless. Keep it where nobody else looks.',
    '',
  ].join('\n');
