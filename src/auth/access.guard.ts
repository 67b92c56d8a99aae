import { ForbiddenException, Injectable, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { minuteMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { callerOf } from '../http/caller.js';
import { ACCESS, isApi, type Access, type Viewer } from '../http/access.js';
import { NotYet, SeeOther } from '../http/errors.js';
import { RouteList } from '../http/route-list.js';
import { RateLimits } from '../limits/rate-limits.js';
import { Credentials } from '../sessions/credentials.js';
import { KeptForms } from './kept-forms.js';

const closed: Access = { to: 'members' };

const isSafe = ({ method }: FastifyRequest) => method === 'GET' || method === 'HEAD';

/** How long a proof of identity counts as recent, in milliseconds (ASVS 5.0 7.5.3). */
const freshFor = 10 * minuteMs;

/** The guard of every route. A route is closed to strangers unless it declares otherwise. */
@Injectable()
export class AccessGuard extends AuthGuard('jwt') {
  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: Credentials,
    private readonly routes: RouteList,
    private readonly limits: RateLimits,
    private readonly forms: KeptForms,
    private readonly settings: Settings,
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
    if (access.to === 'everyone') return true;
    if (!user) throw new UnauthorizedException('Please log in to go on.');
    this.refuseByScope(user, access, request);
    if (access.to === 'admins' && user.role !== 'admin') throw new ForbiddenException('This is for admins only.');
    this.refuseUnlessDone(user, access, request);
    const mustProve = this.mustProve(user, access);
    if (mustProve && isApi(request))
      throw new ForbiddenException('Prove again that it is you first: PUT /api/v1/users/me/proof.');
    // counts every change that a member makes, before anything is read or written
    if (access.to === 'members' && !access.unlimited && !isSafe(request))
      await this.limits.spendChange(user.session.id, callerOf(request).address);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (mustProve) throw new SeeOther(await this.proofFor(user, request, reply));
    // gives typed text back only after a recent proof, because somebody else may be using the session
    if (
      request.method === 'GET' &&
      user.session.kind === 'browser' &&
      !this.mustProve(user, { ...access, recentProof: true })
    )
      await this.forms.giveBack(request, reply, user);
    return true;
  }

  override handleRequest<Found = Viewer | undefined>(error: Error | null, viewer: Found | false): Found {
    if (error) throw error;
    return (viewer || undefined) as Found;
  }

  /**
   * Refuses a personal token what its scope does not allow. A token cannot give a recent proof, so routes that need one
   * are closed to it. Admin routes are the exception, because making an admin's token needed a proof.
   */
  private refuseByScope({ session: { kind, scope } }: Viewer, access: Access, request: FastifyRequest): void {
    if (kind !== 'token') return;
    if (access.recentProof && access.to !== 'admins')
      throw new ForbiddenException('A personal token may not do this: log in for it.');
    const needed = access.to === 'admins' ? 'admin' : isSafe(request) ? 'read' : 'write';
    if (needed !== 'read' && scope !== 'admin' && scope !== needed)
      throw new ForbiddenException(`This token has the scope “${scope ?? 'none'}”; this takes “${needed}”.`);
  }

  private refuseUnlessDone(viewer: Viewer, access: Access, request: FastifyRequest): void {
    const { requireMfa, emailVerification } = this.settings;
    const mustHaveFactor = requireMfa === 'all' || (requireMfa === 'admins' && viewer.role === 'admin');
    if (mustHaveFactor && !viewer.hasFactor && !access.beforeFactor) {
      if (!isApi(request)) throw new SeeOther('/account/factors');
      throw new ForbiddenException('Set up a second factor first: this site asks for one.');
    }
    if (access.verifiedEmail && emailVerification === 'required' && !viewer.hasVerifiedEmail)
      throw new NotYet(
        this.settings.sendsMail
          ? 'Please confirm your email address first: open the link in the mail we sent you, or ask for another on your account page.'
          : 'Please confirm your email address first. This site sends no mail: whoever runs it has the link for you.',
        { text: 'Ask for another link on your account page', href: '/account' },
      );
  }

  private mustProve({ session: { kind, provenAt } }: Viewer, access: Access): boolean {
    return access.recentProof === true && kind !== 'token' && (provenAt?.getTime() ?? 0) <= Date.now() - freshFor;
  }

  /**
   * The address where the member proves who they are. If the request sent a form, keeps what was typed, and the address
   * says that the form must be sent again.
   */
  private async proofFor(viewer: Viewer, request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const page = this.routes.pageOf(request);
    const proof = `/account/proof?next=${encodeURIComponent(page)}`;
    if (isSafe(request)) return proof;
    await this.forms.keep(request, reply, viewer, page);
    return `${proof}&again=yes`;
  }
}
