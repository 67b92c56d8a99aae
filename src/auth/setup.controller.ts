import { Body, Controller, Get, NotFoundException, Post, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { callerOf } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { BrowserLogins } from './browser-logins.js';
import { FirstSetup } from './first-setup.js';
import { SetupInput } from './setup.input.js';

const form = { view: 'auth/setup', title: 'Set up this site', keep: ['token', 'name', 'email'] };

/** Creates the first admin, by the link that the first start prints. */
@ApiExcludeController()
@Public()
@Controller('setup')
export class SetupController {
  constructor(
    private readonly setup: FirstSetup,
    private readonly browser: BrowserLogins,
  ) {}

  @Get()
  @Render(form.view)
  async show(@Query('token') token: unknown) {
    if (!(await this.setup.isOpen(token)))
      throw new NotFoundException('This site is set up already, or the link is over: each start prints another.');
    return { title: form.title, values: { token } };
  }

  @Post()
  @FromForm(form)
  async make(
    @Body() input: SetupInput,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const admin = await this.setup.makeAdmin(input, callerOf(request));
    return seeOther(await this.browser.begin(admin, { next: '/admin' }, request, reply));
  }
}
