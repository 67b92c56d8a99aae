import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';

const firstAudiences = ['everyone', 'nobody'] as const;

/** How a file begins. */
export class UploadInput {
  @ApiPropertyOptional({
    enum: firstAudiences,
    default: 'everyone',
    description: 'Who may have it at first: `nobody` but admins, until it is said who.',
  })
  @IsOptional()
  @IsIn(firstAudiences, { message: `audience is one of ${firstAudiences.join(', ')}.` })
  audience?: (typeof firstAudiences)[number];
}
