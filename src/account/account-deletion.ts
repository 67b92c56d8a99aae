import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ActivityService, nobody, type Person } from '../activity/activity.service.js';
import { kindsAboutMemberships, kindsAboutThings, type EventKind } from '../activity/event-kinds.js';
import { hourMs } from '../config/durations.js';
import { Reader } from '../database/reader.js';
import type { Viewer } from '../http/access.js';
import type { Actor } from '../http/actor.js';
import type { Caller } from '../http/caller.js';
import { Chores } from '../http/chores.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { UsersService } from '../users/users.service.js';
import { OwnPassword } from './own-password.js';

/** Members who leave: their data goes at once, and what the site keeps of them names nobody. */
@Injectable()
export class AccountDeletion implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly ownPassword: OwnPassword,
    private readonly links: LinksService,
    private readonly mail: MailService,
    private readonly activity: ActivityService,
    private readonly reader: Reader,
    private readonly chores: Chores,
  ) {}

  /**
   * Deletes the account of a member who asks for it, and all that is theirs with it.
   *
   * @throws InvalidInput where the password is wrong.
   * @throws TooManyRequests where too many wrong ones were given.
   * @throws ConflictException for the last admin.
   */
  async leave(viewer: Viewer, password: string, caller: Caller): Promise<void> {
    await this.ownPassword.check(viewer, password, { field: 'password', kind: 'session.proved' }, caller);
    await this.deleteAccountOf(viewer, { admin: viewer, caller });
  }

  /**
   * Deletes a member's account, and all that is theirs with it, and tells them by mail.
   *
   * The row goes first: that one statement decides whether they may go at all, and ends every session. What a crash
   * leaves undone after it names somebody who is no member any more, and is done by the next sweep; the other way
   * round it would take the names off the log of a member who stays.
   *
   * @throws ConflictException for the last admin.
   */
  async deleteAccountOf(member: Person, { admin, caller }: Actor): Promise<void> {
    await this.users.delete(member.id);
    await this.links.withdrawAllOf(member.id);
    await this.links.forget(member.email);
    await this.activity.record({ kind: 'account.deleted', member, actor: admin }, caller);
    await this.activity.anonymise(member.id);
    await this.mail.send({ to: member.email, view: 'account-deleted', data: {} });
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'what is left of deleted members could not be made anonymous');
  }

  /** Takes the names of those who left off what a crash kept, or a download wrote down that ended after its member. */
  private async sweep(): Promise<void> {
    for (const { id } of await this.reader.rows<{ id: string }>(departed, [nobody])) await this.activity.anonymise(id);
  }
}

const listed = (kinds: readonly EventKind[]) => kinds.map((kind) => `'${kind}'`).join(', ');

/** Those whom the log still names though they are gone; goes from member to member of its index, not through all rows. */
const departed = `
  WITH RECURSIVE m ("id") AS (
    SELECT MIN(e."memberId") FROM "events" e
    UNION ALL
    SELECT (SELECT MIN(e."memberId") FROM "events" e WHERE e."memberId" > m."id") FROM m WHERE m."id" IS NOT NULL
  )
  SELECT m."id" FROM m
  WHERE m."id" IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM "users" u WHERE u."id" = m."id")
    AND EXISTS (
      SELECT 1 FROM "events" e
      WHERE e."memberId" = m."id"
        AND ((e."target" <> $1 AND e."kind" NOT IN (${listed([...kindsAboutThings, ...kindsAboutMemberships])}))
          OR (e."kind" IN (${listed(kindsAboutMemberships)}) AND e."target" NOT LIKE '${nobody}: %')
          OR (e."actor" <> $1 AND (e."actorId" = m."id" OR e."actorId" IS NULL)))
    )`;
