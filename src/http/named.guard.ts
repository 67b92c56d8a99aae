import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ModuleRef, Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { NAMED, type Named } from './named.js';
import { expectedBy, HAS_REVISION, type Revised } from './revision.js';

/**
 * Finds the thing that the path of a write names, and checks the request's preconditions, before the body is read. It
 * runs after the guard that checks access.
 */
@Injectable()
export class NamedGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly modules: ModuleRef,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: Parameters<Named['find']>[1] }>>();
    const { method, params, user } = request;
    if (method === 'GET' || method === 'HEAD') return true;
    const named = this.reflector.getAllAndOverride<Named | undefined>(NAMED, [
      context.getHandler(),
      context.getClass(),
    ]);
    const isNamed = named !== undefined && user !== undefined && Object.keys(params).length > 0;
    const found = isNamed
      ? await named.find(this.modules.get<unknown>(named.service, { strict: false }), params, user)
      : undefined;
    const hasTags = this.reflector.get<boolean | undefined>(HAS_REVISION, context.getHandler());
    request.expected = expectedBy(request.headers, hasTags ? (found as Revised) : isNamed ? {} : undefined);
    return true;
  }
}
