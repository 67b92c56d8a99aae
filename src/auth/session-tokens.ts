import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { JwtPayload } from 'jsonwebtoken';
import { Keys } from '../config/keys.js';
import type { Session, SessionKind } from './session.entity.js';

/** What every session token is signed with and checked for: all of it is pinned (RFC 8725 3.1, 3.8, 3.9, 3.11). */
export const tokenRules = {
  algorithm: 'HS256',
  issuer: 'gatehouse',
  /** The token's explicit type: a token that was signed for another use of the key is none of ours. */
  type: 'session+jwt',
  audiences: ['browser', 'api'] satisfies SessionKind[],
} as const;

/** A verified token in full, as the strategy gets it. */
export interface VerifiedToken {
  readonly header: { readonly typ?: string };
  readonly payload: JwtPayload;
}

/** Signs the tokens that stand for sessions. */
@Injectable()
export class SessionTokens {
  private readonly jwt: JwtService;

  constructor(keys: Keys) {
    this.jwt = new JwtService({ secret: keys.signing });
  }

  sign({ id, userId, kind, createdAt, expiresAt }: Session): string {
    const { algorithm, issuer, type } = tokenRules;
    const claims = { iat: seconds(createdAt), exp: seconds(expiresAt) };
    const header = { alg: algorithm, typ: type };
    return this.jwt.sign(claims, { header, issuer, audience: kind, subject: userId, jwtid: id });
  }
}

const seconds = (instant: Date) => Math.floor(instant.getTime() / 1_000);
