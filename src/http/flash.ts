import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Keys } from '../config/keys.js';
import { Cookies } from './cookies.js';

/** A message for the next page, shown once: `alert` for what went wrong, `status` for what went well. */
export interface Flash {
  readonly kind: 'alert' | 'status';
  readonly message: string;
  /** What was typed into a form that the next page shows again, and the view of that form: no other shows it. */
  readonly typed?: { readonly view: string; readonly values: Readonly<Record<string, string>> };
}

const name = 'flash';
const audience = 'flash';
const seconds = 60;

/** Carries a message over a redirect in a short-lived signed cookie, so that nobody else can put words on our page. */
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

  /** The message that waits for this visitor, if any; it is gone afterwards. */
  take(request: FastifyRequest, reply: FastifyReply): Flash | undefined {
    const token = this.cookies.read(request, name);
    if (!token) return undefined;
    this.cookies.clear(reply, name);
    try {
      const { flash, exp } = this.jwt.verify<{ flash: Flash; exp?: number }>(token);
      return exp === undefined ? undefined : flash;
    } catch {
      // forged or stale: there is no message
      return undefined;
    }
  }
}
