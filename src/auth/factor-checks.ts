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

/**
 * The numbers of wrong codes after which the account's owner gets a mail. All of these codes came with the right
 * password. The last number is the one after which no more codes are accepted.
 */
const tellAfter = [5, 100];
const codesAreOver =
  'There were too many wrong codes for this account. Log in with a passkey, or with a browser that you have used before; or choose a new password with a link (“Forgot your password?”).';
const proofsAreOver = 'There were too many wrong answers in this session. Log out, and log in again.';

/**
 * Somebody who has given the right password and must still give a code, or a logged-in member who proves again who they
 * are.
 */
type Member = User | Viewer;

/**
 * Checks the codes, passwords and passkeys that members prove themselves with, except the password at login. Counts and
 * records wrong ones.
 */
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
   * Whether a code is right. A right code is then used up.
   *
   * @throws TooManyRequests if too many recent codes were wrong.
   * @throws UnauthorizedException if too many codes were wrong at the login.
   * @throws ForbiddenException if too many codes were wrong in this session.
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

  /**
   * Whether a password is the member's. Throws the same errors as `passesCode`.
   *
   * @throws Busy if too many passwords wait to be verified.
   */
  passesPassword(viewer: Viewer, password: string, request: FastifyRequest): Promise<boolean> {
    return this.counting(viewer, request, () =>
      this.users.isPasswordOf(viewer.id, password, callerOf(request).address),
    );
  }

  /**
   * The id of the member whose passkey answered. If `member` is given, it must be theirs. Gives undefined if the answer
   * is not valid.
   *
   * @throws TooManyRequests if too many answers were wrong, or the member has logged in with a passkey too often.
   */
  async passesPasskey(
    response: string,
    request: FastifyRequest,
    { kind, member }: { kind: 'session.began' | 'session.proved'; member?: Viewer },
  ): Promise<string | undefined> {
    const caller = callerOf(request);
    const owner = await this.passkeys.findOwner(response, member?.id);
    if (owner !== undefined) {
      // a proof in a session is counted with the session's other changes
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
   * Checks an answer and counts it. In a session, it counts by session. At a login, it counts by device if the member
   * has logged in with it since the password last changed, or else by account. So only somebody with the password or a
   * session can cause a lock. Somebody with just the password can lock out unknown devices only.
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
