import { ForbiddenException, Injectable, UnauthorizedException } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { Settings } from '../config/settings.js';
import { FactorsService } from '../factors/factors.service.js';
import { PasskeysService } from '../factors/passkeys.service.js';
import type { Viewer } from '../http/access.js';
import { callerOf } from '../http/caller.js';
import { RateLimits } from '../limits/rate-limits.js';
import { MailService } from '../mail/mail.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { Devices } from './devices.js';

/** After so many wrong codes that came with the right password, its owner is told: at first, and when no more are taken. */
const tellAfter = [5, 100];
const codesAreOver =
  'There were too many wrong codes for this account. Log in with a passkey, or with a browser that you have used before; or choose a new password with a link (“Forgot your password?”).';
const proofsAreOver = 'There were too many wrong answers in this session. Log out, and log in again.';

/** Somebody who is half in, after a right password; or who is in, and proves again who they are. */
type Member = User | Viewer;

/** Looks at what a member gives to prove who they are, beside the password at login; counts and notes what is wrong. */
@Injectable()
export class FactorChecks {
  constructor(
    private readonly factors: FactorsService,
    private readonly passkeys: PasskeysService,
    private readonly users: UsersService,
    private readonly devices: Devices,
    private readonly limits: RateLimits,
    private readonly activity: ActivityService,
    private readonly mail: MailService,
    private readonly settings: Settings,
  ) {}

  /**
   * Whether a code is right; it is spent.
   *
   * @throws TooManyRequests where too many were wrong of late.
   * @throws UnauthorizedException or ForbiddenException where too many were wrong for this password, or in this session.
   */
  async passesCode(member: Member, code: string, request: FastifyRequest): Promise<boolean> {
    return this.counting(member, request, async () => {
      const accepted = await this.factors.verifyCode(member.id, code);
      if (accepted === 'recovery-code') {
        await this.activity.record({ kind: 'factor.recovery-code-used', member }, callerOf(request));
        const { recoveryCodesLeft } = await this.factors.summaryOf(member.id);
        const data = { left: String(recoveryCodesLeft) };
        await this.mail.send({ to: member.email, view: 'recovery-code-used', data });
      }
      return accepted !== undefined;
    });
  }

  /** Whether a password is the member's. Throws as `passesCode` does. */
  passesPassword(viewer: Viewer, password: string, request: FastifyRequest): Promise<boolean> {
    return this.counting(viewer, request, () =>
      this.users.isPasswordOf(viewer.id, password, callerOf(request).address),
    );
  }

  /**
   * Whose passkey answered, one of `member`'s where that is given.
   *
   * @throws TooManyRequests where too many answers were wrong, or a member logs in by one again and again.
   */
  async passesPasskey(
    response: string,
    request: FastifyRequest,
    { kind, member }: { kind: 'session.began' | 'session.proved'; member?: Viewer },
  ): Promise<string | undefined> {
    const caller = callerOf(request);
    const owner = await this.passkeys.findOwner(response, member?.id);
    if (owner !== undefined) {
      // proofs are counted as all that a session changes is
      if (!member) await this.limits.spendPasskeyLogin(owner, caller.address);
      const found = await this.passkeys.authenticate(response, member?.id);
      if (found) return found.userId;
      if (!member) await this.limits.giveBackPasskeyLogin(owner, caller.address);
    }
    await this.limits.spendPasskey(caller.address);
    await this.activity.record({ kind, outcome: 'refused', member, actor: null }, caller);
    return undefined;
  }

  /**
   * Has an answer looked at and counts it: in a session by the session, at a login by the device where the member has
   * logged in with it before, else by the account. So nobody without the password, or a session, locks anybody out; and
   * who has the password stands in the way of unknown devices alone.
   */
  private async counting(member: Member, request: FastifyRequest, check: () => Promise<boolean>): Promise<boolean> {
    const by = this.countedBy(member, request);
    await this.limits.spendFactor(member.id, callerOf(request).address, by);
    const wrong = await this.limits.spendCode(member.id, by);
    if (wrong === undefined)
      throw 'session' in member ? new ForbiddenException(proofsAreOver) : new UnauthorizedException(codesAreOver);
    let isRight: boolean;
    try {
      isRight = await check();
    } catch (error) {
      await this.limits.giveBackCode(member.id, by);
      throw error;
    }
    if (isRight) {
      await this.limits.forgiveCode(member.id, by);
      await this.limits.forgiveFactor(member.id, by);
      return true;
    }
    await this.activity.record({ kind: 'session.proved', outcome: 'refused', member, actor: null }, callerOf(request));
    if (!('session' in member) && tellAfter.includes(wrong)) await this.tell(member, wrong);
    return false;
  }

  private countedBy(member: Member, request: FastifyRequest): string | undefined {
    if ('session' in member) return member.session.id;
    return this.devices.isKnown(request, member) ? this.devices.find(request, member.id) : undefined;
  }

  private tell({ email }: User, wrong: number): Promise<void> {
    const data = { wrong: String(wrong), link: `${this.settings.publicUrl}/password/forgot` };
    return this.mail.send({ to: email, view: 'wrong-codes', data });
  }
}
