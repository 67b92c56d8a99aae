import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { IfGiven } from '../http/if-given.js';

export const firstAudiences = ['everyone', 'nobody'] as const;
type FirstAudience = (typeof firstAudiences)[number];

export const isFirstAudience = (word: unknown): word is FirstAudience => firstAudiences.some((one) => one === word);

/** The options of a new file. */
export class UploadInput {
  @ApiPropertyOptional({
    enum: firstAudiences,
    default: 'everyone',
    description: 'Who may have it at first: `nobody` but admins, until it is said who.',
  })
  @IfGiven()
  @IsIn(firstAudiences, { message: `audience is one of ${firstAudiences.join(', ')}.` })
  audience?: FirstAudience;
}
