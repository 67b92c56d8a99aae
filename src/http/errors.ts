import { HttpException, HttpStatus, UnprocessableEntityException } from '@nestjs/common';

/** One thing wrong with an input: the field, and a sentence for people. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** 422: the input is not right; says what is wrong, field by field. */
export class InvalidInput extends UnprocessableEntityException {
  constructor(readonly errors: readonly FieldError[]) {
    super('Some of what was sent is not right.');
  }
}

/** 503: there is more to do than the machine can take; `retryAfter` is in seconds. */
export class Busy extends HttpException {
  constructor(
    readonly retryAfter: number,
    message = 'The site is very busy at this moment. Please try again shortly.',
  ) {
    super(message, HttpStatus.SERVICE_UNAVAILABLE);
  }
}

/** 429: too many tries; `retryAfter` is in seconds. */
export class TooManyRequests extends HttpException {
  constructor(readonly retryAfter: number) {
    super('There were too many tries. Please wait a little, then try again.', HttpStatus.TOO_MANY_REQUESTS);
  }
}

/** 303: sends a browser elsewhere from a place that cannot return a redirect, such as a guard. */
export class SeeOther extends HttpException {
  constructor(readonly location: string) {
    super('See other', HttpStatus.SEE_OTHER);
  }
}
