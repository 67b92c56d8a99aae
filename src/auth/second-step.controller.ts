import { Body, Controller, Get, Post, Render, Req, Res, UnauthorizedException } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FactorsService } from '../factors/factors.service.js';
import { PasskeysService } from '../factors/passkeys.service.js';
import { Public } from '../http/access.js';
import { seeOther, sendBack } from '../http/answers.js';
import { textOf } from '../http/input.js';
import { SeeOther } from '../http/errors.js';
import { FromForm } from '../http/form.js';
import { safePath } from '../http/safe-path.js';
import { UsersService } from '../users/users.service.js';
import { BrowserLogins } from './browser-logins.js';
import { FactorChecks } from './factor-checks.js';
import { CodeInput } from './login.input.js';

const form = { view: 'auth/factor', title: 'Second step', keep: [] };

/** The second step of a login, and login with a passkey, which is both steps in one. */
@ApiExcludeController()
@Public({ membersGoTo: '/secrets' })
@Controller('login')
export class SecondStepController {
  constructor(
    private readonly browser: BrowserLogins,
    private readonly checks: FactorChecks,
    private readonly factors: FactorsService,
    private readonly passkeys: PasskeysService,
    private readonly users: UsersService,
  ) {}

  @Get('factor')
  @Render(form.view)
  async show(@Req() request: FastifyRequest) {
    const { user, intent } = await this.pendingOf(request);
    const { authenticator, passkeys } = await this.factors.summaryOf(user.id);
    const options = passkeys.length > 0 ? JSON.stringify(await this.passkeys.requestOptions(user.id)) : undefined;
    return {
      title: form.title,
      next: safePath(intent.next, '') || undefined,
      hasAuthenticator: authenticator,
      options,
    };
  }

  @Post('factor')
  @FromForm(form)
  async answer(
    @Body() { code }: CodeInput,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { user, intent } = await this.pendingOf(request);
    if (!(await this.checks.passesCode(user, code, request)))
      return sendBack('/login/factor', 'That code is not right, or it was used already. Try the next one.');
    return seeOther(await this.browser.finish(user, intent, request, reply));
  }

  @Post('passkey')
  async withPasskey(
    @Req() request: FastifyRequest<{ Body?: { response?: unknown; next?: unknown; remember?: unknown } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const pending = await this.browser.findPending(request);
    const response = textOf(request.body?.response);
    const userId = await this.checks.passesPasskey(response, request, { kind: 'session.began' });
    const user = userId && (await this.users.find(userId));
    if (!user || user.disabledAt || user.awaitingSince)
      throw new UnauthorizedException('That passkey does not open an account here. Log in with your password instead.');
    const { next, remember } = request.body ?? {};
    // if another member's login waits in this browser, this member must not continue it
    const intent = pending?.user.id === user.id ? pending.intent : { next, isRemembered: remember !== undefined };
    return seeOther(await this.browser.finish(user, intent, request, reply));
  }

  private async pendingOf(request: FastifyRequest) {
    const pending = await this.browser.findPending(request);
    // no login waits for a second step, so the member begins again
    if (!pending) throw new SeeOther('/login');
    return pending;
  }
}
