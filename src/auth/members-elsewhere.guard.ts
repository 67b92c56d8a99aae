import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCESS, type Access } from '../http/access.js';
import { Arrivals } from '../http/arrivals.js';
import { SeeOther } from '../http/errors.js';
import { safePath } from '../http/safe-path.js';

/**
 * Sends members who call a page meant for strangers on: a second tab, or a form of the login that is sent again, goes to
 * where the login would have led. It looks at the body, so it stands after the guard that reads it.
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
