import { ConflictException, Injectable, type OnModuleInit } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { dayMs, minuteMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { Writer } from '../database/writer.js';
import type { StoredFile } from '../files/stored-file.entity.js';
import type { Actor } from '../http/actor.js';
import { Chores } from '../http/chores.js';
import { MailService } from '../mail/mail.service.js';
import { entitled, theFile, type FileAudienceKind } from './receipts.service.js';

const slice = 100;
/**
 * How long a process that took a reminder has to queue it, in milliseconds. After that, any process may take it again.
 */
const leaseMs = minuteMs;

interface Due {
  readonly memberId: string;
  readonly fileId: string;
  readonly email: string | null;
  readonly name: string | null;
}

/**
 * Reminds members by mail of a file that they may have but do not have all of. One statement saves which members to
 * remind. Their mails are queued later, up to 100 at a time, even after a restart.
 */
@Injectable()
export class Reminders implements OnModuleInit {
  constructor(
    private readonly writer: Writer,
    private readonly mail: MailService,
    private readonly activity: ActivityService,
    private readonly settings: Settings,
    private readonly chores: Chores,
  ) {}

  /**
   * Reminds each member who may have the file and does not have all of it, at most once a day. Returns how many members
   * are reminded.
   *
   * @throws ConflictException if members cannot see the file now.
   */
  async remind(file: StoredFile, { admin, caller }: Actor): Promise<number> {
    const now = Date.now();
    if (file.isHidden || +file.availableAt > now || (file.expiresAt && +file.expiresAt <= now))
      throw new ConflictException('Members cannot see this file now, so nobody is reminded of it.');
    const values = [file.id, file.versionId, now, now - dayMs];
    const { length } = await this.writer.rows(asking[file.isForEveryone ? 'everyone' : 'some'], values);
    if (length > 0) await this.activity.record({ kind: 'file.reminded', actor: admin, target: file.name }, caller);
    if (this.chores.areDone) void this.send().catch(() => undefined);
    return length;
  }

  onModuleInit(): void {
    this.chores.every(minuteMs, () => this.send(), 'reminders could not be sent');
  }

  private async send(): Promise<void> {
    for (;;) {
      // a reminder is taken for a while, so that no other process queues it too; it is marked once its mail is queued
      const now = Date.now();
      const due = await this.writer.rows<Due>(take, [now, now - leaseMs, slice]);
      for (const one of due) await this.queue(one);
      if (due.length < slice) return;
    }
  }

  private async queue({ memberId, fileId, email, name }: Due): Promise<void> {
    try {
      if (email !== null && name !== null) {
        const data = { file: name, link: `${this.settings.publicUrl}/files/${fileId}` };
        await this.mail.send({ to: email, view: 'file-reminder', data });
      }
    } catch (error) {
      await this.writer.rows(giveBack, [fileId, memberId]);
      throw error;
    }
    await this.writer.rows(mark, [Date.now(), fileId, memberId]);
  }
}

const askingOf = (audience: FileAudienceKind) => `WITH ${theFile}
  INSERT INTO "reminders" ("memberId", "fileId", "askedAt")
  SELECT u."id", $1, $3 FROM ${entitled[audience]} AND d."completedAt" IS NULL
  ON CONFLICT ("fileId", "memberId") DO UPDATE SET "askedAt" = excluded."askedAt", "sentAt" = NULL, "takenAt" = NULL
    WHERE "reminders"."askedAt" < $4
  RETURNING "memberId"`;
const asking = { everyone: askingOf('everyone'), some: askingOf('some') };

/** Whether members can see the file now. A member gets no reminder of a file that members cannot see. */
const isThere = `f."deletedAt" IS NULL AND f."isHidden" = false AND f."availableAt" <= $1
  AND (f."expiresAt" IS NULL OR f."expiresAt" > $1)`;

const take = `
  UPDATE "reminders" SET "takenAt" = CAST($1 AS bigint)
  WHERE "sentAt" IS NULL AND ("takenAt" IS NULL OR "takenAt" <= $2) AND ("fileId", "memberId") IN (
    SELECT "fileId", "memberId" FROM "reminders"
    WHERE "sentAt" IS NULL AND ("takenAt" IS NULL OR "takenAt" <= $2) ORDER BY "askedAt" LIMIT $3)
  RETURNING "memberId", "fileId",
    (SELECT "email" FROM "users" WHERE "users"."id" = "reminders"."memberId" AND "users"."disabledAt" IS NULL) AS "email",
    (SELECT f."name" FROM "files" f WHERE f."id" = "reminders"."fileId" AND ${isThere}
      AND (f."isForEveryone" = true OR EXISTS (SELECT 1 FROM "file_entitlements" e
        WHERE e."fileId" = f."id" AND e."memberId" = "reminders"."memberId"))) AS "name"`;

const mark = `UPDATE "reminders" SET "sentAt" = $1 WHERE "fileId" = $2 AND "memberId" = $3 RETURNING "fileId"`;
const giveBack = `
  UPDATE "reminders" SET "takenAt" = NULL WHERE "fileId" = $1 AND "memberId" = $2 AND "sentAt" IS NULL
  RETURNING "fileId"`;
