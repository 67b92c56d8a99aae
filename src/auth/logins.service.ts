import { ForbiddenException, Injectable, UnauthorizedException } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { emailForm } from '../config/email-address.js';
import { Settings } from '../config/settings.js';
import { EmailConfirmations } from '../confirmations/email-confirmations.js';
import type { SessionKind } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import type { Link } from '../links/link.entity.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { deviceOf } from '../sessions/session.view.js';
import { SessionsService, type Begun } from '../sessions/sessions.service.js';
import { isOfDomains, RegistrationRules } from '../users/registration-rules.js';
import type { RegistrationInput } from '../users/registration.input.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { RateLimits } from '../limits/rate-limits.js';

export interface LoginDetails {
  readonly kind: SessionKind;
  readonly caller: Caller;
  readonly isRemembered?: boolean;
  /** Whether a second factor was asked for and given. A passkey counts as one. */
  readonly hasShownFactor?: boolean;
  /**
   * Whether the member has logged in with this device before. If it is left out, the network of the address decides.
   */
  readonly isKnownDevice?: boolean;
}

/**
 * The result of a registration: a session has begun, an admin must approve the member, or the email has an account
 * already.
 */
export type Registration =
  | { readonly outcome: 'begun'; readonly user: User; readonly begun: Begun }
  | { readonly outcome: 'awaiting' }
  | { readonly outcome: 'taken' };

/**
 * Registers new members and logs members in. Records it in the activity log, and mails the member if the device is new.
 */
@Injectable()
export class LoginsService {
  constructor(
    private readonly users: UsersService,
    private readonly rules: RegistrationRules,
    private readonly sessions: SessionsService,
    private readonly links: LinksService,
    private readonly emails: EmailConfirmations,
    private readonly mail: MailService,
    private readonly activity: ActivityService,
    private readonly limits: RateLimits,
    private readonly settings: Settings,
  ) {}

  /**
   * Creates an account and begins its first session. If the email has an account, does the same work without a result,
   * so that the time does not show it.
   *
   * @throws ForbiddenException if registration is closed.
   * @throws InvalidInput if the rules for registration or the password checks refuse it.
   * @throws TooManyRequests if this address has registered too often.
   * @throws Busy if too many passwords wait to be hashed.
   */
  async register(input: RegistrationInput, kind: SessionKind, caller: Caller): Promise<Registration> {
    await this.limits.spendRegistration(caller.address);
    const rules = await this.rules.current();
    if (rules.mode === 'closed') throw new ForbiddenException('Registration is closed: ask whoever runs this site.');
    if (!isOfDomains(input.email, rules))
      throw new InvalidInput([{ field: 'email', message: 'This site takes email addresses of some domains only.' }]);
    const invite = await this.links.spend('invite', input.invite);
    if (rules.mode === 'invite' && !invite)
      throw new InvalidInput([
        {
          field: 'invite',
          message: 'Members come by invitation here, and this invite is used or over. Ask for another.',
        },
      ]);
    const isAwaiting = rules.mode === 'approval' && !invite;
    const registered = await this.spending(invite, () =>
      // somebody who received the invite by mail has that address
      this.users.register(
        { ...input, isAwaiting, isVerified: emailForm(invite?.data) === input.email },
        caller.address,
      ),
    );

    const { isNew } = registered;
    const member = { id: isNew ? registered.user.id : registered.id, email: input.email };
    const begun = await this.sessions.begin(member.id, { kind, caller, isOver: !isNew || isAwaiting });
    const outcome = isNew ? 'success' : 'refused';
    await this.activity.record({ kind: 'account.registered', outcome, member, actor: isNew ? member : null }, caller);
    if (this.settings.emailVerification === 'required') {
      // above the limit, the same work is done but no mail is sent
      const isSent = await this.limits.mayMail({ email: input.email, address: caller.address });
      if (!isNew) await this.emails.tellOwner(input.email, isSent);
      else if (!registered.user.emailVerifiedAt) await this.emails.sendVerification(registered.user, isSent);
    }
    if (!isNew) return { outcome: 'taken' };
    if (isAwaiting) {
      const link = `${this.settings.publicUrl}/admin/members/${member.id}`;
      const told = (await this.limits.mayTellAdmins()) ? await this.users.admins() : [];
      for (const admin of told)
        await this.mail.send({ to: admin.email, view: 'account-awaits', data: { email: input.email, link } });
      return { outcome: 'awaiting' };
    }
    if (!begun) throw new Error('A member who has just registered may not come in.');
    return { outcome: 'begun', user: registered.user, begun };
  }

  /**
   * Begins a session for a member who has proved who they are.
   *
   * @throws UnauthorizedException if they may not log in any more, or their password or second factor has changed in
   * the meantime.
   */
  async begin(user: User, details: LoginDetails): Promise<Begun> {
    const { kind, caller, isRemembered = false, hasShownFactor = false, isKnownDevice } = details;
    const isKnown = isKnownDevice ?? (await this.sessions.isKnownNetwork(user.id, caller.address));
    const { passwordHash } = user;
    const isWithoutFactor = !hasShownFactor;
    const begun = await this.sessions.begin(user.id, { kind, caller, isRemembered, passwordHash, isWithoutFactor });
    if (!begun) throw new UnauthorizedException('Your account changed while you logged in. Please log in again.');
    await this.limits.forgetFailures(user.email);
    await this.activity.record({ kind: 'session.began', member: user }, caller);
    if (!isKnown) {
      const data = { device: deviceOf(caller.userAgent), address: caller.address, at: new Date().toUTCString() };
      await this.mail.send({ to: user.email, view: 'new-device', data });
    }
    return begun;
  }

  /**
   * Records that somebody gave the member's password and was asked for the second factor. This may not be the member.
   */
  noteSecondStep(member: User, caller: Caller): Promise<void> {
    return this.activity.record({ kind: 'session.second-step-asked', member, actor: null }, caller);
  }

  /** Ends a session because its member logs out. */
  async end(viewer: { id: string; email: string; session: { id: string } }, caller: Caller): Promise<void> {
    await this.sessions.end(viewer.session.id);
    await this.activity.record({ kind: 'session.ended', member: viewer }, caller);
  }

  /**
   * Uses the invite up before the account is created, so that it creates only one. If no account is created, the invite
   * works again.
   */
  private async spending<Result extends { isNew: boolean }>(invite: Link | undefined, work: () => Promise<Result>) {
    let isSpent = false;
    try {
      const result = await work();
      isSpent = result.isNew;
      return result;
    } finally {
      if (invite && !isSpent) await this.links.giveBack(invite);
    }
  }
}
