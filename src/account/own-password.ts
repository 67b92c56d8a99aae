import { ForbiddenException, Injectable } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import { RateLimits } from '../limits/rate-limits.js';
import { UsersService } from '../users/users.service.js';

/** What is said, and noted, where the password is wrong. */
interface Refusal {
  readonly field: string;
  readonly kind: EventKind;
}

/** Looks at the password that a member types before something that a borrowed browser must not do. */
@Injectable()
export class OwnPassword {
  constructor(
    private readonly users: UsersService,
    private readonly limits: RateLimits,
    private readonly activity: ActivityService,
  ) {}

  /**
   * Lets pass who types the member's password. Wrong ones are counted by session, so that what strangers guess at the
   * login never stands in the member's way here.
   *
   * @throws InvalidInput at the refusal's field where it is wrong.
   * @throws TooManyRequests where too many were wrong of late.
   * @throws ForbiddenException where too many were wrong in this session.
   */
  async check(viewer: Viewer, password: string, { field, kind }: Refusal, caller: Caller): Promise<void> {
    const { id, session } = viewer;
    await this.limits.spendFactor(id, caller.address, session.id);
    if ((await this.limits.spendCode(id, session.id)) === undefined)
      throw new ForbiddenException('There were too many wrong passwords in this session. Log out, and log in again.');
    const isRight = await this.users.isPasswordOf(id, password, caller.address).catch(async (error: unknown) => {
      await this.limits.giveBackCode(id, session.id);
      throw error;
    });
    if (isRight) {
      await this.limits.forgiveCode(id, session.id);
      return this.limits.forgiveFactor(id, session.id);
    }
    await this.activity.record({ kind, outcome: 'refused', member: viewer }, caller);
    throw new InvalidInput([{ field, message: 'That is not your password. Please try again.' }]);
  }
}
