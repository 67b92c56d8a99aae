import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { Strategy } from 'passport-jwt';
import { Keys } from '../config/keys.js';
import { isApi, type SessionKind, type Viewer } from '../http/access.js';
import { Credentials } from '../sessions/credentials.js';
import { SessionTokens, tokenRules } from '../sessions/session-tokens.js';
import { SessionsService } from '../sessions/sessions.service.js';

/** The claims of a token, after its signature is verified. */
interface Claims {
  readonly aud?: unknown;
  readonly jti?: unknown;
  /** In seconds since 1970. */
  readonly exp?: number;
}

/** The kinds of session that pages accept, and the kinds that the API accepts. */
const onPages: readonly SessionKind[] = ['browser'];
const inApi: readonly SessionKind[] = ['api', 'token'];

/** Finds the member that a session's token belongs to. Checks the signature first, then the session's row. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  /**
   * The claims of tokens whose signature was verified. The same token always gives the same result, and checking it
   * again takes a tenth of the time of a page. Its expiry and its row are still checked each time.
   */
  private readonly verified = new LRUCache<string, Claims>({ max: 1_000 });

  constructor(
    keys: Keys,
    tokens: SessionTokens,
    private readonly credentials: Credentials,
    private readonly sessions: SessionsService,
  ) {
    // passport-jwt's types allow only a string, but jsonwebtoken accepts the key object
    const key = keys.signing as unknown as string;
    super({
      jwtFromRequest: (request: FastifyRequest) => credentials.of(request) ?? null,
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: string | null, key?: string) => void) => {
        if (tokens.isSession(token)) done(null, key);
        else done('That is no token of a session.');
      },
      algorithms: [tokenRules.algorithm],
      issuer: tokenRules.issuer,
      audience: tokenRules.audiences,
      ignoreExpiration: false,
      passReqToCallback: true,
    });
  }

  override authenticate(...args: Parameters<Strategy['authenticate']>): void {
    const request = args[0] as unknown as FastifyRequest;
    const claims = this.verified.get(this.credentials.of(request) ?? '');
    if (claims === undefined || (claims.exp ?? 0) * 1_000 <= Date.now()) super.authenticate(...args);
    else
      this.validate(request, claims).then(
        (viewer) => (viewer ? this.success(viewer) : this.fail(401)),
        (error: unknown) => this.error(error as Error),
      );
  }

  async validate(request: FastifyRequest, claims: Claims): Promise<Viewer | undefined> {
    const kind = (isApi(request) ? inApi : onPages).find((one) => one === claims.aud);
    // a token without an expiry is not one of ours, even if the signature is right
    if (!kind || typeof claims.jti !== 'string' || typeof claims.exp !== 'number') return undefined;
    const viewer = await this.sessions.findViewer(claims.jti, kind);
    if (viewer) this.verified.set(this.credentials.of(request) ?? '', claims);
    return viewer;
  }
}
