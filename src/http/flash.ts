import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Keys } from '../config/keys.js';
import { Cookies } from './cookies.js';

/** A message for the next page, shown once: `alert` for an error, `status` for a success. */
export interface Flash {
  readonly kind: 'alert' | 'status';
  readonly message: string;
  /** Values that the person typed, and the view of their form. Only that view shows them again. */
  readonly typed?: { readonly view: string; readonly values: Readonly<Record<string, string>> };
}

const name = 'flash';
const audience = 'flash';
const seconds = 60;

/**
 * Carries a message over a redirect in a signed cookie that lasts 60 seconds. Nobody else can put a message on our
 * pages.
 */
@Injectable()
export class FlashMessages {
  private readonly jwt: JwtService;

  constructor(
    private readonly cookies: Cookies,
    keys: Keys,
  ) {
    this.jwt = new JwtService({
      secret: keys.signing,
      signOptions: { algorithm: 'HS256', audience, expiresIn: seconds },
      verifyOptions: { algorithms: ['HS256'], audience },
    });
  }

  put(reply: FastifyReply, flash: Flash): void {
    this.cookies.set(reply, name, this.jwt.sign({ flash }), seconds);
  }

  /** The message for this visitor, if there is one. This deletes it. */
  take(request: FastifyRequest, reply: FastifyReply): Flash | undefined {
    const token = this.cookies.read(request, name);
    if (!token) return undefined;
    this.cookies.clear(reply, name);
    try {
      const { flash, exp } = this.jwt.verify<{ flash: Flash; exp?: number }>(token);
      return exp === undefined ? undefined : flash;
    } catch {
      // forged or expired, so there is no message
      return undefined;
    }
  }
}
