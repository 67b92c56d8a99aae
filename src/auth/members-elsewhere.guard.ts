import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCESS, type Access } from '../http/access.js';
import { Arrivals } from '../http/arrivals.js';
import { SeeOther } from '../http/errors.js';
import { safePath } from '../http/safe-path.js';

/**
 * Redirects members who request a page for strangers, such as the login in a second tab or a login form that is sent
 * again. They go where the login would have led. This guard reads the body, so it must run after the guard that parses
 * it.
 */
@Injectable()
export class MembersElsewhereGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly arrivals: Arrivals,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    const http = context.switchToHttp();
    const { user, query, body } = http.getRequest<FastifyRequest<{ Querystring: Fields; Body: Fields | undefined }>>();
    if (!user || access?.membersGoTo === undefined) return true;
    const location = safePath(body?.next ?? query.next, access.membersGoTo);
    this.arrivals.note(http.getResponse<FastifyReply>(), location);
    throw new SeeOther(location);
  }
}

type Fields = Readonly<Record<string, unknown>>;
