import { Injectable } from '@nestjs/common';
import { ActivityService, type Person } from '../activity/activity.service.js';
import { dayMs, minuteMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';
import { FactorsService } from '../factors/factors.service.js';
import type { Caller } from '../http/caller.js';
import { SpentLink } from '../http/errors.js';
import { RateLimits } from '../limits/rate-limits.js';
import type { Link } from '../links/link.entity.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

const lifetime = 30 * minuteMs;
/** Of the first password of an account, whose owner waits for no link. */
const firstLifetime = dayMs;

/** A way back in for who has forgotten the password: a mailed link, good once. (ASVS 5.0 6.4) */
@Injectable()
export class PasswordResets {
  constructor(
    private readonly links: LinksService,
    private readonly mail: MailService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly factors: FactorsService,
    private readonly limits: RateLimits,
    private readonly activity: ActivityService,
    private readonly keys: Keys,
    private readonly settings: Settings,
  ) {}

  /**
   * Mails a link to the owner of the email, where there is one; the same work, and nothing said, where there is none.
   * The old password works until the link is used.
   */
  async request(email: string, caller: Caller): Promise<void> {
    const found = await this.users.findOwner(email);
    const owner = found?.isActive ? found : undefined;
    // somebody who is not there, always the same for the same email, as an owner would be
    const link = await this.linkFor(owner ?? { id: this.keys.mark('nobody', email).slice(0, 36), email }, lifetime);
    await this.mail.send({ to: owner?.email, view: 'reset-password', data: { link } });
    await this.activity.record({ kind: 'password.reset-asked', member: owner, actor: null }, caller);
  }

  /** Mails a link to a member for an admin; where the site sends no mail, gives it, for the admin to pass on. */
  async sendTo(member: User, actor: Person | null, caller: Caller): Promise<string | undefined> {
    const link = await this.linkFor(member, lifetime);
    await this.mail.send({ to: member.email, view: 'reset-password', data: { link } });
    await this.activity.record({ kind: 'password.reset-asked', member, actor }, caller);
    return this.settings.sendsMail ? undefined : link;
  }

  /** A link for the operator to hand over, good for half an hour; for a new account, whose first it is, for a day. */
  async makeFor(member: User, { isFirst }: { isFirst: boolean }, caller: Caller): Promise<string> {
    await this.activity.record({ kind: 'password.reset-asked', member, actor: null }, caller);
    return this.linkFor(member, isFirst ? firstLifetime : lifetime);
  }

  /** The email of the account whose password a link resets. @throws SpentLink where the link is used or over. */
  async emailOf(secret: unknown): Promise<string> {
    return (await this.ownerOf(await this.links.find('reset', secret))).email;
  }

  /**
   * Sets a new password by a link, which is spent, and ends every session and token of the account. Where the address was
   * never shown to be that of whoever made the account, their second factors go too: they may have registered with
   * another's address, and leave no way in behind.
   *
   * @throws SpentLink where the link is used or over.
   * @throws InvalidInput where the password will not do; the link stays good.
   */
  async reset(secret: string, password: string, caller: Caller): Promise<void> {
    const link = await this.links.spend('reset', secret);
    const user = await this.ownerOf(link);
    try {
      // first, so that a crash leaves nobody in; and again below, for who came in with the old password meanwhile
      await this.endAllOf(user);
      await this.users.setPassword(user.id, password, caller.address);
    } catch (error) {
      if (link) await this.links.giveBack(link);
      throw error;
    }
    await this.endAllOf(user);
    await this.links.withdrawAllOf(user.id);
    await this.limits.forgetFailures(user.email);
    await this.limits.forgetWrongCodes(user.id);
    // who read the mail has the address, and chose the password
    await this.users.verifyEmail(user.id, user.email, true);
    await this.activity.record({ kind: 'password.reset', member: user }, caller);
    await this.mail.send({ to: user.email, view: 'password-changed', data: {} });
  }

  private async endAllOf({ id, emailOwnedAt }: User): Promise<void> {
    await this.sessions.endAllOf(id);
    if (!emailOwnedAt) await this.factors.removeAllOf(id);
  }

  private async linkFor({ id: userId, email }: Person, lasting: number): Promise<string> {
    const data = this.markOf(email);
    const { secret } = await this.links.issue({ kind: 'reset', userId, lifetime: lasting, data });
    return `${this.settings.publicUrl}/password/reset?token=${secret}`;
  }

  /** Whose password a link resets: a link in an old mailbox opens no account that has moved away from it. */
  private async ownerOf(link: Link | undefined): Promise<User> {
    if (!link?.userId) used();
    const user = await this.users.find(link.userId).catch(() => used());
    return link.data === this.markOf(user.email) ? user : used();
  }

  private markOf(email: string): string {
    return this.keys.mark('reset link', email);
  }
}

function used(): never {
  throw new SpentLink({ text: 'Ask for another link', href: '/password/forgot' });
}
