import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isApi } from '../http/access.js';
import { Cookies } from '../http/cookies.js';
import { personalTokenPrefix } from '../sessions/session-tokens.js';

const cookie = 'session';

/** Where a session's token travels: in the bearer header under `/api`, in a cookie everywhere else; never both. */
@Injectable()
export class Credentials {
  constructor(private readonly cookies: Cookies) {}

  /** The token that a request carries where it may carry one. */
  of(request: FastifyRequest): string | undefined {
    return isApi(request) ? bearer(request.headers.authorization) : this.cookies.read(request, cookie);
  }

  /** Without `seconds` the cookie ends with the browser. */
  keep(reply: FastifyReply, token: string, seconds?: number): void {
    this.cookies.set(reply, cookie, token, seconds);
  }

  drop(reply: FastifyReply): void {
    this.cookies.clear(reply, cookie);
  }
}

/** RFC 6750 2.1: the scheme in any case, then the token; the prefix of a personal one is for people alone. */
function bearer(header: string | undefined): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return token?.startsWith(personalTokenPrefix) ? token.slice(personalTokenPrefix.length) : token;
}
