import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is searched: notes as well as names, folded as no database folds; the rest of it is done while the site runs. */
export class SearchTexts1795564800005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const isPostgres = queryRunner.connection.options.type === 'postgres';
    for (const statement of [...statements, ...(isPostgres ? onPostgres : [])]) await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE "files" ADD COLUMN "searchText" text NOT NULL DEFAULT ''`,
  `UPDATE "files" SET "searchText" = "searchName" || ' ' || "note"`,
  `ALTER TABLE "collections" ADD COLUMN "searchText" text NOT NULL DEFAULT ''`,
  `UPDATE "collections" SET "searchText" = "searchName" || ' ' || "note"`,
  `ALTER TABLE "groups" ADD COLUMN "searchText" text NOT NULL DEFAULT ''`,
  `UPDATE "groups" SET "searchText" = "searchName"`,

  // how far the texts of a table are folded by which version of the fold
  `CREATE TABLE "refolds" (
    "name" varchar(40) PRIMARY KEY NOT NULL,
    "version" integer NOT NULL,
    "doneTo" varchar(36) NOT NULL
  )`,
];

/** SQLite holds no text to a length. Some letters grow when they are folded, and a link may carry a form. */
const onPostgres = [
  `ALTER TABLE "users" ALTER COLUMN "searchText" TYPE text`,
  `ALTER TABLE "events" ALTER COLUMN "searchText" TYPE text`,
  `ALTER TABLE "links" ALTER COLUMN "data" TYPE text`,
];
