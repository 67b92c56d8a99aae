import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { Keys } from '../config/keys.js';
import { isApi, type Viewer } from '../http/access.js';
import { Credentials } from './credentials.js';
import { SessionTokens, tokenRules } from './session-tokens.js';
import { SessionsService } from './sessions.service.js';

/** Turns a session's token into its member: first the signature, then the row. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(
    keys: Keys,
    tokens: SessionTokens,
    credentials: Credentials,
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

  async validate(request: FastifyRequest, { aud, jti }: { aud?: unknown; jti?: unknown }): Promise<Viewer | undefined> {
    const kind = isApi(request) ? 'api' : 'browser';
    if (aud !== kind || typeof jti !== 'string') return undefined;
    return this.sessions.findViewer(jti, kind);
  }
}
