import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Keys } from '../config/keys.js';
import type { SessionKind } from '../http/access.js';
import type { Session } from './session.entity.js';

/**
 * How every session token is signed and checked. All of it is fixed, whatever a token says (RFC 8725 3.1, 3.8, 3.9).
 */
export const tokenRules = {
  algorithm: 'HS256',
  issuer: 'gatehouse',
  audiences: ['browser', 'api', 'token'] satisfies SessionKind[],
} as const;

/** How a personal token begins, so that people and secret scanners recognise it. */
export const personalTokenPrefix = 'gatehouse_';

/** The token's explicit type (RFC 8725 3.11). A token that the same key signed for another use is not a session's. */
const header = { alg: tokenRules.algorithm, typ: 'session+jwt' };

type Signed = Pick<Session, 'tokenId' | 'userId' | 'kind' | 'createdAt' | 'expiresAt'>;

/** Signs session tokens and recognises them. No token is stored: the session's row holds only its id. */
@Injectable()
export class SessionTokens {
  private readonly jwt: JwtService;
  /** How each of our tokens begins. The encoded header is always the same. */
  private readonly beginning: string;

  constructor(keys: Keys) {
    this.jwt = new JwtService({ secret: keys.signing });
    this.beginning = /^[^.]+\./.exec(this.jwt.sign({}, { header }))?.[0] ?? '';
  }

  sign({ tokenId, userId, kind, createdAt, expiresAt }: Signed): string {
    const claims = { iat: seconds(createdAt), exp: seconds(expiresAt) };
    const token = this.jwt.sign(claims, {
      header,
      issuer: tokenRules.issuer,
      audience: kind,
      subject: userId,
      jwtid: tokenId,
    });
    return kind === 'token' ? personalTokenPrefix + token : token;
  }

  /** Whether a token says that it is a session's. This does not check its signature. */
  isSession(token: string): boolean {
    return token.startsWith(this.beginning);
  }
}

const seconds = (instant: Date) => Math.floor(instant.getTime() / 1_000);
