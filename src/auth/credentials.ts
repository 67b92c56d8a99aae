import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isApi } from '../http/access.js';
import { Cookies } from '../http/cookies.js';

const cookie = 'session';

/** Where a session's token travels: in the bearer header under `/api`, in a cookie everywhere else; never both. */
@Injectable()
export class Credentials {
  constructor(private readonly cookies: Cookies) {}

  /** The token that a request carries where it may carry one. */
  of(request: FastifyRequest): string | undefined {
    return isApi(request) ? bearer(request.headers.authorization) : this.cookies.read(request, cookie);
  }

  keep(reply: FastifyReply, token: string): void {
    this.cookies.set(reply, cookie, token);
  }

  drop(reply: FastifyReply): void {
    this.cookies.clear(reply, cookie);
  }
}

/** RFC 6750 2.1: the scheme in any case, then the token. */
const bearer = (header: string | undefined) => /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
