import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { Keys } from '../config/keys.js';
import { isApi, type Viewer } from '../http/access.js';
import { Credentials } from './credentials.js';
import { tokenRules, type VerifiedToken } from './session-tokens.js';
import { SessionsService } from './sessions.service.js';

/** Turns a session's token into its member: first the signature, then the row. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(
    keys: Keys,
    credentials: Credentials,
    private readonly sessions: SessionsService,
  ) {
    super({
      jwtFromRequest: (request: FastifyRequest) => credentials.of(request) ?? null,
      // passport-jwt's types know strings only; jsonwebtoken takes the key object
      secretOrKey: keys.signing as unknown as string,
      algorithms: [tokenRules.algorithm],
      issuer: tokenRules.issuer,
      audience: tokenRules.audiences,
      ignoreExpiration: false,
      jsonWebTokenOptions: { complete: true },
      passReqToCallback: true,
    });
  }

  async validate(request: FastifyRequest, { header, payload }: VerifiedToken): Promise<Viewer | undefined> {
    const kind = isApi(request) ? 'api' : 'browser';
    if (header.typ !== tokenRules.type || payload.aud !== kind || typeof payload.jti !== 'string') return undefined;
    return this.sessions.findViewer(payload.jti, kind);
  }
}
