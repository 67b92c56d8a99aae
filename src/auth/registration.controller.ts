import { Body, Controller, Get, Post, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { Public } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { Arrivals } from '../http/arrivals.js';
import { callerOf } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { safePath, withNext } from '../http/safe-path.js';
import { LinksService } from '../links/links.service.js';
import { RegistrationInput } from '../users/registration.input.js';
import { RegistrationRules } from '../users/registration-rules.js';
import { Credentials } from '../sessions/credentials.js';
import { Devices } from './devices.js';
import { LoginsService } from './logins.service.js';

const form = { view: 'auth/register', title: 'Register', keep: ['name', 'email', 'invite'] };

/** Registration in a browser. Opening an invite's link only shows the form; sending the form uses the invite up. */
@ApiExcludeController()
@Public({ membersGoTo: '/secrets' })
@Controller('register')
export class RegistrationController {
  constructor(
    private readonly rules: RegistrationRules,
    private readonly links: LinksService,
    private readonly logins: LoginsService,
    private readonly credentials: Credentials,
    private readonly devices: Devices,
    private readonly arrivals: Arrivals,
    private readonly settings: Settings,
  ) {}

  @Get()
  @Render(form.view)
  async show(@Query('invite') invite: unknown, @Query('next') next: unknown) {
    const { mode } = await this.rules.current();
    const link = invite === undefined ? undefined : await this.links.find('invite', invite);
    return {
      title: form.title,
      next: safePath(next, '') || undefined,
      isClosed: mode === 'closed',
      needsInvite: mode === 'invite' && !link,
      isApproved: mode === 'approval' && !link,
      values: { invite: link && invite, email: link?.data },
    };
  }

  @Post()
  @FromForm(form)
  async register(
    @Body() input: RegistrationInput,
    @Req() request: FastifyRequest<{ Body: { next?: unknown } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { next } = request.body;
    const registration = await this.logins.register(input, 'browser', callerOf(request));
    if (registration.outcome === 'taken') {
      const message = 'That email is registered already. Log in instead.';
      return seeOther(withNext('/login', next), { kind: 'alert', message, typed: loginWith(input.email) });
    }
    if (registration.outcome === 'awaiting') {
      const message = this.settings.sendsMail
        ? 'Thank you. An admin lets you in; you get a mail when that is done.'
        : 'Thank you. An admin lets you in. This site sends no mail: try to log in later.';
      return seeOther(withNext('/login', next), { kind: 'status', message, typed: loginWith(input.email) });
    }
    this.credentials.keep(reply, registration.begun.token);
    this.devices.remember(request, reply, registration.user);
    const url = safePath(next, '/secrets');
    this.arrivals.note(reply, url);
    return seeOther(url);
  }
}

const loginWith = (email: string) => ({ view: 'auth/login', values: { email } });
