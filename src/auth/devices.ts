import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes } from 'node:crypto';
import { daySeconds } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { isApi } from '../http/access.js';
import { Cookies } from '../http/cookies.js';
import type { User } from '../users/user.entity.js';

const cookie = 'device';
/** As long as browsers keep a cookie at most. */
const lifetimeSeconds = 400 * daySeconds;
/** Of the members who share a browser, the latest. */
const most = 5;

/** For each member (a mark of the id) who logged in here: a name for this device, and a mark of the password it came with. */
type Known = Record<string, { readonly device: string; readonly password: string }>;

/**
 * Knows the browsers that a member has logged in with before, by a signed cookie that they keep: a stranger's guesses
 * lock out strangers, and never those. (OWASP, Slow Down Online Guessing Attacks with Device Cookies)
 */
@Injectable()
export class Devices {
  private readonly jwt: JwtService;

  constructor(
    private readonly cookies: Cookies,
    private readonly keys: Keys,
  ) {
    const audience = 'device';
    this.jwt = new JwtService({
      secret: keys.signing,
      signOptions: { algorithm: 'HS256', audience, expiresIn: lifetimeSeconds },
      verifyOptions: { algorithms: ['HS256'], audience },
    });
  }

  /** The device that this request comes from, where that member has logged in with it before. */
  find(request: FastifyRequest, userId: string): string | undefined {
    return this.read(request)[this.markOf(userId)]?.device;
  }

  /** Whether this member has logged in from here since their password was last changed. */
  isKnown(request: FastifyRequest, { id, passwordHash }: Pick<User, 'id' | 'passwordHash'>): boolean {
    return this.read(request)[this.markOf(id)]?.password === this.markOf(passwordHash);
  }

  /** From now on this browser is known as one of the member's. */
  remember(request: FastifyRequest, reply: FastifyReply, { id, passwordHash }: User): void {
    const { [this.markOf(id)]: known, ...others } = this.read(request);
    const device = known?.device ?? randomBytes(12).toString('base64url');
    const devices: Known = Object.fromEntries([
      ...Object.entries(others).slice(1 - most),
      [this.markOf(id), { device, password: this.markOf(passwordHash) }],
    ]);
    this.cookies.set(reply, cookie, this.jwt.sign({ devices }), lifetimeSeconds);
  }

  private read(request: FastifyRequest): Known {
    const token = isApi(request) ? undefined : this.cookies.read(request, cookie);
    if (!token) return {};
    try {
      const { devices, exp } = this.jwt.verify<{ devices: Known; exp?: number }>(token);
      return exp === undefined ? {} : devices;
    } catch {
      // forged or too old: nobody is known here
      return {};
    }
  }

  private markOf(text: string): string {
    return this.keys.mark('device', text).slice(0, 22);
  }
}
