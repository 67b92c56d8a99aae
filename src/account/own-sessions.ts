import { Injectable, NotFoundException, UnauthorizedException } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import type { Session } from '../sessions/session.entity.js';
import { deviceOf } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { NewTokenInput } from './token.input.js';

/** Lets members end their own sessions and personal tokens, and make tokens. */
@Injectable()
export class OwnSessions {
  constructor(
    private readonly sessions: SessionsService,
    private readonly activity: ActivityService,
  ) {}

  /**
   * A session or token of this member.
   *
   * @throws NotFoundException if it is not theirs.
   */
  async find(viewer: Viewer, id: string): Promise<Session> {
    const session = isUuid(id) ? await this.sessions.findOf(viewer, id) : undefined;
    return session ?? notThere();
  }

  /**
   * Ends a session or token of this member.
   *
   * @throws NotFoundException if it is not theirs.
   */
  async end(viewer: Viewer, id: string, caller: Caller): Promise<void> {
    const session = isUuid(id) ? await this.sessions.endFor(viewer, id) : undefined;
    if (!session) notThere();
    const target = session.name ?? deviceOf(session.userAgent);
    await this.activity.record({ kind: 'session.ended', member: viewer, target }, caller);
  }

  /** Ends all sessions and tokens of this member except the one that asks. */
  async endOthers(viewer: Viewer, caller: Caller): Promise<void> {
    await this.sessions.endAllOf(viewer.id, viewer.session.id);
    // again, for tokens that one of these sessions made while it was being ended
    await this.sessions.endAllOf(viewer.id, viewer.session.id);
    await this.activity.record({ kind: 'session.others-ended', member: viewer }, caller);
  }

  /**
   * Makes a personal token. The token is given only once, because only its id is stored.
   *
   * @throws InvalidInput if a member who is not an admin asks for an admin's scope.
   * @throws UnauthorizedException if the session that asks has ended in the meantime.
   */
  async makeToken(
    viewer: Viewer,
    { name, scope, days }: NewTokenInput,
    caller: Caller,
  ): Promise<{ token: string; session: Session }> {
    if (scope === 'admin' && viewer.role !== 'admin')
      throw new InvalidInput([{ field: 'scope', message: 'Only an admin’s token may do what admins do.' }]);
    const begun = await this.sessions.begin(viewer.id, { kind: 'token', caller, token: { name, scope, days } });
    // If the session was ended while it made the token, the token must not stay. If the session is still there after
    // the token is written, whatever ends the session later finds the token too.
    const isStillIn = begun && (await this.sessions.findOf(viewer, viewer.session.id));
    const session = isStillIn && (await this.sessions.findOf(viewer, begun.id));
    if (!session) {
      if (begun) await this.sessions.end(begun.id);
      throw new UnauthorizedException('Your session has ended. Please log in again.');
    }
    await this.activity.record({ kind: 'token.made', member: viewer, target: name }, caller);
    return { token: begun.token, session };
  }
}

function notThere(): never {
  throw new NotFoundException('There is no such session of yours. It may have ended already.');
}
