import { Injectable, NotFoundException } from '@nestjs/common';
import { ActivityService, type Person } from '../activity/activity.service.js';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';
import type { Caller } from '../http/caller.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

const minute = 60_000;
const lifetime = 30 * minute;
const day = 24 * 60 * minute;

/** A way back in for who has forgotten the password: a mailed link, good once. (ASVS 5.0 6.4) */
@Injectable()
export class PasswordResets {
  constructor(
    private readonly links: LinksService,
    private readonly mail: MailService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
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
    const link = await this.linkFor(owner?.id ?? this.keys.mark('nobody', email).slice(0, 36), lifetime);
    await this.mail.send({ to: owner?.email, view: 'reset-password', data: { link } });
    await this.activity.record({ kind: 'password.reset-asked', member: owner, actor: null }, caller);
  }

  /** Mails a link to a member for an admin. */
  async sendTo(member: User, actor: Person | null, caller: Caller): Promise<void> {
    await this.mail.send({
      to: member.email,
      view: 'reset-password',
      data: { link: await this.linkFor(member.id, lifetime) },
    });
    await this.activity.record({ kind: 'password.reset-asked', member, actor }, caller);
  }

  /** A link for the operator to hand over, good for a day. */
  async makeFor(member: User, caller: Caller): Promise<string> {
    await this.activity.record({ kind: 'password.reset-asked', member, actor: null }, caller);
    return this.linkFor(member.id, day);
  }

  /** @throws NotFoundException where the link is used or over. */
  async check(secret: unknown): Promise<void> {
    if (!(await this.links.find('reset', secret))) used();
  }

  /**
   * Sets a new password by a link, which is spent, and ends every session of the account.
   *
   * @throws NotFoundException where the link is used or over.
   * @throws InvalidInput where the password will not do; the link stays good.
   */
  async reset(secret: string, password: string, caller: Caller): Promise<void> {
    const link = await this.links.spend('reset', secret);
    if (!link?.userId) used();
    const user = await this.users.find(link.userId).catch(() => used());
    try {
      // first, so that a crash leaves nobody in; and again below, for who came in with the old password meanwhile
      await this.sessions.endAllOf(user.id);
      await this.users.setPassword(user.id, password);
    } catch (error) {
      await this.links.giveBack(link);
      throw error;
    }
    await this.sessions.endAllOf(user.id);
    await this.links.withdrawAllOf(user.id);
    // who read the mail has the address
    await this.users.verifyEmail(user.id, user.email);
    await this.activity.record({ kind: 'password.reset', member: user }, caller);
    await this.mail.send({ to: user.email, view: 'password-changed', data: {} });
  }

  private async linkFor(userId: string, lasting: number): Promise<string> {
    const { secret } = await this.links.issue({ kind: 'reset', userId, lifetime: lasting, replaces: true });
    return `${this.settings.publicUrl}/password/reset?token=${secret}`;
  }
}

function used(): never {
  throw new NotFoundException('That link was used already, or its time is over. Ask for a new one.');
}
