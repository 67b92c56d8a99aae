import { createParamDecorator, Injectable, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { ActivityService, type Person } from '../activity/activity.service.js';
import { FactorsService } from '../factors/factors.service.js';
import { callerOf } from '../http/caller.js';
import { inputPipe } from '../http/input.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { Devices } from './devices.js';
import { LoginInput } from './login.input.js';
import { RateLimits, type Try } from '../limits/rate-limits.js';

/** One sentence for an unknown email and a wrong password alike. */
const refusal = 'That email and password do not match an account here. Please check both and try again.';
/** Said to every unknown device alike, whether the password was right or wrong, and whether there is an account. */
const siege =
  'There were too many wrong passwords for this email. Ask for a login link instead: it lets its owner in at once.';
/** In the place of a member whom there is none of, so that the same work is done. */
const nobody = { id: 'nobody', passwordHash: 'none' };
const awaiting = 'An admin has not let you in yet. You can log in once that is done.';

declare module 'fastify' {
  interface FastifyRequest {
    /** The member whose email and password were right; set by the login guard. */
    login?: User;
  }
}

/**
 * Checks email and password. Guards run before pipes, and passport-local would read a query string where the body
 * has nothing: so the body is validated here first, and passport sees only what passed.
 */
@Injectable()
export class LoginGuard extends AuthGuard('local') {
  constructor(
    private readonly limits: RateLimits,
    private readonly devices: Devices,
    private readonly users: UsersService,
    private readonly factors: FactorsService,
    private readonly activity: ActivityService,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const input = (await inputPipe.transform(request.body ?? {}, {
      type: 'body',
      metatype: LoginInput,
    })) as LoginInput;
    const { email } = input;
    request.body = { ...(request.body as object), ...input };
    const owner = await this.users.findOwner(email);
    const attempt: Try = {
      email,
      address: callerOf(request).address,
      device: this.devices.find(request, (owner ?? nobody).id),
    };
    await this.limits.spendLogin(attempt);
    try {
      await super.canActivate(context);
    } catch (error) {
      await this.limits.giveBackLogin(attempt);
      throw error;
    }
    const { login } = request;
    // a device that knew an older password alone may be a thief's, who must not learn here which is right
    const isKnown = this.devices.isKnown(request, owner ?? nobody);
    const isUnderSiege = !isKnown && (await this.limits.isUnderSiege(email));
    if (!login || (isUnderSiege && !(await this.factors.isSetUpFor(login.id)))) {
      await this.limits.noteFailure(email);
      await this.noteRefusal(request, owner);
      throw new UnauthorizedException(isUnderSiege ? siege : refusal);
    }
    await this.limits.forgiveLogin(attempt);
    await this.limits.spendRightLogin(attempt);
    if (login.awaitingSince) {
      await this.noteRefusal(request, owner);
      throw new UnauthorizedException(awaiting);
    }
    return true;
  }

  override getAuthenticateOptions() {
    return { property: 'login' };
  }

  override handleRequest<Found = User | undefined>(error: Error | null, user: Found | false): Found {
    if (error) throw error;
    return (user || undefined) as Found;
  }

  private async noteRefusal(request: FastifyRequest, member: Person | undefined): Promise<void> {
    // what was typed as an email is not written down where it is nobody's: it may be a password
    await this.activity.record({ kind: 'session.began', outcome: 'refused', member, actor: null }, callerOf(request));
  }
}

/** The member whose email and password the login guard found right. */
export const LoggedIn = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().login,
);
