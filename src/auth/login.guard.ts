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

/** The same message for an unknown email and a wrong password. */
const refusal = 'That email and password do not match an account here. Please check both and try again.';
/**
 * The same message for every unknown device, whether the password was right or wrong, and whether the account exists.
 */
const siege =
  'There were too many wrong passwords for this email. Ask for a login link instead: it lets its owner in at once.';
/** Used if no member has the email, so that the same work is done. */
const nobody = { id: 'nobody', passwordHash: 'none' };
const awaiting = 'An admin has not let you in yet. You can log in once that is done.';

declare module 'fastify' {
  interface FastifyRequest {
    /** The member whose email and password were right. The login guard sets it. */
    login?: User;
  }
}

/**
 * Checks the email and the password. Guards run before pipes, and passport-local would read the query string if a field
 * is missing from the body. So this guard validates the body first, and passport gets only valid fields.
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
    // A device that knew only an older password may be a thief's. It must not learn here which password is right.
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
    // an email without an account is not recorded, because somebody may have typed a password there
    await this.activity.record({ kind: 'session.began', outcome: 'refused', member, actor: null }, callerOf(request));
  }
}

/** The member whose email and password the login guard has checked. */
export const LoggedIn = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().login,
);
