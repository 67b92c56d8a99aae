import { createParamDecorator, Injectable, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { inputPipe } from '../http/input.js';
import { LoginInput } from '../users/registration.input.js';
import { RateLimits } from './rate-limits.js';
import type { User } from '../users/user.entity.js';

/** One sentence for an unknown email and a wrong password alike. */
const refusal = 'That email and password do not match an account here. Please check both and try again.';

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
  constructor(private readonly limits: RateLimits) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { email, password } = (await inputPipe.transform(request.body ?? {}, {
      type: 'body',
      metatype: LoginInput,
    })) as LoginInput;
    request.body = { ...(request.body as object), email, password };
    await this.limits.spendLogin(email, request.ip);
    try {
      await super.canActivate(context);
    } catch (error) {
      if (!(error instanceof UnauthorizedException)) await this.limits.giveBackLogin(email, request.ip);
      throw error;
    }
    await this.limits.forgiveLogin(email, request.ip);
    return true;
  }

  override getAuthenticateOptions() {
    return { property: 'login' };
  }

  override handleRequest<Found = User>(error: Error | null, user: Found | false): Found {
    if (error) throw error;
    if (!user) throw new UnauthorizedException(refusal);
    return user;
  }
}

/** The member whose email and password the login guard found right. */
export const LoggedIn = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().login,
);
