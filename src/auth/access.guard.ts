import { ForbiddenException, Injectable, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { ACCESS, type Access, type Viewer } from '../http/access.js';
import { SeeOther } from '../http/errors.js';
import { Credentials } from './credentials.js';

const closed: Access = { to: 'members' };

/** The one lock on every door: a route is closed unless it says otherwise. */
@Injectable()
export class AccessGuard extends AuthGuard('jwt') {
  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: Credentials,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const access =
      this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]) ??
      closed;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    // the strategy sets request.user, or leaves it undefined
    if (this.credentials.of(request) !== undefined) await super.canActivate(context);

    const { user } = request;
    if (access.to === 'everyone') {
      if (user && access.membersGoTo) throw new SeeOther(access.membersGoTo);
      return true;
    }
    if (!user) throw new UnauthorizedException('Please log in to go on.');
    if (access.to === 'admins' && user.role !== 'admin') throw new ForbiddenException('This is for admins only.');
    return true;
  }

  override handleRequest<Found = Viewer | undefined>(error: Error | null, viewer: Found | false): Found {
    if (error) throw error;
    return (viewer || undefined) as Found;
  }
}
