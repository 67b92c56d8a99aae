import { Injectable } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { EmailConfirmations } from '../confirmations/email-confirmations.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import { RateLimits } from '../limits/rate-limits.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { isOfDomains, RegistrationRules } from '../users/registration-rules.js';
import { UsersService } from '../users/users.service.js';
import type { PasswordChangeInput } from './account.input.js';
import { OwnPassword } from './own-password.js';

/** What members change of their own accounts: the name, the address, the password. */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly rules: RegistrationRules,
    private readonly sessions: SessionsService,
    private readonly links: LinksService,
    private readonly emails: EmailConfirmations,
    private readonly ownPassword: OwnPassword,
    private readonly limits: RateLimits,
    private readonly mail: MailService,
    private readonly activity: ActivityService,
  ) {}

  async rename(viewer: Viewer, name: string, caller: Caller): Promise<void> {
    await this.users.rename(viewer, name);
    await this.activity.record({ kind: 'account.renamed', member: viewer, target: name }, caller);
  }

  /**
   * Mails a link to the address that a member wants; theirs is the old one until it is opened.
   *
   * @throws InvalidInput where it is the address that they have, or of a domain that this site does not take.
   * @throws TooManyRequests where too many mails were asked for.
   */
  async requestEmailChange(viewer: Viewer, email: string, caller: Caller): Promise<void> {
    // who may not register with an address may not move to it either
    if (!isOfDomains(email, await this.rules.current()))
      throw new InvalidInput([{ field: 'email', message: 'This site takes email addresses of some domains only.' }]);
    await this.limits.spendMail({ email, address: caller.address });
    await this.emails.requestChange(viewer, email);
    await this.activity.record({ kind: 'email.change-asked', member: viewer, target: email }, caller);
  }

  /**
   * Mails a link that confirms the member's address; false where it is confirmed already.
   *
   * @throws TooManyRequests where too many mails were asked for.
   */
  async sendVerification(viewer: Viewer, caller: Caller): Promise<boolean> {
    if (viewer.hasVerifiedEmail) return false;
    await this.limits.spendMail({ email: viewer.email, address: caller.address, device: viewer.id });
    await this.emails.sendVerification(viewer);
    await this.activity.record({ kind: 'email.verification-asked', member: viewer }, caller);
    return true;
  }

  /**
   * Gives a member the password they want, and ends every session and token but the one that asks. Links that were
   * mailed before open nothing any more.
   *
   * @throws InvalidInput where the current password is wrong, or the new one is known from a breach.
   * @throws TooManyRequests where too many wrong ones were given.
   * @throws Busy where too many passwords wait to be hashed.
   */
  async changePassword(viewer: Viewer, input: PasswordChangeInput, caller: Caller): Promise<void> {
    const { id, email, session } = viewer;
    const refusal = { field: 'currentPassword', kind: 'password.changed' } as const;
    await this.ownPassword.check(viewer, input.currentPassword, refusal, caller);
    // first, so that a crash leaves nobody in; and again below, for who came in with the old password meanwhile
    await this.sessions.endAllOf(id, session.id);
    await this.users.setPassword(id, input.password, caller.address);
    await this.sessions.endAllOf(id, session.id);
    await this.links.withdrawAllOf(id);
    // they were given by somebody who knew the old password
    await this.limits.forgetWrongCodes(id);
    await this.activity.record({ kind: 'password.changed', member: viewer }, caller);
    await this.mail.send({ to: email, view: 'password-changed', data: {} });
  }
}
