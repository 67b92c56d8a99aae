import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, ApiPropertyOptional, ApiResponse, getSchemaPath } from '@nestjs/swagger';

class ProblemField {
  @ApiProperty()
  readonly field!: string;

  @ApiProperty()
  readonly message!: string;
}

/** An error of the API (RFC 9457). */
class Problem {
  @ApiProperty({ example: 'about:blank' })
  readonly type!: string;

  @ApiProperty()
  readonly title!: string;

  @ApiProperty()
  readonly status!: number;

  @ApiProperty()
  readonly detail!: string;

  @ApiProperty({ description: 'The number of the request, as in the X-Request-Id header and the log.' })
  readonly requestId!: string;

  @ApiPropertyOptional({ type: [ProblemField], description: 'What is wrong, field by field (422 only).' })
  readonly errors?: ProblemField[];
}

const descriptions: Record<number, string> = {
  400: 'The request could not be read.',
  401: 'No token, or one that is not valid (any more).',
  403: 'Not allowed.',
  404: 'There is no such thing for you.',
  409: 'It stands in conflict with what is there.',
  412: 'The file is not the one that If-Match names.',
  413: 'The body is too large.',
  415: 'The body is of a kind, or in a coding, that is not taken here.',
  416: 'The file has no such range.',
  422: 'Some of the input is not right.',
  429: 'Too many tries; see Retry-After.',
  503: 'Too busy; see Retry-After.',
};

/** Documents the errors that a call can answer with, each as problem+json. */
export const ApiProblem = (...statuses: number[]) =>
  applyDecorators(
    ApiExtraModels(Problem),
    ...statuses.map((status) =>
      ApiResponse({
        status,
        description: descriptions[status] ?? 'An error.',
        content: { 'application/problem+json': { schema: { $ref: getSchemaPath(Problem) } } },
      }),
    ),
  );
