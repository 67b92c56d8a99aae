import { Body, Controller, Get, NotFoundException, Post, Query, Redirect, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';
import { EmailInput, TokenInput } from '../confirmations/confirmations.input.js';
import { Public } from '../http/access.js';
import { callerOf } from '../http/caller.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { RateLimits } from '../limits/rate-limits.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { UsersService } from '../users/users.service.js';
import { BrowserLogins } from './browser-logins.js';

const asking = { view: 'auth/link', title: 'A link to log in with', keep: ['email'] };
const opening = { view: 'auth/open', title: 'Log in', keep: ['token'] };
const lifetime = 15 * 60_000;

/** A way in by mail for a member whose account strangers are guessing at. The link shows; its button spends it. */
@ApiExcludeController()
@Public({ membersGoTo: '/secrets' })
@Controller('login')
export class LoginLinkController {
  constructor(
    private readonly users: UsersService,
    private readonly links: LinksService,
    private readonly mail: MailService,
    private readonly limits: RateLimits,
    private readonly browser: BrowserLogins,
    private readonly flashes: FlashMessages,
    private readonly keys: Keys,
    private readonly settings: Settings,
  ) {}

  @Get('link')
  @Render(asking.view)
  showForm() {
    return { title: asking.title };
  }

  @Post('link')
  @FromForm(asking)
  @Redirect('/login', 303)
  async ask(
    @Body() { email }: EmailInput,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.limits.spendMail(email, callerOf(request).address);
    const found = await this.users.findOwner(email);
    const owner = found?.isActive ? found : undefined;
    const userId = owner?.id ?? this.keys.mark('nobody', email).slice(0, 36);
    const { secret } = await this.links.issue({ kind: 'login', userId, lifetime, replaces: true });
    const link = `${this.settings.publicUrl}/login/open?token=${secret}`;
    await this.mail.send({ to: owner?.email, view: 'login-link', data: { link } });
    const message = `If ${email} has an account here, a mail with a link is on its way to it. The link works for 15 minutes.`;
    this.flashes.put(reply, { kind: 'status', message });
  }

  @Get('open')
  @Render(opening.view)
  async showLink(@Query('token') token: unknown) {
    if (!(await this.links.find('login', token))) used();
    return { title: opening.title, values: { token } };
  }

  @Post('open')
  @FromForm(opening)
  @Redirect('/secrets', 303)
  async open(
    @Body() { token }: TokenInput,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const link = await this.links.spend('login', token);
    const user = link?.userId ? await this.users.find(link.userId).catch(() => used()) : used();
    // the mail stands in for the password, and for no second factor
    return { url: await this.browser.begin(user, {}, request, reply) };
  }
}

function used(): never {
  throw new NotFoundException('That link was used already, or its time is over. Ask for a new one.');
}
