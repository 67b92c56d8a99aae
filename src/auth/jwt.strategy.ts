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

/** What a token says, once its signature is verified. */
interface Claims {
  readonly aud?: unknown;
  readonly jti?: unknown;
  /** In seconds since 1970. */
  readonly exp?: number;
}

/** The sessions that a page takes, and that the API takes. */
const onPages: readonly SessionKind[] = ['browser'];
const inApi: readonly SessionKind[] = ['api', 'token'];

/** Turns a session's token into its member: first the signature, then the row. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  /**
   * What tokens say whose signature was verified: the same text always verifies alike, and doing it again is a tenth
   * of a page's cost. When a token ends, and whether its row is still there, is looked at each time.
   */
  private readonly verified = new LRUCache<string, Claims>({ max: 1_000 });

  constructor(
    keys: Keys,
    tokens: SessionTokens,
    private readonly credentials: Credentials,
    private readonly sessions: SessionsService,
  ) {
    // passport-jwt's types know strings only; jsonwebtoken takes the key object
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
    // a token that has no end is none of ours, whoever signed it
    if (!kind || typeof claims.jti !== 'string' || typeof claims.exp !== 'number') return undefined;
    const viewer = await this.sessions.findViewer(claims.jti, kind);
    if (viewer) this.verified.set(this.credentials.of(request) ?? '', claims);
    return viewer;
  }
}
