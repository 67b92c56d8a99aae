import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Viewer } from './access.js';
import { callerOf, type Caller } from './caller.js';

/** Whose act it is, and where it comes from. */
export interface Actor {
  /** Null for the operator, who acts from the machine itself. */
  readonly admin: Viewer | null;
  readonly caller: Caller;
}

/** The admin who asks, on a route that is for admins only. */
export const ActingAdmin = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return { admin: request.user, caller: callerOf(request) };
});
