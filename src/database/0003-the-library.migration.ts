import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Files that admins delete are kept for a while, so that they can have them back. */
export class TheLibrary1795478400001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE "files" ADD COLUMN "deletedAt" bigint`,
  `CREATE INDEX "files_deletedAt" ON "files" ("deletedAt")`,
];
