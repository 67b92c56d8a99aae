import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What tells versions apart for a member: under which address a download began, and since when a file is theirs. */
export class VersionsToldApart1795564800001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const isPostgres = queryRunner.connection.options.type === 'postgres';
    for (const statement of [...statements, ...(isPostgres ? onPostgres : onSqlite)])
      await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

const statements = [
  // of downloads that began before, nobody knows under which address
  `ALTER TABLE "downloads" ADD COLUMN "asFeatured" boolean NOT NULL DEFAULT true`,
  `CREATE INDEX "downloads_asFeatured" ON "downloads" ("memberId") WHERE "asFeatured" = true`,

  // when a file, or a collection, was last given to somebody who did not have it; 0 for as long as it is there
  `ALTER TABLE "files" ADD COLUMN "sharedAt" bigint NOT NULL DEFAULT 0`,
  `ALTER TABLE "collections" ADD COLUMN "sharedAt" bigint NOT NULL DEFAULT 0`,
];

/** What becomes shared by a new row of the audiences, by being for everyone, or by being there again. */
const things = ['files', 'collections'] as const;
const isSharedAgain = `NEW."isForEveryone" = true AND OLD."isForEveryone" = false`;
const isBack = (now: string) =>
  `OLD."expiresAt" <= ${now} AND (NEW."expiresAt" IS NULL OR NEW."expiresAt" > OLD."expiresAt")`;

const pgNow = `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)`;
const addedOnPostgres = (who: 'groupId' | 'memberId') => `
      INSERT INTO "audiences" ("id", "fileId", "collectionId", "${who}")
        SELECT gen_random_uuid(), NEW."fileId", NEW."collectionId", "value"
        FROM jsonb_array_elements_text(NEW."${who}s"::jsonb) AS "ids" ("value") ON CONFLICT DO NOTHING;`;

const onPostgres = [
  // who stays in an audience keeps their row
  `CREATE OR REPLACE FUNCTION "change_audience"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE "files" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."fileId";
      UPDATE "collections" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."collectionId";
      DELETE FROM "audiences" WHERE ("fileId" = NEW."fileId" OR "collectionId" = NEW."collectionId")
        AND NOT COALESCE(NEW."groupIds"::jsonb ? "groupId", false)
        AND NOT COALESCE(NEW."memberIds"::jsonb ? "memberId", false);
      ${addedOnPostgres('groupId')}
      ${addedOnPostgres('memberId')}
      RETURN NEW;
    END $$`,
  `CREATE FUNCTION "note_sharing"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE "files" SET "sharedAt" = ${pgNow} WHERE "id" = NEW."fileId";
      UPDATE "collections" SET "sharedAt" = ${pgNow} WHERE "id" = NEW."collectionId";
      RETURN NEW;
    END $$`,
  `CREATE TRIGGER "audiences_added" AFTER INSERT ON "audiences" FOR EACH ROW EXECUTE FUNCTION "note_sharing"()`,
  `CREATE FUNCTION "note_shared"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW."sharedAt" = ${pgNow};
      RETURN NEW;
    END $$`,
  ...things.map(
    (table) => `CREATE TRIGGER "${table}_shared" BEFORE UPDATE OF "isForEveryone" ON "${table}"
      FOR EACH ROW WHEN (${isSharedAgain}) EXECUTE FUNCTION "note_shared"()`,
  ),
  `CREATE TRIGGER "files_back" BEFORE UPDATE OF "expiresAt" ON "files"
    FOR EACH ROW WHEN (${isBack(pgNow)}) EXECUTE FUNCTION "note_shared"()`,
];

const sqliteNow = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
const idsOf = (who: 'groupId' | 'memberId') => `SELECT "value" FROM json_each(NEW."${who}s")`;
const addedOnSqlite = (who: 'groupId' | 'memberId') => `
    INSERT INTO "audiences" ("id", "fileId", "collectionId", "${who}")
      SELECT lower(hex(randomblob(16))), NEW."fileId", NEW."collectionId", "value" FROM json_each(NEW."${who}s")
      WHERE NOT EXISTS (SELECT 1 FROM "audiences" a WHERE a."${who}" = "value"
        AND (a."fileId" = NEW."fileId" OR a."collectionId" = NEW."collectionId"));`;

const onSqlite = [
  `DROP TRIGGER "change_audience"`,
  `CREATE TRIGGER "change_audience" INSTEAD OF INSERT ON "audience_changes" BEGIN
    UPDATE "files" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."fileId";
    UPDATE "collections" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."collectionId";
    DELETE FROM "audiences" WHERE ("fileId" = NEW."fileId" OR "collectionId" = NEW."collectionId")
      AND COALESCE("groupId" NOT IN (${idsOf('groupId')}), true)
      AND COALESCE("memberId" NOT IN (${idsOf('memberId')}), true);
    ${addedOnSqlite('groupId')}
    ${addedOnSqlite('memberId')}
  END`,
  `CREATE TRIGGER "audiences_added" AFTER INSERT ON "audiences" BEGIN
    UPDATE "files" SET "sharedAt" = ${sqliteNow} WHERE "id" = NEW."fileId";
    UPDATE "collections" SET "sharedAt" = ${sqliteNow} WHERE "id" = NEW."collectionId";
  END`,
  ...things.map(
    (table) => `CREATE TRIGGER "${table}_shared" AFTER UPDATE OF "isForEveryone" ON "${table}" WHEN ${isSharedAgain}
      BEGIN UPDATE "${table}" SET "sharedAt" = ${sqliteNow} WHERE "id" = NEW."id"; END`,
  ),
  `CREATE TRIGGER "files_back" AFTER UPDATE OF "expiresAt" ON "files" WHEN ${isBack(sqliteNow)}
    BEGIN UPDATE "files" SET "sharedAt" = ${sqliteNow} WHERE "id" = NEW."id"; END`,
];
