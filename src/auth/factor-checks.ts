import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { FactorsService } from '../factors/factors.service.js';
import { PasskeysService } from '../factors/passkeys.service.js';
import { callerOf } from '../http/caller.js';
import { RateLimits } from '../limits/rate-limits.js';
import { MailService } from '../mail/mail.service.js';
import { UsersService } from '../users/users.service.js';
import { Devices } from './devices.js';

interface Member {
  readonly id: string;
  readonly email: string;
}

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
  ) {}

  /** Whether a code is right; it is spent. @throws TooManyRequests where too many were wrong. */
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

  /** Whether a password is the member's. @throws TooManyRequests where too many were wrong. */
  passesPassword(member: Member, password: string, request: FastifyRequest): Promise<boolean> {
    return this.counting(member, request, () =>
      this.users.isPasswordOf(member.id, password, callerOf(request).address),
    );
  }

  /** Whose passkey answered, one of `member`'s where that is given. @throws TooManyRequests where too many were wrong. */
  async passesPasskey(
    response: string,
    request: FastifyRequest,
    { kind, member }: { kind: 'session.began' | 'session.proved'; member?: Member },
  ): Promise<string | undefined> {
    const found = await this.passkeys.authenticate(response, member?.id);
    if (found) return found.userId;
    const caller = callerOf(request);
    await this.activity.record({ kind, outcome: 'refused', member, actor: null }, caller);
    await this.limits.spendPasskey(caller.address);
    return undefined;
  }

  private async counting(member: Member, request: FastifyRequest, check: () => Promise<boolean>): Promise<boolean> {
    const device = this.devices.find(request, member.id);
    await this.limits.spendFactor(member.id, callerOf(request).address, device);
    if (await check()) {
      await this.limits.forgiveFactor(member.id, device);
      return true;
    }
    await this.activity.record({ kind: 'session.proved', outcome: 'refused', member, actor: null }, callerOf(request));
    return false;
  }
}
