import {
  ForbiddenException,
  HttpException,
  HttpStatus,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';

/** One error in an input: the field, and a sentence for people. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/**
 * 422: the input is not right. Says what is wrong in each field, and gives extra data for the form that is shown again.
 */
export class InvalidInput extends UnprocessableEntityException {
  constructor(
    readonly errors: readonly FieldError[],
    readonly page: object = {},
  ) {
    super('Some of what was sent is not right.');
  }
}

/** A link that a person can follow from an error: its text and its address. */
export interface NextStep {
  readonly text: string;
  readonly href: string;
}

/** 404: a link from a mail was already used or has expired. Says where to ask for a new one. */
export class SpentLink extends NotFoundException {
  constructor(readonly next: NextStep) {
    super('That link was used already, or its time is over.');
  }
}

/** 403: the member must do something else first. Says where. */
export class NotYet extends ForbiddenException {
  constructor(
    message: string,
    readonly next: NextStep,
  ) {
    super(message);
  }
}

/** 503: the site has too much to do. `retryAfter` is in seconds. */
export class Busy extends HttpException {
  constructor(
    readonly retryAfter: number,
    message = 'The site is very busy at this moment. Please try again shortly.',
  ) {
    super(message, HttpStatus.SERVICE_UNAVAILABLE);
  }
}

/** 429: too many tries. `retryAfter` is in seconds. */
export class TooManyRequests extends HttpException {
  constructor(readonly retryAfter: number) {
    super('There were too many tries. Please wait a little, then try again.', HttpStatus.TOO_MANY_REQUESTS);
  }
}

/** 303: redirects a browser from code that cannot return a redirect, such as a guard. */
export class SeeOther extends HttpException {
  constructor(readonly location: string) {
    super('See other', HttpStatus.SEE_OTHER);
  }
}
