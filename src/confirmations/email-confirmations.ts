import { Injectable } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { dayMs, hourMs } from '../config/durations.js';
import { emailForm } from '../config/email-address.js';
import { Settings } from '../config/settings.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { InvalidInput, SpentLink } from '../http/errors.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Confirms with a mailed link that an address is the member's: the one they registered with, or a new one. */
@Injectable()
export class EmailConfirmations {
  constructor(
    private readonly links: LinksService,
    private readonly mail: MailService,
    private readonly users: UsersService,
    private readonly activity: ActivityService,
    private readonly settings: Settings,
  ) {}

  /**
   * Mails a link that confirms a member's current address. Earlier links stop working. If `isSent` is false, does the
   * same work but sends nothing.
   */
  async sendVerification({ id, email }: Pick<User, 'id' | 'email'>, isSent = true): Promise<void> {
    const link = await this.linkFor(id, email, dayMs);
    await this.mail.send({ to: isSent ? email : undefined, view: 'verify-email', data: { link } });
  }

  /**
   * Tells the owner of an address that somebody tried to register with it. Does the same work as `sendVerification`. If
   * `isSent` is false, sends nothing.
   */
  async tellOwner(email: string, isSent = true): Promise<void> {
    await this.linkFor('nobody', email, 0);
    await this.mail.send({
      to: isSent ? email : undefined,
      view: 'registered-again',
      data: { link: `${this.settings.publicUrl}/login` },
    });
  }

  /**
   * Mails a link to a new address. When the link is opened, the address becomes the member's. If another member has the
   * address already, the answer is the same, and that member gets a mail about it.
   *
   * @throws InvalidInput if the member has this address already.
   */
  async requestChange({ id, email: old }: Viewer, email: string): Promise<void> {
    if (email === old) throw new InvalidInput([{ field: 'email', message: 'That is the address you have already.' }]);
    if (await this.users.exists(email)) return this.tellOwner(email);
    const link = await this.linkFor(id, email, hourMs);
    await this.mail.send({ to: email, view: 'confirm-new-email', data: { link } });
  }

  /**
   * The address that a link would confirm.
   *
   * @throws SpentLink if the link was used or has expired.
   */
  async addressOf(secret: unknown): Promise<string> {
    return (await this.links.find('email', secret))?.data ?? used();
  }

  /**
   * Confirms an address and uses its link up. Anybody who opens the link can read the mailbox. The address counts as
   * owned by the member only if `viewer` is that member.
   *
   * @throws SpentLink if the link was used or has expired, or if another member has the address by now.
   */
  async confirm(secret: unknown, viewer: Pick<Viewer, 'id'> | undefined, caller: Caller): Promise<void> {
    const link = await this.links.spend('email', secret);
    if (!link?.userId || !link.data) used();
    // an older link may hold another spelling of the email
    const email = emailForm(link.data) as string;
    const user = await this.users.find(link.userId).catch(() => used());
    const isOwner = viewer?.id === user.id;
    if (user.email === email) {
      await this.users.verifyEmail(user.id, email, isOwner);
      await this.activity.record({ kind: 'email.verified', member: user }, caller);
      return;
    }
    if (!(await this.users.setEmail(user, email, isOwner))) used();
    // a link in the old mailbox must not open the account any more
    await this.links.withdrawAllOf(user.id);
    await this.activity.record({ kind: 'email.changed', member: user, target: email }, caller);
    await this.mail.send({ to: user.email, view: 'email-changed', data: { email } });
  }

  private async linkFor(userId: string, email: string, lifetime: number): Promise<string> {
    const { secret } = await this.links.issue({ kind: 'email', userId, lifetime, data: email });
    return `${this.settings.publicUrl}/email/confirmation?token=${secret}`;
  }
}

function used(): never {
  throw new SpentLink({ text: 'Ask for another link on your account page', href: '/account' });
}
