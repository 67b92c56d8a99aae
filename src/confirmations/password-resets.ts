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
/** For the first password of a new account, whose owner did not ask for the link and may not expect it. */
const firstLifetime = dayMs;

/** Lets a member who has forgotten their password choose another, by a mailed link that works once (ASVS 5.0 6.4). */
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
   * Mails a link to the owner of the email, if it has one. If not, does the same work and gives the same answer. The
   * old password works until the link is used.
   */
  async request(email: string, caller: Caller): Promise<void> {
    const found = await this.users.findOwner(email);
    const owner = found?.isActive ? found : undefined;
    // a made-up owner, always the same for the same email, as a real owner would be
    const link = await this.linkFor(owner ?? { id: this.keys.mark('nobody', email).slice(0, 36), email }, lifetime);
    await this.mail.send({ to: owner?.email, view: 'reset-password', data: { link } });
    await this.activity.record({ kind: 'password.reset-asked', member: owner, actor: null }, caller);
  }

  /**
   * Mails a link to a member for an admin. If the site sends no mail, gives the link, so that the admin can pass it on.
   */
  async sendTo(member: User, actor: Person | null, caller: Caller): Promise<string | undefined> {
    const link = await this.linkFor(member, lifetime);
    await this.mail.send({ to: member.email, view: 'reset-password', data: { link } });
    await this.activity.record({ kind: 'password.reset-asked', member, actor }, caller);
    return this.settings.sendsMail ? undefined : link;
  }

  /**
   * A link for the operator to pass on. It works for half an hour, or for a day if it sets the account's first
   * password.
   */
  async makeFor(member: User, { isFirst }: { isFirst: boolean }, caller: Caller): Promise<string> {
    await this.activity.record({ kind: 'password.reset-asked', member, actor: null }, caller);
    return this.linkFor(member, isFirst ? firstLifetime : lifetime);
  }

  /**
   * The email of the account whose password a link resets.
   *
   * @throws SpentLink if the link was used or has expired.
   */
  async emailOf(secret: unknown): Promise<string> {
    return (await this.ownerOf(await this.links.find('reset', secret))).email;
  }

  /**
   * Sets a new password, uses the link up, and ends every session and token of the account. If the member has never
   * proved that the address is theirs, also removes the second factors. Somebody else may have registered with this
   * address, and must not keep a way in.
   *
   * @throws SpentLink if the link was used or has expired.
   * @throws InvalidInput if the password is refused; the link still works.
   */
  async reset(secret: string, password: string, caller: Caller): Promise<void> {
    const link = await this.links.spend('reset', secret);
    const user = await this.ownerOf(link);
    try {
      // ends the sessions first, so that a crash leaves nobody logged in; and again below, for a login with the old
      // password in between
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
    // the person who read the mail has the address, and chose the password
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

  /** The member whose password a link resets. If the member's address has changed since, the link does not work. */
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
