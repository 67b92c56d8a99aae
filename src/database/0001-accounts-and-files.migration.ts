import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Members, their sessions, the tries that are counted, and the files. */
export class AccountsAndFiles1795305600001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

const statements = [
  `CREATE TABLE "users" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "name" varchar(100) NOT NULL,
    "email" varchar(254) NOT NULL,
    "passwordHash" varchar(255) NOT NULL,
    "role" varchar(16) NOT NULL,
    "disabledAt" bigint,
    "createdAt" bigint NOT NULL,
    CONSTRAINT "users_email" UNIQUE ("email")
  )`,
  `CREATE TABLE "sessions" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "userId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "kind" varchar(16) NOT NULL,
    "createdAt" bigint NOT NULL,
    "lastSeenAt" bigint NOT NULL,
    "expiresAt" bigint NOT NULL
  )`,
  `CREATE INDEX "sessions_userId" ON "sessions" ("userId")`,
  `CREATE INDEX "sessions_expiresAt" ON "sessions" ("expiresAt")`,
  `CREATE INDEX "sessions_lastSeenAt" ON "sessions" ("lastSeenAt")`,
  // the columns and their order are those of rate-limiter-flexible
  `CREATE TABLE "rate_limits" (
    "key" varchar(255) PRIMARY KEY NOT NULL,
    "points" integer NOT NULL DEFAULT 0,
    "expire" bigint
  )`,
  `CREATE INDEX "rate_limits_expire" ON "rate_limits" ("expire")`,
  `CREATE TABLE "files" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "name" varchar(255) NOT NULL,
    "searchName" varchar(255) NOT NULL,
    "contentType" varchar(255) NOT NULL,
    "size" bigint NOT NULL,
    "sha256" varchar(64) NOT NULL,
    "storageKey" varchar(64) NOT NULL,
    "origin" varchar(32),
    "featuredAt" bigint,
    "createdAt" bigint NOT NULL,
    CONSTRAINT "files_storageKey" UNIQUE ("storageKey"),
    CONSTRAINT "files_origin" UNIQUE ("origin")
  )`,
  `CREATE INDEX "files_featuredAt" ON "files" ("featuredAt")`,
];
