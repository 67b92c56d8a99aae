import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The library: versions of files, who may have them, how often they were downloaded, and what is on its way in. */
export class TheLibrary1795478400001 implements MigrationInterface {
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
  `ALTER TABLE "files" ADD COLUMN "deletedAt" bigint`,
  `ALTER TABLE "files" ADD COLUMN "note" varchar(1000) NOT NULL DEFAULT ''`,
  `ALTER TABLE "files" ADD COLUMN "availableAt" bigint NOT NULL DEFAULT 0`,
  `ALTER TABLE "files" ADD COLUMN "expiresAt" bigint`,
  `ALTER TABLE "files" ADD COLUMN "isForEveryone" boolean NOT NULL DEFAULT true`,
  `ALTER TABLE "files" ADD COLUMN "memberLimit" bigint`,
  `ALTER TABLE "files" ADD COLUMN "totalLimit" bigint`,
  `ALTER TABLE "files" ADD COLUMN "versionId" varchar(36) NOT NULL DEFAULT ''`,
  `ALTER TABLE "files" ADD COLUMN "versionNumber" integer NOT NULL DEFAULT 1`,
  `ALTER TABLE "files" ADD COLUMN "versionedAt" bigint NOT NULL DEFAULT 0`,
  `UPDATE "files" SET "availableAt" = "createdAt", "versionedAt" = "createdAt", "versionId" = "id"`,
  `CREATE INDEX "files_deletedAt" ON "files" ("deletedAt") WHERE "deletedAt" IS NOT NULL`,
  `CREATE INDEX "files_availableAt" ON "files" ("isForEveryone", "availableAt", "id")`,
  `CREATE INDEX "files_searchName" ON "files" ("isForEveryone", "searchName", "id")`,
  `CREATE INDEX "files_size" ON "files" ("isForEveryone", "size", "id")`,

  // every version that a file has had; the row of the file repeats what its newest one is
  `CREATE TABLE "file_versions" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "fileId" varchar(36) NOT NULL REFERENCES "files" ("id") ON DELETE CASCADE,
    "number" integer NOT NULL,
    "contentType" varchar(255) NOT NULL,
    "size" bigint NOT NULL,
    "sha256" varchar(64) NOT NULL,
    "storageKey" varchar(64) NOT NULL,
    "createdAt" bigint NOT NULL,
    "downloads" bigint NOT NULL DEFAULT 0,
    "discardedAt" bigint,
    CONSTRAINT "file_versions_storageKey" UNIQUE ("storageKey"),
    CONSTRAINT "file_versions_number" UNIQUE ("fileId", "number")
  )`,
  `INSERT INTO "file_versions" ("id", "fileId", "number", "contentType", "size", "sha256", "storageKey", "createdAt")
    SELECT "id", "id", 1, "contentType", "size", "sha256", "storageKey", "createdAt" FROM "files"`,

  `CREATE TABLE "groups" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "name" varchar(100) NOT NULL,
    "searchName" varchar(100) NOT NULL,
    "createdAt" bigint NOT NULL,
    CONSTRAINT "groups_searchName" UNIQUE ("searchName")
  )`,
  `CREATE TABLE "group_members" (
    "groupId" varchar(36) NOT NULL REFERENCES "groups" ("id") ON DELETE CASCADE,
    "memberId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "addedAt" bigint NOT NULL,
    PRIMARY KEY ("memberId", "groupId")
  )`,
  `CREATE INDEX "group_members_groupId" ON "group_members" ("groupId", "memberId")`,

  `CREATE TABLE "collections" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "name" varchar(100) NOT NULL,
    "searchName" varchar(100) NOT NULL,
    "note" varchar(1000) NOT NULL DEFAULT '',
    "isForEveryone" boolean NOT NULL DEFAULT false,
    "createdAt" bigint NOT NULL,
    "changedAt" bigint NOT NULL
  )`,
  `CREATE INDEX "collections_isForEveryone" ON "collections" ("isForEveryone", "id")`,
  `CREATE TABLE "collection_files" (
    "collectionId" varchar(36) NOT NULL REFERENCES "collections" ("id") ON DELETE CASCADE,
    "fileId" varchar(36) NOT NULL REFERENCES "files" ("id") ON DELETE CASCADE,
    "addedAt" bigint NOT NULL,
    PRIMARY KEY ("collectionId", "fileId")
  )`,
  `CREATE INDEX "collection_files_fileId" ON "collection_files" ("fileId", "collectionId")`,

