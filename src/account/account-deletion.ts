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

/** Deletes accounts. A member's data is deleted at once, and the log entries that stay no longer name the member. */
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
   * Deletes the account of a member who asks for it, and everything that belongs to it.
   *
   * @throws InvalidInput if the password is wrong.
   * @throws TooManyRequests if too many wrong passwords were given.
   * @throws ForbiddenException if too many wrong passwords were given in this session.
   * @throws ConflictException if this is the last admin.
   */
  async leave(viewer: Viewer, password: string, caller: Caller): Promise<void> {
    await this.ownPassword.check(viewer, password, { field: 'password', kind: 'session.proved' }, caller);
    await this.deleteAccountOf(viewer, { admin: viewer, caller });
  }

  /**
   * Deletes a member's account and everything that belongs to it, and tells the member by mail.
   *
   * The row is deleted first. That one statement decides whether the account may be deleted, and ends every session. If
   * a crash follows, the log still names a former member, and the next sweep removes the name. The other order could
   * remove the names of a member who stays.
   *
   * @throws ConflictException if this is the last admin.
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

  /**
   * Removes the names of former members that a crash left in the log, or that a download wrote there after its member
   * was deleted.
   */
  private async sweep(): Promise<void> {
    for (const { id } of await this.reader.rows<{ id: string }>(departed, [nobody])) await this.activity.anonymise(id);
  }
}

const listed = (kinds: readonly EventKind[]) => kinds.map((kind) => `'${kind}'`).join(', ');

/** The former members that the log still names. Reads the index from member to member instead of all rows. */
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
