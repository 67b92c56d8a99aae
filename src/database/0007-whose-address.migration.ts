import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether an address is its member's own, and not only somebody's who opens links. */
export class WhoseAddress1795564800004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" ADD COLUMN "emailOwnedAt" bigint`);
    // who confirmed one before is not asked to again
    await queryRunner.query(`UPDATE "users" SET "emailOwnedAt" = "emailVerifiedAt"`);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