  // who may have what is not for everyone: one thing, a file or a collection, and one who may, a group or a member
  `CREATE TABLE "audiences" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "fileId" varchar(36) REFERENCES "files" ("id") ON DELETE CASCADE,
    "collectionId" varchar(36) REFERENCES "collections" ("id") ON DELETE CASCADE,
    "groupId" varchar(36) REFERENCES "groups" ("id") ON DELETE CASCADE,
    "memberId" varchar(36) REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "audiences_file_group" UNIQUE ("fileId", "groupId"),
    CONSTRAINT "audiences_file_member" UNIQUE ("fileId", "memberId"),
    CONSTRAINT "audiences_collection_group" UNIQUE ("collectionId", "groupId"),
    CONSTRAINT "audiences_collection_member" UNIQUE ("collectionId", "memberId")
  )`,
  `CREATE INDEX "audiences_groupId" ON "audiences" ("groupId")`,
  `CREATE INDEX "audiences_memberId" ON "audiences" ("memberId")`,
  // what an INSERT into it says becomes the audience of a thing, in one statement; ids stand as JSON lists
  `CREATE VIEW "audience_changes" ("fileId", "collectionId", "isForEveryone", "groupIds", "memberIds") AS
    SELECT "fileId", "collectionId", false, '[]', '[]' FROM "audiences"`,
  // each way by which a member has a collection, or a file that is not for everyone; the same pair may come twice
  `CREATE VIEW "collection_entitlements" ("collectionId", "memberId") AS
    SELECT "audiences"."collectionId", "audiences"."memberId" FROM "audiences"
      WHERE "audiences"."collectionId" IS NOT NULL AND "audiences"."memberId" IS NOT NULL
    UNION ALL
    SELECT "audiences"."collectionId", "group_members"."memberId" FROM "audiences"
      JOIN "group_members" ON "group_members"."groupId" = "audiences"."groupId"
      WHERE "audiences"."collectionId" IS NOT NULL
    UNION ALL
    SELECT "collections"."id", "users"."id" FROM "collections", "users" WHERE "collections"."isForEveryone" = true`,
  `CREATE VIEW "file_entitlements" ("fileId", "memberId") AS
    SELECT "audiences"."fileId", "audiences"."memberId" FROM "audiences"
      WHERE "audiences"."fileId" IS NOT NULL AND "audiences"."memberId" IS NOT NULL
    UNION ALL
    SELECT "audiences"."fileId", "group_members"."memberId" FROM "audiences"
      JOIN "group_members" ON "group_members"."groupId" = "audiences"."groupId"
      WHERE "audiences"."fileId" IS NOT NULL
    UNION ALL
    SELECT "collection_files"."fileId", "audiences"."memberId" FROM "audiences"
      JOIN "collection_files" ON "collection_files"."collectionId" = "audiences"."collectionId"
      WHERE "audiences"."memberId" IS NOT NULL
    UNION ALL
    SELECT "collection_files"."fileId", "group_members"."memberId" FROM "audiences"
      JOIN "group_members" ON "group_members"."groupId" = "audiences"."groupId"
      JOIN "collection_files" ON "collection_files"."collectionId" = "audiences"."collectionId"
    UNION ALL
    SELECT "collection_files"."fileId", "users"."id" FROM "collections"
      CROSS JOIN "collection_files"
      CROSS JOIN "users"
      WHERE "collections"."isForEveryone" = true AND "collection_files"."collectionId" = "collections"."id"`,

  // what a member has had of a version: the open grant with its bytes, how many were spent, and which bytes were sent
  `CREATE TABLE "downloads" (
    "memberId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "versionId" varchar(36) NOT NULL REFERENCES "file_versions" ("id") ON DELETE CASCADE,
    "fileId" varchar(36) NOT NULL,
    "spent" bigint NOT NULL,
    "openedAt" bigint NOT NULL,
    "grantedBytes" bigint NOT NULL,
    "coverage" text NOT NULL DEFAULT '',
    "coveredBytes" bigint NOT NULL DEFAULT 0,
    "firstAt" bigint NOT NULL,
    "lastAt" bigint NOT NULL,
    "completedAt" bigint,
    PRIMARY KEY ("memberId", "versionId")
  )`,
  `CREATE INDEX "downloads_fileId" ON "downloads" ("fileId", "memberId")`,
  `CREATE INDEX "downloads_versionId" ON "downloads" ("versionId", "memberId")`,

  // whom an admin has asked to download a file, and whether the letter is on its way
  `CREATE TABLE "reminders" (
    "memberId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "fileId" varchar(36) NOT NULL REFERENCES "files" ("id") ON DELETE CASCADE,
    "askedAt" bigint NOT NULL,
    "sentAt" bigint,
    PRIMARY KEY ("fileId", "memberId")
  )`,
  `CREATE INDEX "reminders_sentAt" ON "reminders" ("askedAt") WHERE "sentAt" IS NULL`,

  // when a member looked at the shelf last, and before that: what came since is new
  `CREATE TABLE "shelf_visits" (
    "memberId" varchar(36) PRIMARY KEY NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "seenAt" bigint NOT NULL,
    "sinceAt" bigint NOT NULL
  )`,

  // files that arrive in pieces; the bytes that are there already lie in the store as a draft
  `CREATE TABLE "uploads" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "uploaderId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "fileId" varchar(36) REFERENCES "files" ("id") ON DELETE CASCADE,
    "name" varchar(255) NOT NULL,
    "size" bigint NOT NULL,
    "metadata" text NOT NULL,
    "storageKey" varchar(64) NOT NULL,
    "addedFileId" varchar(36),
    "createdAt" bigint NOT NULL,
    "expiresAt" bigint NOT NULL,
    CONSTRAINT "uploads_storageKey" UNIQUE ("storageKey")
  )`,
  `CREATE INDEX "uploads_expiresAt" ON "uploads" ("expiresAt")`,
];

