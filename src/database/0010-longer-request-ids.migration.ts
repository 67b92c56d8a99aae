import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A proxy's number of a request may be longer than a UUID. SQLite holds no text to a length. */
export class LongerRequestIds1795564800007 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    if (queryRunner.connection.options.type === 'postgres')
      await queryRunner.query('ALTER TABLE "events" ALTER COLUMN "requestId" TYPE varchar(128)');
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
