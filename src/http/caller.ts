import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { addressOf } from './address.js';

/** Where a request comes from: what is noted of it beside who makes it. */
export interface Caller {
  /** As `TRUST_PROXY` makes it out: the right-most address that is not a trusted proxy's, in its one spelling. */
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

/** One who acts from this very machine: a start, a command of the operator's, or the clock. */
export const onThisMachine = (requestId: string): Caller => ({ address: 'local', userAgent: 'gatehouse', requestId });
