import {
  ForbiddenException,
  HttpException,
  HttpStatus,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';

/** One thing wrong with an input: the field, and a sentence for people. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** 422: the input is not right; says what is wrong, field by field, and what else its form shows again. */
export class InvalidInput extends UnprocessableEntityException {
  constructor(
    readonly errors: readonly FieldError[],
    readonly page: object = {},
  ) {
    super('Some of what was sent is not right.');
  }
}

/** Where a person goes on from an error: the words of a link, and where it leads. */
export interface NextStep {
  readonly text: string;
  readonly href: string;
}

/** 404: a link that came by mail was used already, or its time is over; says where another is asked for. */
export class SpentLink extends NotFoundException {
  constructor(readonly next: NextStep) {
    super('That link was used already, or its time is over.');
  }
}

/** 403: something must be done first; says where. */
export class NotYet extends ForbiddenException {
  constructor(
    message: string,
    readonly next: NextStep,
  ) {
    super(message);
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
