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
  /** Whether a second factor was asked for and shown; a passkey is one. */
  readonly hasShownFactor?: boolean;
  /** Whether the member has logged in with this device before; where nobody can say, the network tells. */
  readonly isKnownDevice?: boolean;
}

/** What became of a registration: a session, a place in the queue of those whom an admin lets in, or nothing. */
export type Registration =
  | { readonly outcome: 'begun'; readonly user: User; readonly begun: Begun }
  | { readonly outcome: 'awaiting' }
  | { readonly outcome: 'taken' };

/** Coming in: as a new member, or as one who has proved who they are. Tells the activity log, and by mail the member. */
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
   * Makes an account and begins its first session. For an email that has one, the same work is done in vain, so that
   * the time tells nothing.
   *
   * @throws ForbiddenException where registration is closed.
   * @throws InvalidInput where the rules of registration, or the password, stand against it.
   * @throws TooManyRequests where this address has registered too often.
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
      // who has the mail that an invite came in has the address
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
      // beyond the limit the same work is done, and nobody is mailed
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
   * Begins a session of a member who has proved who they are.
   *
   * @throws UnauthorizedException where they may not come in any more, or their password was changed meanwhile.
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

  /** Writes down that somebody who gave the member's password is asked for the second factor: it may not be the member. */
  noteSecondStep(member: User, caller: Caller): Promise<void> {
    return this.activity.record({ kind: 'session.second-step-asked', member, actor: null }, caller);
  }

  /** Ends a session that its own member leaves. */
  async end(viewer: { id: string; email: string; session: { id: string } }, caller: Caller): Promise<void> {
    await this.sessions.end(viewer.session.id);
    await this.activity.record({ kind: 'session.ended', member: viewer }, caller);
  }

  /** An invite is spent before the account is made, so that it makes one; where none came of it, it is good again. */
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
