import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { readBody } from './body.js';

/**
 * Reads the body after the guard that checks access, so that a refused request sends no body. It runs before the guards
 * of single routes, because they may look at the body.
 */
@Injectable()
export class BodyGuard implements CanActivate {
  constructor(private readonly settings: Settings) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (request.method !== 'GET' && request.method !== 'HEAD')
      await readBody(request, http.getResponse<FastifyReply>(), this.settings.uploadLimit);
    return true;
  }
}
