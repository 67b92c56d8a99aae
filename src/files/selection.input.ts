import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';

/** Which part of the list a caller wants. */
export class SelectionInput {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50, description: 'How many at most.' })
  @Transform(({ value }) => (typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : (value as unknown)))
  @Max(100, { message: 'limit is at most 100.' })
  @Min(1, { message: 'limit is at least 1.' })
  @IsInt({ message: 'limit is a whole number.' })
  limit = 50;

  @ApiPropertyOptional({ description: 'The `nextCursor` of the part before.' })
  @IsOptional()
  @IsUUID(undefined, { message: 'cursor is the nextCursor of an earlier answer.' })
  cursor?: string;

  @ApiPropertyOptional({ description: 'Text that the name contains, in any case.' })
  @IsOptional()
  @MaxLength(200, { message: 'q has at most 200 characters.' })
  @Matches(/^\P{Cc}*$/u, { message: 'q is text on one line.' })
  @IsString({ message: 'q is text.' })
  q?: string;
}
