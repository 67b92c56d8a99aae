import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How often what is told of a file, a group or a collection has changed, and when last: the database counts, whoever
 * changes it, so that a write can be made on the condition that nobody else was faster.
 */
export class Revisions1795564800003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const isPostgres = queryRunner.connection.options.type === 'postgres';
    for (const statement of [...statements, ...(isPostgres ? onPostgres : onSqlite)])
      await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

/** The columns of each table whose change counts. */
const counted: Readonly<Record<string, readonly string[]>> = {
  files: [
    ...['name', 'note', 'availableAt', 'expiresAt', 'isForEveryone', 'memberLimit', 'totalLimit'],
    ...['versionId', 'contentType', 'featuredAt', 'deletedAt'],
  ],
  groups: ['name'],
  collections: ['name', 'note', 'isForEveryone', 'changedAt'],
};
const tables = Object.entries(counted).map(([table, columns]) => [table, columns.map((one) => `"${one}"`).join(', ')]);

const last: Readonly<Record<string, string>> = { files: 'versionedAt', groups: 'createdAt', collections: 'changedAt' };

const statements = tables.flatMap(([table = '']) => [
  `ALTER TABLE "${table}" ADD COLUMN "revision" integer NOT NULL DEFAULT 1`,
  `ALTER TABLE "${table}" ADD COLUMN "revisedAt" bigint NOT NULL DEFAULT 0`,
  `UPDATE "${table}" SET "revisedAt" = "${last[table]}"`,
]);

const onPostgres = [
  `CREATE FUNCTION "count_revision"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW."revision" = OLD."revision" + 1;
      NEW."revisedAt" = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint);
      RETURN NEW;
    END $$`,
  ...tables.map(
    ([table, columns]) => `CREATE TRIGGER "${table}_revised" BEFORE UPDATE OF ${columns} ON "${table}"
      FOR EACH ROW EXECUTE FUNCTION "count_revision"()`,
  ),
];

const onSqlite = tables.map(
  ([table, columns]) => `CREATE TRIGGER "${table}_revised" AFTER UPDATE OF ${columns} ON "${table}" BEGIN
    UPDATE "${table}" SET "revision" = OLD."revision" + 1, "revisedAt" = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE "id" = NEW."id";
  END`,
);
