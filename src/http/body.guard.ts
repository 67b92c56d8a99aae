import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { readBody } from './body.js';

/**
 * Reads the body once it is known that whoever asks may: so it stands after the guard that knows, and before those of
 * single routes, which may look at what was sent.
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