const version = `"id", "fileId", "number", "contentType", "size", "sha256", "storageKey", "createdAt"`;
const versionOfFile = `NEW."versionId", NEW."id", NEW."versionNumber", NEW."contentType", NEW."size", NEW."sha256", NEW."storageKey", NEW."versionedAt"`;
const limit = `(SELECT "totalLimit" FROM "files" WHERE "id" = NEW."fileId")`;

// A version is written down by the statement that puts it on the shelf. What a member spends is added to the count of
// its version by the statement that spends it, which fails beyond the limit: on PostgreSQL with the row of the version
// locked, so that two at once cannot both take the last one.
const onPostgres = [
  `CREATE FUNCTION "change_audience"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE "files" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."fileId";
      UPDATE "collections" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."collectionId";
      DELETE FROM "audiences" WHERE "fileId" = NEW."fileId" OR "collectionId" = NEW."collectionId";
      INSERT INTO "audiences" ("id", "fileId", "collectionId", "groupId")
        SELECT gen_random_uuid(), NEW."fileId", NEW."collectionId", "value"
        FROM jsonb_array_elements_text(NEW."groupIds"::jsonb) AS "ids" ("value");
      INSERT INTO "audiences" ("id", "fileId", "collectionId", "memberId")
        SELECT gen_random_uuid(), NEW."fileId", NEW."collectionId", "value"
        FROM jsonb_array_elements_text(NEW."memberIds"::jsonb) AS "ids" ("value");
      RETURN NEW;
    END $$`,
  `CREATE TRIGGER "change_audience" INSTEAD OF INSERT ON "audience_changes"
    FOR EACH ROW EXECUTE FUNCTION "change_audience"()`,
  `CREATE FUNCTION "note_version"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO "file_versions" (${version}) VALUES (${versionOfFile});
      RETURN NEW;
    END $$`,
  `CREATE TRIGGER "files_first_version" AFTER INSERT ON "files" FOR EACH ROW EXECUTE FUNCTION "note_version"()`,
  `CREATE TRIGGER "files_next_version" AFTER UPDATE OF "versionId" ON "files"
    FOR EACH ROW EXECUTE FUNCTION "note_version"()`,
  `CREATE FUNCTION "count_download"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE "file_versions"
        SET "downloads" = "downloads" + NEW."spent" - CASE WHEN TG_OP = 'UPDATE' THEN OLD."spent" ELSE 0 END
        WHERE "id" = NEW."versionId" AND (${limit} IS NULL OR "downloads" < ${limit});
      IF NOT FOUND THEN RAISE EXCEPTION 'every download of this file is spent'; END IF;
      RETURN NEW;
    END $$`,
  `CREATE TRIGGER "downloads_first" AFTER INSERT ON "downloads"
    FOR EACH ROW EXECUTE FUNCTION "count_download"()`,
  `CREATE TRIGGER "downloads_next" AFTER UPDATE OF "spent" ON "downloads"
    FOR EACH ROW WHEN (NEW."spent" > OLD."spent") EXECUTE FUNCTION "count_download"()`,
];

const noteVersion = `BEGIN INSERT INTO "file_versions" (${version}) VALUES (${versionOfFile}); END`;
const count = (more: string) => `
  BEGIN
    SELECT RAISE(ABORT, 'every download of this file is spent')
      FROM "file_versions" WHERE "id" = NEW."versionId" AND "downloads" >= ${limit};
    UPDATE "file_versions" SET "downloads" = "downloads" + ${more} WHERE "id" = NEW."versionId";
  END`;

const audienceOf = (who: 'groupId' | 'memberId') => `
  INSERT INTO "audiences" ("id", "fileId", "collectionId", "${who}")
    SELECT lower(hex(randomblob(16))), NEW."fileId", NEW."collectionId", "value" FROM json_each(NEW."${who}s");`;

const onSqlite = [
  `CREATE TRIGGER "change_audience" INSTEAD OF INSERT ON "audience_changes" BEGIN
    UPDATE "files" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."fileId";
    UPDATE "collections" SET "isForEveryone" = NEW."isForEveryone" WHERE "id" = NEW."collectionId";
    DELETE FROM "audiences" WHERE "fileId" = NEW."fileId" OR "collectionId" = NEW."collectionId";
    ${audienceOf('groupId')}
    ${audienceOf('memberId')}
  END`,
  `CREATE TRIGGER "files_first_version" AFTER INSERT ON "files" ${noteVersion}`,
  `CREATE TRIGGER "files_next_version" AFTER UPDATE OF "versionId" ON "files" ${noteVersion}`,
  `CREATE TRIGGER "downloads_first" AFTER INSERT ON "downloads" ${count('NEW."spent"')}`,
  `CREATE TRIGGER "downloads_next" AFTER UPDATE OF "spent" ON "downloads" WHEN NEW."spent" > OLD."spent"
    ${count('NEW."spent" - OLD."spent"')}`,
];
