import { Body, Controller, Get, NotFoundException, Post, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes } from 'node:crypto';
import { ActivityService } from '../activity/activity.service.js';
import { minuteSeconds, secondMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';
import { EmailInput, TokenInput } from '../confirmations/confirmations.input.js';
import { Public } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { callerOf } from '../http/caller.js';
import { Cookies } from '../http/cookies.js';
import { SpentLink } from '../http/errors.js';
import { FromForm } from '../http/form.js';
import { safePath, withNext } from '../http/safe-path.js';
import { RateLimits } from '../limits/rate-limits.js';
import type { Link } from '../links/link.entity.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { BrowserLogins } from './browser-logins.js';
import { Devices } from './devices.js';

const asking = { view: 'auth/link', title: 'A link to log in with', keep: ['email'] };
const opening = { view: 'auth/open', title: 'Log in', keep: ['token'] };
const cookie = 'login-link';
/** A login link replaces the password, so it lasts ten minutes at most (ASVS 5.0 6.5.5). */
const lifetimeSeconds = 10 * minuteSeconds;

/**
 * Lets a member log in by a mailed link while strangers guess at the account's password. Opening the link only shows a
 * page; its button uses the link up. The link works only in the browser that asked for it (ASVS 5.0 6.6.2). A cookie
 * and a keyed hash of it, stored with the link, check that.
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
    private readonly activity: ActivityService,
    private readonly browser: BrowserLogins,
    private readonly devices: Devices,
    private readonly cookies: Cookies,
    private readonly keys: Keys,
    private readonly settings: Settings,
  ) {}

  @Get('link')
  @Render(asking.view)
  showForm(@Query('next') next: unknown) {
    return { title: asking.title, next: safePath(next, '') || undefined };
  }

  @Post('link')
  @FromForm(asking)
  async ask(
    @Body() { email }: EmailInput,
    @Req() request: FastifyRequest<{ Body: { next?: unknown } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { address } = callerOf(request);
    const next = safePath(request.body.next, '');
    const found = await this.users.findOwner(email);
    await this.limits.spendMail({ email, address, device: this.devices.find(request, found?.id ?? 'nobody') });
    const owner = found?.isActive ? found : undefined;
    const userId = owner?.id ?? this.keys.mark('nobody', email).slice(0, 36);
    const asker = randomBytes(32).toString('base64url');
    // bound to the browser that asked, so that another person cannot use it, and to the address that it is mailed to
    const data = this.markOf(asker, email);
    const { secret } = await this.links.issue({ kind: 'login', userId, lifetime: lifetimeSeconds * secondMs, data });
    const link = `${this.settings.publicUrl}/login/open?token=${secret}${next ? `&next=${encodeURIComponent(next)}` : ''}`;
    await this.mail.send({ to: owner?.email, view: 'login-link', data: { link } });
    await this.activity.record({ kind: 'session.link-asked', member: owner, actor: null }, callerOf(request));
    this.cookies.set(reply, cookie, asker, lifetimeSeconds);
    const where = this.settings.sendsMail
      ? `If ${email} has an account here, a mail with a link is on its way to it.`
      : `This site sends no mail. If ${email} has an account here, whoever runs the site has a link for it: ask them.`;
    const message = `${where} Open the link in this browser: it works here alone, for 10 minutes.`;
    return seeOther(withNext('/login', next), message);
  }

  @Get('open')
  @Render(opening.view)
  async showLink(@Query('token') token: unknown, @Query('next') next: unknown, @Req() request: FastifyRequest) {
    await this.ownerOf(await this.links.find('login', token), request);
    return { title: opening.title, values: { token }, next: safePath(next, '') || undefined };
  }

  @Post('open')
  @FromForm(opening)
  async open(
    @Body() { token }: TokenInput,
    @Req() request: FastifyRequest<{ Body: { next?: unknown } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const user = await this.ownerOf(await this.links.find('login', token), request);
    const { next } = request.body;
    if (!(await this.links.spend('login', token))) used();
    this.cookies.clear(reply, cookie);
    // the link replaces the password, but not the second factor
    return seeOther(await this.browser.begin(user, { next }, request, reply));
  }

  /**
   * The member that a login link belongs to.
   *
   * @throws SpentLink if the link was used or has expired.
   * @throws NotFoundException if the member's address has changed, or another browser asked for the link.
   */
  private async ownerOf(link: Link | undefined, request: FastifyRequest): Promise<User> {
    if (!link?.userId) used();
    const user = await this.users.find(link.userId).catch(() => used());
    if (link.data !== this.markOf(this.cookies.read(request, cookie) ?? '', user.email))
      throw new NotFoundException(
        'This link works in the browser where it was asked for, and in no other. Open it there, or ask for one here.',
      );
    return user;
  }

  private markOf(asker: string, email: string): string {
    return this.keys.mark('login link', `${asker}\n${email}`);
  }
}

function used(): never {
  throw new SpentLink({ text: 'Ask for another link to log in', href: '/login/link' });
}
