import { Injectable } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import type { ActivityEvent } from '../activity/event.entity.js';
import { presentEvent } from '../activity/event.view.js';
import { FactorsService } from '../factors/factors.service.js';
import { presentFactors } from '../factors/factors.view.js';
import type { Viewer } from '../http/access.js';
import type { Caller } from '../http/caller.js';
import type { PagingInput, Part } from '../http/paging.input.js';
import type { Session } from '../sessions/session.entity.js';
import { presentSession } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { UsersService } from '../users/users.service.js';
import { presentUser } from '../users/user.view.js';
import type { ExportView } from './account-export.view.js';
import { asSeenBy } from './activity.view.js';

/** All that the site knows of a member, in one document, and no secret in it. */
@Injectable()
export class AccountExport {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly factors: FactorsService,
    private readonly activity: ActivityService,
  ) {}

  /** Makes the document, which tells of its own making too. */
  async make(viewer: Viewer, caller: Caller): Promise<ExportView> {
    await this.activity.record({ kind: 'account.exported', member: viewer }, caller);
    const user = await this.users.find(viewer.id);
    const factors = await this.factors.summaryOf(viewer.id);
    const sessions = await everyOne<Session>((part) => this.sessions.listFor(viewer, part));
    const activity = await everyOne<ActivityEvent>((part) => this.activity.listFor(viewer, part));
    return {
      exportedAt: new Date().toISOString(),
      account: Object.assign(presentUser(user), { emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null }),
      sessions: sessions.map((session) => presentSession(session, viewer.session.id)),
      secondFactors: presentFactors(factors, this.factors.isRequiredOf(viewer)),
      activity: activity.map((event) => presentEvent(asSeenBy(viewer, event))),
    };
  }
}

/** Reads a list to its end, a part at a time. */
async function everyOne<Item>(read: (part: PagingInput) => Promise<Part<Item>>): Promise<Item[]> {
  const all: Item[] = [];
  let cursor: string | null | undefined;
  do {
    const part: Part<Item> = await read({ limit: 500, ...(cursor && { cursor }) });
    all.push(...part.items);
    cursor = part.nextCursor;
  } while (cursor !== null);
  return all;
}
