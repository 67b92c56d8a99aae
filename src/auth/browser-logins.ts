import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { minuteSeconds, secondMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { FactorsService } from '../factors/factors.service.js';
import { Arrivals } from '../http/arrivals.js';
import { callerOf } from '../http/caller.js';
import { Cookies } from '../http/cookies.js';
import { safePath } from '../http/safe-path.js';
import { LinksService } from '../links/links.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { Credentials } from '../sessions/credentials.js';
import { Devices } from './devices.js';
import { LoginsService } from './logins.service.js';

const cookie = 'second-step';
const lifetimeSeconds = 10 * minuteSeconds;
const home = '/secrets';

/** The choices made on the login page. */
export interface LoginIntent {
  readonly next?: unknown;
  readonly isRemembered?: boolean;
}

/** A login that waits for its second step. */
export interface Pending {
  readonly user: User;
  readonly intent: LoginIntent;
}

/** A login in a browser. It takes one step, or two if a second factor is set up. A cookie holds a secret in between. */
@Injectable()
export class BrowserLogins {
  constructor(
    private readonly logins: LoginsService,
    private readonly factors: FactorsService,
    private readonly links: LinksService,
    private readonly users: UsersService,
    private readonly credentials: Credentials,
    private readonly devices: Devices,
    private readonly cookies: Cookies,
    private readonly keys: Keys,
    private readonly arrivals: Arrivals,
  ) {}

  /**
   * Continues after a right password. Gives the address of the next page: the second step, or the page that was asked
   * for.
   */
  async begin(user: User, intent: LoginIntent, request: FastifyRequest, reply: FastifyReply): Promise<string> {
    if (!(await this.factors.isSetUpFor(user.id))) return this.enter(user, intent, false, request, reply);
    await this.endFormer(request);
    await this.logins.noteSecondStep(user, callerOf(request));
    const { next, isRemembered } = intent;
    const path = safePath(next, '');
    const data = JSON.stringify({ isRemembered, password: this.markOf(user), next: path });
    const { secret } = await this.links.issue({
      kind: 'factor',
      userId: user.id,
      lifetime: lifetimeSeconds * secondMs,
      data,
    });
    this.cookies.set(reply, cookie, secret, lifetimeSeconds);
    return '/login/factor';
  }

  /** The login in this browser that waits for its second step. Gives undefined if there is none or it has expired. */
  async findPending(request: FastifyRequest): Promise<Pending | undefined> {
    const link = await this.links.find('factor', this.cookies.read(request, cookie));
    if (!link?.userId) return undefined;
    const user = await this.users.find(link.userId).catch(() => undefined);
    const { password, ...intent } = JSON.parse(link.data ?? '{}') as LoginIntent & { password?: string };
    // if the password has changed in the meantime, the first step does not count
    return user && this.markOf(user) === password ? { user, intent } : undefined;
  }

  /** Continues after the second factor. Gives the address of the next page. */
  finish(user: User, intent: LoginIntent, request: FastifyRequest, reply: FastifyReply): Promise<string> {
    return this.enter(user, intent, true, request, reply);
  }

  /**
   * Begins the session of a member who has proved everything needed. Gives the address of the page that was asked for.
   */
  private async enter(
    user: User,
    { next, isRemembered }: LoginIntent,
    hasShownFactor: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<string> {
    await this.endFormer(request);
    const begun = await this.logins.begin(user, {
      kind: 'browser',
      caller: callerOf(request),
      isRemembered: isRemembered === true,
      hasShownFactor,
      isKnownDevice: this.devices.isKnown(request, user),
    });
    await this.links.spend('factor', this.cookies.read(request, cookie));
    this.cookies.clear(reply, cookie);
    this.credentials.keep(reply, begun.token, isRemembered ? begun.expiresIn : undefined);
    this.devices.remember(request, reply, user);
    const location = safePath(next, home);
    this.arrivals.note(reply, location);
    return location;
  }

  /** Ends the session that this browser had before, so that it does not stay open. */
  private async endFormer(request: FastifyRequest): Promise<void> {
    if (request.user) await this.logins.end(request.user, callerOf(request));
  }

  private markOf({ passwordHash }: User): string {
    return this.keys.mark('second step', passwordHash).slice(0, 22);
  }
}
