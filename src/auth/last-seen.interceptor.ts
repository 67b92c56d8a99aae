import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SessionsService } from './sessions.service.js';

/** Keeps a session that is used from idling out. Not the guard's work: a guard writes nothing. */
@Injectable()
export class LastSeenInterceptor implements NestInterceptor {
  constructor(private readonly sessions: SessionsService) {}

  async intercept(context: ExecutionContext, next: CallHandler) {
    const { user } = context.switchToHttp().getRequest<FastifyRequest>();
    if (user) await this.sessions.touch(user);
    return next.handle();
  }
}
