import { Controller, Get, Post, Query, Render, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PasskeysService } from '../factors/passkeys.service.js';
import { CurrentUser, Public, type Viewer } from '../http/access.js';
import { page, seeOther } from '../http/answers.js';
import { callerOf } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { safePath } from '../http/safe-path.js';
import type { User } from '../users/user.entity.js';
import { BrowserLogins } from './browser-logins.js';
import { Credentials } from '../sessions/credentials.js';
import { LoggedIn, LoginGuard } from './login.guard.js';
import { LoginsService } from './logins.service.js';

const form = { view: 'auth/login', title: 'Log in', keep: ['email', 'remember'] };

/** Login and logout, in a browser. */
@ApiExcludeController()
@Controller()
export class SessionController {
  constructor(
    private readonly logins: LoginsService,
    private readonly browser: BrowserLogins,
    private readonly passkeys: PasskeysService,
    private readonly credentials: Credentials,
  ) {}

  @Get('login')
  @Public({ membersGoTo: '/secrets' })
  @Render(form.view)
  async show(@Query('next') next: unknown) {
    const options = JSON.stringify(await this.passkeys.requestOptions());
    return { title: form.title, next: safePath(next, '') || undefined, options };
  }

  @Post('login')
  @Public()
  @UseGuards(LoginGuard)
  @FromForm(form)
  async logIn(
    @LoggedIn() user: User,
    @Req() request: FastifyRequest<{ Body: { next?: unknown; remember?: unknown } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { next, remember } = request.body;
    return seeOther(await this.browser.begin(user, { next, isRemembered: remember !== undefined }, request, reply));
  }

  @Post('logout')
  @Public()
  async logOut(
    @CurrentUser() viewer: Viewer | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (viewer) await this.logins.end(viewer, callerOf(request));
    this.credentials.drop(reply);
    return seeOther('/', viewer && 'You are logged out.');
  }

  /**
   * A link can log out too. But a link on another site, or a browser that only preloads the page, gets a form that asks
   * first.
   */
  @Get('logout')
  @Public()
  async logOutByLink(
    @CurrentUser() viewer: Viewer | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (viewer && isFromElsewhere(request)) return page('auth/logout', { title: 'Log out' });
    return this.logOut(viewer, request, reply);
  }
}

function isFromElsewhere({ headers, method }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  const purpose = headers['sec-purpose'] ?? headers.purpose;
  if (method === 'HEAD') return true;
  return (site !== undefined && site !== 'same-origin' && site !== 'none') || purpose !== undefined;
}
