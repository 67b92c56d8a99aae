import { Body, Controller, Get, Ip, Post, Redirect, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/access.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { RegistrationInput } from '../users/registration.input.js';
import { UsersService } from '../users/users.service.js';
import { Credentials } from './credentials.js';
import { RateLimits } from './rate-limits.js';
import { SessionsService } from './sessions.service.js';

const form = { view: 'auth/register', title: 'Register', keep: ['name', 'email'] };

/** Becoming a member, in a browser. */
@ApiExcludeController()
@Public({ membersGoTo: '/secrets' })
@Controller('register')
export class RegistrationController {
  constructor(
    private readonly limits: RateLimits,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly credentials: Credentials,
    private readonly flashes: FlashMessages,
  ) {}

  @Get()
  @Render(form.view)
  show() {
    return { title: form.title };
  }

  @Post()
  @FromForm(form)
  @Redirect('/secrets', 303)
  async register(
    @Body() input: RegistrationInput,
    @Ip() address: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.limits.spendRegistration(address);
    const user = await this.users.register(input);
    if (!user) {
      const message = 'That email is registered already. Log in instead.';
      this.flashes.put(reply, { kind: 'alert', message, values: { email: input.email } });
      return { url: '/login' };
    }
    const { token } = await this.sessions.begin(user.id, 'browser');
    this.credentials.keep(reply, token);
    return undefined;
  }
}
