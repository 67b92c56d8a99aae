import { Body, Controller, Get, NotFoundException, Post, Query, Redirect, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes } from 'node:crypto';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';
import { EmailInput, TokenInput } from '../confirmations/confirmations.input.js';
import { Public } from '../http/access.js';
import { callerOf } from '../http/caller.js';
import { Cookies } from '../http/cookies.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { RateLimits } from '../limits/rate-limits.js';
import type { Link } from '../links/link.entity.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { UsersService } from '../users/users.service.js';
import { BrowserLogins } from './browser-logins.js';

const asking = { view: 'auth/link', title: 'A link to log in with', keep: ['email'] };
const opening = { view: 'auth/open', title: 'Log in', keep: ['token'] };
const cookie = 'login-link';
/** In seconds: what stands in for a password lives ten minutes at most (ASVS 5.0 6.5.5). */
const lifetime = 10 * 60;

/**
 * A way in by mail for a member whose account strangers are guessing at. The link shows; its button spends it. It opens
 * the gate to the browser that asked for it and to no other (ASVS 5.0 6.6.2), by a cookie whose mark goes with the link.
 */
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
    private readonly cookies: Cookies,
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
    const asker = randomBytes(32).toString('base64url');
    const data = this.markOf(asker);
    const { secret } = await this.links.issue({
      kind: 'login',
      userId,
      lifetime: lifetime * 1_000,
      data,
      replaces: true,
    });
    const link = `${this.settings.publicUrl}/login/open?token=${secret}`;
    await this.mail.send({ to: owner?.email, view: 'login-link', data: { link } });
    this.cookies.set(reply, cookie, asker, lifetime);
    const message = `If ${email} has an account here, a mail with a link is on its way to it. Open the link in this browser: it works here alone, for 10 minutes.`;
    this.flashes.put(reply, { kind: 'status', message });
  }

  @Get('open')
  @Render(opening.view)
  async showLink(@Query('token') token: unknown, @Req() request: FastifyRequest) {
    this.check(await this.links.find('login', token), request);
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
    this.check(await this.links.find('login', token), request);
    const link = await this.links.spend('login', token);
    const user = link?.userId ? await this.users.find(link.userId).catch(() => used()) : used();
    this.cookies.clear(reply, cookie);
    // the mail stands in for the password, and for no second factor
    return { url: await this.browser.begin(user, {}, request, reply) };
  }

  /** @throws NotFoundException where the link is used or over, or another browser asked for it. */
  private check(link: Link | undefined, request: FastifyRequest): void {
    if (!link) used();
    if (link.data !== this.markOf(this.cookies.read(request, cookie) ?? ''))
      throw new NotFoundException(
        'This link works in the browser where it was asked for, and in no other. Open it there, or ask for one here.',
      );
  }

  private markOf(asker: string): string {
    return this.keys.mark('login link', asker);
  }
}

function used(): never {
  throw new NotFoundException('That link was used already, or its time is over. Ask for a new one.');
}
