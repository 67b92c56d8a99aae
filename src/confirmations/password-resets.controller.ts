import { Body, Controller, Get, Post, Query, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Settings } from '../config/settings.js';
import { Public } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { safePath, withNext } from '../http/safe-path.js';
import { EmailInput, ResetInput } from './confirmations.input.js';
import { RateLimits } from '../limits/rate-limits.js';
import { PasswordResets } from './password-resets.js';

const asking = { view: 'confirmations/forgot', title: 'Forgot your password?', keep: ['email'] };
const choosing = { view: 'confirmations/reset', title: 'Choose a new password', keep: ['token', 'username'] };

/**
 * Resets a forgotten password, in a browser. Opening the mailed link only shows a form. Sending that form uses the link
 * up.
 */
@ApiExcludeController()
@Public()
@Controller('password')
export class PasswordResetsController {
  constructor(
    private readonly resets: PasswordResets,
    private readonly limits: RateLimits,
    private readonly settings: Settings,
  ) {}

  @Get('forgot')
  @Render(asking.view)
  showForgot(@Query('next') next: unknown) {
    return { title: asking.title, next: safePath(next, '') || undefined };
  }

  @Post('forgot')
  @FromForm(asking)
  async forgot(@Body() { email }: EmailInput, @Body('next') next: unknown, @CurrentCaller() caller: Caller) {
    await this.limits.spendMail({ email, address: caller.address });
    await this.resets.request(email, caller);
    const message = this.settings.sendsMail
      ? `If ${email} has an account here, a mail with a link is on its way to it. The link works for 30 minutes.`
      : `This site sends no mail. If ${email} has an account here, whoever runs the site has a link for it: ask them. The link works for 30 minutes.`;
    return seeOther(withNext('/login', next), message);
  }

  @Get('reset')
  @Render(choosing.view)
  async showReset(@Query('token') token: unknown) {
    return { title: choosing.title, values: { token, username: await this.resets.emailOf(token) } };
  }

  @Post('reset')
  @FromForm(choosing)
  async reset(@Body() { token, password }: ResetInput, @CurrentCaller() caller: Caller) {
    await this.resets.reset(token, password, caller);
    return seeOther('/login', 'Your password is changed. Log in with the new one.');
  }
}
