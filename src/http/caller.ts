import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Where a request comes from: what is noted of it beside who makes it. */
export interface Caller {
  /** As `TRUST_PROXY` makes it out: the right-most address that is not a trusted proxy's. */
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
}

export function callerOf(request: FastifyRequest): Caller {
  // whatever the types say: a connection that is gone does not tell its address any more
  const { ip = 'unknown' } = request as { ip?: string };
  const { headers, id } = request;
  return { address: ip.slice(0, 64), userAgent: (headers['user-agent'] ?? '').slice(0, 300), requestId: id };
}

/** Where the request comes from. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** One who acts from this very machine: a start, a command of the operator's, or the clock. */
export const onThisMachine = (requestId: string): Caller => ({ address: 'local', userAgent: 'gatehouse', requestId });
