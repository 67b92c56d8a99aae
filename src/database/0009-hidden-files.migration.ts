import { Logger } from '@nestjs/common';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { emailForm } from '../config/email-address.js';

/** Files that are hidden, whenever they are there; reminders that are being queued; one spelling of each email. */
export class HiddenFiles1795564800006 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statementsAt(Date.now())) await queryRunner.query(statement);
    await spellEmailsOneWay(queryRunner);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

/** What is over at the moment, in milliseconds since 1970, in which the migration runs. */
const statementsAt = (now: number) => [
  `ALTER TABLE "files" ADD COLUMN "isHidden" boolean NOT NULL DEFAULT false`,
  // to hide a file was to end it at that moment, to the millisecond; what people write is whole seconds
  `\nUPDATE "files" SET "isHidden" = true, "expiresAt" = NULL
    WHERE "expiresAt" <= ${now} AND "expiresAt" % 1000 <> 0`,
  `ALTER TABLE "reminders" ADD COLUMN "takenAt" bigint`,
];

interface Row {
  readonly id: string;
  readonly email: string;
  readonly emailVerifiedAt: number | string | null;
}

/**
 * Of several accounts of one mailbox, the one that has shown it to be theirs, else the first, keeps the address; the others
 * stay as they are, under the spelling that they had.
 */
async function spellEmailsOneWay(queryRunner: QueryRunner): Promise<void> {
  const rows = (await queryRunner.query('SELECT "id", "email", "emailVerifiedAt" FROM "users" ORDER BY "id"')) as Row[];
  const byMailbox = new Map<string, Row[]>();
  for (const row of rows) {
    const mailbox = emailForm(row.email) as string;
    byMailbox.set(mailbox, [...(byMailbox.get(mailbox) ?? []), row]);
  }
  for (const [mailbox, [first, ...others]] of byMailbox) {
    if (!first) continue;
    const all = [first, ...others];
    const keeper = all.find(({ emailVerifiedAt }) => emailVerifiedAt !== null) ?? first;
    const holder = all.find(({ email }) => email === mailbox);
    if (keeper.email !== mailbox) {
      // two addresses change places by way of one that nobody can have
      if (holder) await rename(queryRunner, holder.id, `${holder.id}@`);
      await rename(queryRunner, keeper.id, mailbox);
      await queryRunner.query(
        `\nUPDATE "users" SET "searchText" = SUBSTR("searchText" || ' ' || $1, 1, 400) WHERE "id" = $2`,
        [mailbox, keeper.id],
      );
      if (holder) await rename(queryRunner, holder.id, keeper.email);
    }
    if (others.length > 0)
      new Logger('Database').warn(
        `${all.length} accounts have one mailbox in several spellings: ${mailbox} opens ${keeper.id}; see \`doctor\` for the others.`,
      );
  }
}

const rename = (queryRunner: QueryRunner, id: string, email: string) =>
  queryRunner.query('\nUPDATE "users" SET "email" = $1 WHERE "id" = $2', [email, id]);
