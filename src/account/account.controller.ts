import { Body, Controller, Get, Post, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Settings } from '../config/settings.js';
import { FactorsService } from '../factors/factors.service.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { seeOther } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FromForm, OnPage } from '../http/form.js';
import { Credentials } from '../sessions/credentials.js';
import { EmailChangeInput, NameChangeInput, PasswordChangeInput } from './account.input.js';
import { AccountService } from './account.service.js';
import { presentAccountInWords } from './account.view.js';

const naming = { view: 'account/name', title: 'Change your name', keep: ['name'] };
const moving = { view: 'account/email', title: 'Change your email address', keep: ['email'] };
const relocking = { view: 'account/password', title: 'Change your password', keep: [] };

/** Shows and changes a member's own account, in a browser. */
@ApiExcludeController()
@MembersOnly()
@Controller('account')
export class AccountController {
  constructor(
    private readonly account: AccountService,
    private readonly factors: FactorsService,
    private readonly credentials: Credentials,
    private readonly settings: Settings,
  ) {}

  @Get()
  @InMenu('main', 'Your account', 10)
  @MembersOnly({ beforeFactor: true })
  @Render('account/overview')
  async show(@CurrentUser() viewer: Viewer) {
    const factors = await this.factors.summaryOf(viewer.id);
    return { title: 'Your account', account: presentAccountInWords(viewer, factors) };
  }

  @Get('name')
  @Render(naming.view)
  showName(@CurrentUser() { name }: Viewer) {
    return { title: naming.title, values: { name } };
  }

  @Post('name')
  @FromForm(naming)
  async rename(@Body() { name }: NameChangeInput, @CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller) {
    await this.account.rename(viewer, name, caller);
    return seeOther('/account', 'Your name is changed.');
  }

  @Get('email')
  @MembersOnly({ recentProof: true })
  @Render(moving.view)
  showEmail() {
    return { title: moving.title };
  }

  @Post('email')
  @MembersOnly({ recentProof: true })
  @FromForm(moving)
  async changeEmail(
    @Body() { email }: EmailChangeInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
  ) {
    await this.account.requestEmailChange(viewer, email, caller);
    const message = `${this.whereLinkIs(email)} Open it within an hour, and that is your address.`;
    return seeOther('/account', message);
  }

  @Post('email/verification')
  @OnPage('/account')
  async verifyEmail(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller) {
    const isSent = await this.account.sendVerification(viewer, caller);
    const message = isSent
      ? `${this.whereLinkIs(viewer.email)} Open it within a day.`
      : 'Your email address is confirmed already.';
    return seeOther('/account', message);
  }

  @Get('password')
  @Render(relocking.view)
  showPassword() {
    return { title: relocking.title };
  }

  @Post('password')
  @FromForm(relocking)
  async changePassword(
    @Body() input: PasswordChangeInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.account.changePassword(viewer, input, caller);
    await this.credentials.renew(viewer, reply);
    return seeOther('/account', 'Your password is changed, and you are logged out everywhere else.');
  }

  private whereLinkIs(email: string): string {
    return this.settings.sendsMail
      ? `A mail with a link is on its way to ${email}.`
      : `This site sends no mail. Whoever runs it has the link for ${email}: ask them for it.`;
  }
}
