import { ForbiddenException, Injectable } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import { RateLimits } from '../limits/rate-limits.js';
import { UsersService } from '../users/users.service.js';

/** The form field of the message, and the kind of the log entry, if the password is wrong. */
interface Refusal {
  readonly field: string;
  readonly kind: EventKind;
}

/** Asks for a member's own password before an action that somebody who borrows the browser must not do. */
@Injectable()
export class OwnPassword {
  constructor(
    private readonly users: UsersService,
    private readonly limits: RateLimits,
    private readonly activity: ActivityService,
  ) {}

  /**
   * Checks the member's password. Counts wrong ones for each session, so that a stranger's guesses at the login page
   * never lock the member out here.
   *
   * @throws InvalidInput at the refusal's field if the password is wrong.
   * @throws TooManyRequests if too many recent passwords were wrong.
   * @throws ForbiddenException if too many passwords were wrong in this session.
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
