import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isApi, type Viewer } from '../http/access.js';
import { Cookies } from '../http/cookies.js';
import { personalTokenPrefix } from './session-tokens.js';
import { SessionsService } from './sessions.service.js';

const cookie = 'session';

/**
 * Reads and writes a session's token. Requests below `/api` carry it in the bearer header. All other requests carry it
 * in a cookie. The other place is never read.
 */
@Injectable()
export class Credentials {
  constructor(
    private readonly cookies: Cookies,
    private readonly sessions: SessionsService,
  ) {}

  /** The token that a request carries, read from the only place that is allowed for its path. */
  of(request: FastifyRequest): string | undefined {
    return isApi(request) ? bearer(request.headers.authorization) : this.cookies.read(request, cookie);
  }

  /** Puts the token in the cookie. The cookie lasts this many seconds; without `seconds` it ends with the browser. */
  keep(reply: FastifyReply, token: string, seconds?: number): void {
    this.cookies.set(reply, cookie, token, seconds);
  }

  /**
   * Gives a browser's session a new token after its member has changed a password or another way to log in. Anybody who
   * copied the old cookie is logged out from the next request on (ASVS 5.0 7.2.4). An API session keeps its token,
   * because a script has no cookie to receive a new one in.
   *
   * @throws UnauthorizedException if the session has ended in the meantime.
   */
  async renew(viewer: Viewer, reply: FastifyReply): Promise<void> {
    if (viewer.session.kind !== 'browser') return;
    const { token, expiresIn, isRemembered } = await this.sessions.renew(viewer);
    this.keep(reply, token, isRemembered ? expiresIn : undefined);
  }

  /**
   * Tells the browser to forget the session, and what it has cached and stored for this origin (ASVS 5.0 14.3.1). It
   * does not clear all cookies: those of other sites on the same host stay, and so does the one that marks a known
   * browser.
   */
  drop(reply: FastifyReply): void {
    this.cookies.clear(reply, cookie);
    void reply.header('clear-site-data', '"cache", "storage"');
  }
}

/**
 * Reads a bearer header: the scheme in upper or lower case, then the token (RFC 6750 2.1). Removes the prefix of a
 * personal token, which only helps people to recognise it.
 */
function bearer(header: string | undefined): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return token?.startsWith(personalTokenPrefix) ? token.slice(personalTokenPrefix.length) : token;
}
