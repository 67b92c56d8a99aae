import { Body, Controller, Get, Post, Query, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, Public, type Viewer } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { Credentials } from '../sessions/credentials.js';
import { TokenInput } from './confirmations.input.js';
import { EmailConfirmations } from './email-confirmations.js';

const form = { view: 'confirmations/email', title: 'Confirm your email address', keep: ['token'] };

/** Confirms an email address, on any device that can read the mail, logged in or not. */
@ApiExcludeController()
@Public()
@Controller('email/confirmation')
export class EmailConfirmationsController {
  constructor(
    private readonly emails: EmailConfirmations,
    private readonly credentials: Credentials,
  ) {}

  @Get()
  @Render(form.view)
  async show(@Query('token') token: unknown) {
    return { title: form.title, email: await this.emails.addressOf(token), values: { token } };
  }

  @Post()
  @FromForm(form)
  async confirm(
    @Body() { token }: TokenInput,
    @CurrentUser() viewer: Viewer | undefined,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.emails.confirm(token, viewer, caller);
    if (viewer) await this.credentials.renew(viewer, reply);
    return seeOther('/secrets', 'Thank you: your email address is confirmed.');
  }
}
