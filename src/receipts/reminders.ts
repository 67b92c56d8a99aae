import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { dayMs, minuteMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { Writer } from '../database/writer.js';
import type { StoredFile } from '../files/stored-file.entity.js';
import type { By } from '../http/by.js';
import { Chores } from '../http/chores.js';
import { MailService } from '../mail/mail.service.js';
import { entitled, theFile, type FileAudienceKind } from './receipts.service.js';

const slice = 100;

interface Due {
  readonly memberId: string;
  readonly fileId: string;
  readonly email: string | null;
  readonly name: string | null;
}

/**
 * Letters to those who may have a file and do not have all of it. Whom to write to is written down in one statement; the
 * letters follow, a few at a time, also after a restart.
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

  /** Reminds every member who does not have the file, at most once a day. Gives how many. */
  async remind(file: StoredFile, { admin, caller }: By): Promise<number> {
    const now = Date.now();
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
      // taken before it is sent, so that no other process sends it too
      const due = await this.writer.rows<Due>(take, [Date.now(), slice]);
      for (const { fileId, email, name } of due)
        if (email !== null && name !== null) {
          const data = { file: name, link: `${this.settings.publicUrl}/files/${fileId}` };
          await this.mail.send({ to: email, view: 'file-reminder', data });
        }
      if (due.length < slice) return;
    }
  }
}

const askingOf = (audience: FileAudienceKind) => `WITH ${theFile}
  INSERT INTO "reminders" ("memberId", "fileId", "askedAt")
  SELECT u."id", $1, $3 FROM ${entitled[audience]} AND d."completedAt" IS NULL
  ON CONFLICT ("fileId", "memberId") DO UPDATE SET "askedAt" = excluded."askedAt", "sentAt" = NULL
    WHERE "reminders"."askedAt" < $4
  RETURNING "memberId"`;
const asking = { everyone: askingOf('everyone'), some: askingOf('some') };

const take = `
  UPDATE "reminders" SET "sentAt" = $1
  WHERE "sentAt" IS NULL AND ("fileId", "memberId") IN (
    SELECT "fileId", "memberId" FROM "reminders" WHERE "sentAt" IS NULL ORDER BY "askedAt" LIMIT $2)
  RETURNING "memberId", "fileId",
    (SELECT "email" FROM "users" WHERE "users"."id" = "reminders"."memberId") AS "email",
    (SELECT "name" FROM "files" WHERE "files"."id" = "reminders"."fileId" AND "files"."deletedAt" IS NULL) AS "name"`;
