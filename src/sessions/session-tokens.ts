import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Keys } from '../config/keys.js';
import type { SessionKind } from '../http/access.js';
import type { Session } from './session.entity.js';

/** What every session token is signed with and checked for: all of it is pinned (RFC 8725 3.1, 3.8, 3.9). */
export const tokenRules = {
  algorithm: 'HS256',
  issuer: 'gatehouse',
  audiences: ['browser', 'api', 'token'] satisfies SessionKind[],
} as const;

/** How a personal token begins, so that people and secret scanners know it when they see it. */
export const personalTokenPrefix = 'gatehouse_';

/** The token's explicit type: one that was signed for another use of the key is none of ours (RFC 8725 3.11). */
const header = { alg: tokenRules.algorithm, typ: 'session+jwt' };

type Signed = Pick<Session, 'tokenId' | 'userId' | 'kind' | 'createdAt' | 'expiresAt'>;

/** Signs the tokens that stand for sessions, and knows them from others. None is kept: the row has but its name. */
@Injectable()
export class SessionTokens {
  private readonly jwt: JwtService;
  /** How each of our tokens begins: its header is always the same, encoded. */
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

  /** Whether a token says that it is a session's, signed our way; its signature is not checked here. */
  isSession(token: string): boolean {
    return token.startsWith(this.beginning);
  }
}

const seconds = (instant: Date) => Math.floor(instant.getTime() / 1_000);
