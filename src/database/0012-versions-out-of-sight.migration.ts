import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of each version that was replaced, whether members could have the file at that moment: what came and went while it was
 * hidden, not out yet or over is never told.
 */
export class VersionsOutOfSight1795564800009 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const isPostgres = queryRunner.connection.options.type === 'postgres';
    for (const statement of [...statements, ...(isPostgres ? onPostgres : onSqlite)])
      await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

const wasOutAt = (file: string, moment: string) => `${file}."isHidden" = false AND ${file}."availableAt" <= ${moment}
  AND (${file}."expiresAt" IS NULL OR ${file}."expiresAt" > ${moment})`;

const statements = [
  `ALTER TABLE "file_versions" ADD COLUMN "wasOut" boolean NOT NULL DEFAULT false`,
  // of what was replaced before, the times that the file has now are all that is known
  `\nUPDATE "file_versions" SET "wasOut" = true WHERE EXISTS (
    SELECT 1 FROM "file_versions" next JOIN "files" f ON f."id" = next."fileId"
    WHERE next."fileId" = "file_versions"."fileId" AND next."number" = "file_versions"."number" + 1
      AND ${wasOutAt('f', 'next."createdAt"')})`,
];

const replaced = `UPDATE "file_versions" SET "wasOut" = true WHERE "id" = OLD."versionId";`;
const isOut = wasOutAt('OLD', 'NEW."versionedAt"');

// a file that is back is given to nobody anew: what was replaced while it was there stays told
const onPostgres = [
  `DROP TRIGGER "files_back" ON "files"`,
  `CREATE FUNCTION "note_replaced"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      ${replaced}
      RETURN NEW;
    END $$`,
  `CREATE TRIGGER "files_replaced" AFTER UPDATE OF "versionId" ON "files"
    FOR EACH ROW WHEN (${isOut}) EXECUTE FUNCTION "note_replaced"()`,
];

const onSqlite = [
  `DROP TRIGGER "files_back"`,
  `CREATE TRIGGER "files_replaced" AFTER UPDATE OF "versionId" ON "files" WHEN ${isOut} BEGIN ${replaced} END`,
];
