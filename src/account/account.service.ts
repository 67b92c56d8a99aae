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

/** Changes a member's own account: the name, the address and the password. */
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
   * Mails a link to the member's new address. The old address stays until the link is opened.
   *
   * @throws InvalidInput if the member has this address already, or this site does not accept its domain.
   * @throws TooManyRequests if too many mails were asked for.
   */
  async requestEmailChange(viewer: Viewer, email: string, caller: Caller): Promise<void> {
    // members must not change to an address that they could not register with
    if (!isOfDomains(email, await this.rules.current()))
      throw new InvalidInput([{ field: 'email', message: 'This site takes email addresses of some domains only.' }]);
    await this.limits.spendMail({ email, address: caller.address });
    await this.emails.requestChange(viewer, email);
    await this.activity.record({ kind: 'email.change-asked', member: viewer, target: email }, caller);
  }

  /**
   * Mails a link that confirms the member's address. Gives false if the address is confirmed already.
   *
   * @throws TooManyRequests if too many mails were asked for.
   */
  async sendVerification(viewer: Viewer, caller: Caller): Promise<boolean> {
    if (viewer.hasVerifiedEmail) return false;
    await this.limits.spendMail({ email: viewer.email, address: caller.address, device: viewer.id });
    await this.emails.sendVerification(viewer);
    await this.activity.record({ kind: 'email.verification-asked', member: viewer }, caller);
    return true;
  }

  /**
   * Changes a member's password, and ends all of their sessions and tokens except the one that asks. Links that were
   * mailed before stop working.
   *
   * @throws InvalidInput if the current password is wrong, or the new one is easy to guess or was found in a breach.
   * @throws TooManyRequests if too many wrong passwords were given.
   * @throws ForbiddenException if too many wrong passwords were given in this session.
   * @throws Busy if too many passwords wait to be hashed.
   */
  async changePassword(viewer: Viewer, input: PasswordChangeInput, caller: Caller): Promise<void> {
    const { id, email, session } = viewer;
    const refusal = { field: 'currentPassword', kind: 'password.changed' } as const;
    await this.ownPassword.check(viewer, input.currentPassword, refusal, caller);
    // ends the sessions first, so that a crash leaves nobody logged in; and again below, for a login with the old
    // password in between
    await this.sessions.endAllOf(id, session.id);
    await this.users.setPassword(id, input.password, caller.address);
    await this.sessions.endAllOf(id, session.id);
    await this.links.withdrawAllOf(id);
    // only somebody who knew the old password could give these wrong codes
    await this.limits.forgetWrongCodes(id);
    await this.activity.record({ kind: 'password.changed', member: viewer }, caller);
    await this.mail.send({ to: email, view: 'password-changed', data: {} });
  }
}
