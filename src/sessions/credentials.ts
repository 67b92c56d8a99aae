import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isApi, type Viewer } from '../http/access.js';
import { Cookies } from '../http/cookies.js';
import { personalTokenPrefix } from './session-tokens.js';
import { SessionsService } from './sessions.service.js';

const cookie = 'session';

/** Where a session's token travels: in the bearer header under `/api`, in a cookie everywhere else; never both. */
@Injectable()
export class Credentials {
  constructor(
    private readonly cookies: Cookies,
    private readonly sessions: SessionsService,
  ) {}

  /** The token that a request carries where it may carry one. */
  of(request: FastifyRequest): string | undefined {
    return isApi(request) ? bearer(request.headers.authorization) : this.cookies.read(request, cookie);
  }

  /** Without `seconds` the cookie ends with the browser. */
  keep(reply: FastifyReply, token: string, seconds?: number): void {
    this.cookies.set(reply, cookie, token, seconds);
  }

  /**
   * Gives a browser's session another token, once its member has changed how they are known: who copied the cookie before
   * is out from the next request on (ASVS 5.0 7.2.4). A script keeps its token, since it has nowhere to be given another.
   *
   * @throws UnauthorizedException where the session has ended meanwhile.
   */
  async renew(viewer: Viewer, reply: FastifyReply): Promise<void> {
    if (viewer.session.kind !== 'browser') return;
    const { token, expiresIn, isRemembered } = await this.sessions.renew(viewer);
    this.keep(reply, token, isRemembered ? expiresIn : undefined);
  }

  /**
   * The browser forgets the session, and what it has kept of this origin (ASVS 5.0 14.3.1). Not all cookies: those of
   * other sites on the same host, and the one that tells a known browser, stay.
   */
  drop(reply: FastifyReply): void {
    this.cookies.clear(reply, cookie);
    void reply.header('clear-site-data', '"cache", "storage"');
  }
}

/** RFC 6750 2.1: the scheme in any case, then the token; the prefix of a personal one is for people alone. */
function bearer(header: string | undefined): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return token?.startsWith(personalTokenPrefix) ? token.slice(personalTokenPrefix.length) : token;
}
