import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { addressOf } from './address.js';

/** Where a request comes from: the facts about it besides its member. */
export interface Caller {
  /** As `TRUST_PROXY` resolves it: the right-most address that is not a trusted proxy's, in its standard spelling. */
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
}

export function callerOf(request: FastifyRequest): Caller {
  const { headers, id } = request;
  return { address: addressOf(request), userAgent: (headers['user-agent'] ?? '').slice(0, 300), requestId: id };
}

/** Where the request comes from. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The caller for acts of this machine itself: a start, an operator's command, or a scheduled task. */
export const onThisMachine = (requestId: string): Caller => ({ address: 'local', userAgent: 'gatehouse', requestId });
