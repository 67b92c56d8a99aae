import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Viewer } from './access.js';
import { callerOf, type Caller } from './caller.js';

/** The person who does something, and where their request comes from. */
export interface Actor {
  /** Null for the operator, who works on the machine itself. */
  readonly admin: Viewer | null;
  readonly caller: Caller;
}

/** The admin who sends the request, on a route for admins only. */
export const ActingAdmin = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return { admin: request.user, caller: callerOf(request) };
});
