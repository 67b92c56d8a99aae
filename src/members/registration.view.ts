import { ApiProperty } from '@nestjs/swagger';
import { registrationModes, type RegistrationMode, type Rules } from '../users/registration-rules.js';

/** The rules for registration. */
export class RegistrationRulesView {
  @ApiProperty({ enum: registrationModes })
  readonly mode!: RegistrationMode;

  @ApiProperty({
    type: [String],
    description: 'The domains that an email address must be of; any, where there are none.',
  })
  readonly domains!: string[];
}

export const presentRules = ({ mode, domains }: Rules): RegistrationRulesView => ({ mode, domains: [...domains] });

/** Each mode in words, for pages. */
export const modesInWords: Record<RegistrationMode, string> = {
  open: 'Anyone may register and is in at once.',
  invite: 'Only those with an invite may register.',
  approval: 'Anyone may register, and an admin lets them in.',
  closed: 'Nobody may register.',
};
