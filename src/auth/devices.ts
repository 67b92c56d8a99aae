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
/** The longest time that browsers keep a cookie. */
const lifetimeSeconds = 400 * daySeconds;
/** How many members of a shared browser are remembered: those who logged in last. */
const most = 5;

/**
 * For each member who logged in here (by a keyed hash of the id): an id for this device, and a keyed hash that changes
 * with the password.
 */
type Known = Record<string, { readonly device: string; readonly password: string }>;

/**
 * Recognises the browsers that a member has logged in with before, by a signed cookie. So a stranger's wrong guesses
 * lock out only unknown browsers, and never these (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
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

  /** The id of the device that sent this request, if the member has logged in with it before. */
  find(request: FastifyRequest, userId: string): string | undefined {
    return this.read(request)[this.markOf(userId)]?.device;
  }

  /** Whether this member has logged in from this browser since their password was last changed. */
  isKnown(request: FastifyRequest, { id, passwordHash }: Pick<User, 'id' | 'passwordHash'>): boolean {
    return this.read(request)[this.markOf(id)]?.password === this.markOf(passwordHash);
  }

  /** Marks this browser as one that the member has logged in with. */
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
      // the cookie is forged or too old, so it names no members
      return {};
    }
  }

  private markOf(text: string): string {
    return this.keys.mark('device', text).slice(0, 22);
  }
}
