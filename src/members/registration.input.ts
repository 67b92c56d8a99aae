import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, isFQDN, ValidateBy } from 'class-validator';
import { domainForm } from '../config/email-address.js';
import { registrationModes, type RegistrationMode } from '../users/registration-rules.js';

const mostDomains = 100;

/** The rules for registration, for the page and the API. */
export class RegistrationRulesInput {
  @ApiProperty({
    enum: registrationModes,
    description: 'Anyone; those with an invite; those with an invite, and anyone whom an admin then lets in; nobody.',
  })
  @IsIn(registrationModes, { message: 'Please choose who may register.' })
  mode!: RegistrationMode;

  @ApiPropertyOptional({
    type: [String],
    maxItems: mostDomains,
    example: ['example.org'],
    description: 'The domains that an email address must be of; any, where there are none.',
  })
  @Transform(({ value }) => listed(value))
  @ValidateBy({
    name: 'areDomains',
    validator: {
      validate: (value) => domainsFault(value) === undefined,
      defaultMessage: (args) => domainsFault(args?.value) ?? '',
    },
  })
  domains: string[] = [];
}

/**
 * The domains of a list, or of a text in which spaces, lines, commas or semicolons separate them. Each appears once, in
 * lower case.
 */
function listed(value: unknown): unknown {
  const entries: unknown = typeof value === 'string' ? value.split(/[\s,;]+/) : value;
  if (!Array.isArray(entries)) return entries;
  const domains = entries.map((entry: unknown) =>
    // people also write @example.org
    typeof entry === 'string' ? domainForm(entry.trim().replace(/^[@＠]/, '')) : entry,
  );
  return [...new Set(domains)].filter((domain) => domain !== '');
}

function domainsFault(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'Please give domains, such as example.org.';
  if (value.length > mostDomains) return `Please give at most ${mostDomains} domains.`;
  const wrong: unknown = value.find((domain) => !isFQDN(domain) || /\p{C}/u.test(domain as string));
  if (wrong === undefined) return undefined;
  return typeof wrong === 'string'
    ? `“${wrong.slice(0, 100)}” is no domain. One is written like example.org.`
    : 'Please give domains, such as example.org.';
}
