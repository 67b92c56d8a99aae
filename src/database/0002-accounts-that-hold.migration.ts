import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The whole life of an account: where it is logged in, its second factors, its mails, and what happened to it. */
export class AccountsThatHold1795392000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of statements) await queryRunner.query(statement);
  }

  down(): never {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

const statements = [
  `ALTER TABLE "users" ADD COLUMN "searchText" varchar(400) NOT NULL DEFAULT ''`,
  `UPDATE "users" SET "searchText" = LOWER("name" || ' ' || "email")`,
  `ALTER TABLE "users" ADD COLUMN "emailVerifiedAt" bigint`,
  `ALTER TABLE "users" ADD COLUMN "awaitingSince" bigint`,
  `CREATE INDEX "users_role" ON "users" ("role")`,

  `ALTER TABLE "sessions" ADD COLUMN "tokenId" varchar(36) NOT NULL DEFAULT ''`,
  `UPDATE "sessions" SET "tokenId" = "id"`,
  `CREATE UNIQUE INDEX "sessions_tokenId" ON "sessions" ("tokenId")`,
  `ALTER TABLE "sessions" ADD COLUMN "isRemembered" boolean NOT NULL DEFAULT false`,
  `ALTER TABLE "sessions" ADD COLUMN "name" varchar(100)`,
  `ALTER TABLE "sessions" ADD COLUMN "scope" varchar(16)`,
  `ALTER TABLE "sessions" ADD COLUMN "userAgent" varchar(300) NOT NULL DEFAULT ''`,
  `ALTER TABLE "sessions" ADD COLUMN "address" varchar(64) NOT NULL DEFAULT ''`,
  `ALTER TABLE "sessions" ADD COLUMN "provenAt" bigint`,

  `CREATE TABLE "events" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "at" bigint NOT NULL,
    "kind" varchar(40) NOT NULL,
    "outcome" varchar(16) NOT NULL,
    "memberId" varchar(36),
    "actorId" varchar(36),
    "actor" varchar(254),
    "target" varchar(300),
    "address" varchar(64),
    "requestId" varchar(36) NOT NULL,
    "searchText" varchar(700) NOT NULL
  )`,
  `CREATE INDEX "events_memberId" ON "events" ("memberId", "id")`,
  `CREATE INDEX "events_actorId" ON "events" ("actorId", "id")`,
  `CREATE INDEX "events_kind" ON "events" ("kind", "id")`,
  `CREATE INDEX "events_at" ON "events" ("at")`,

  // what is sent by mail, or shown once, and opens something: of the secret only its hash
  `CREATE TABLE "links" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "kind" varchar(16) NOT NULL,
    "secretHash" varchar(64) NOT NULL,
    "userId" varchar(36),
    "data" varchar(500),
    "createdAt" bigint NOT NULL,
    "expiresAt" bigint NOT NULL,
    "usedAt" bigint,
    CONSTRAINT "links_secretHash" UNIQUE ("secretHash")
  )`,
  `CREATE INDEX "links_userId" ON "links" ("userId", "kind")`,
  `CREATE INDEX "links_kind" ON "links" ("kind", "id")`,
  `CREATE INDEX "links_expiresAt" ON "links" ("expiresAt")`,

  // letters that wait to be sent; their words are sealed, since a link in them opens something
  `CREATE TABLE "outbox" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "letter" text NOT NULL,
    "createdAt" bigint NOT NULL,
    "tries" integer NOT NULL DEFAULT 0,
    "dueAt" bigint NOT NULL
  )`,
  `CREATE INDEX "outbox_dueAt" ON "outbox" ("dueAt")`,

  `CREATE TABLE "authenticators" (
    "userId" varchar(36) PRIMARY KEY NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "secret" varchar(255) NOT NULL,
    "confirmedAt" bigint,
    "lastStep" bigint NOT NULL DEFAULT 0,
    "createdAt" bigint NOT NULL
  )`,
  `CREATE TABLE "recovery_codes" (
    "codeHash" varchar(64) PRIMARY KEY NOT NULL,
    "userId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "usedAt" bigint
  )`,
  `CREATE INDEX "recovery_codes_userId" ON "recovery_codes" ("userId")`,
  `CREATE TABLE "passkeys" (
    "id" varchar(36) PRIMARY KEY NOT NULL,
    "userId" varchar(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "credentialId" text NOT NULL,
    "publicKey" text NOT NULL,
    "counter" bigint NOT NULL,
    "transports" varchar(255) NOT NULL,
    "name" varchar(100) NOT NULL,
    "createdAt" bigint NOT NULL,
    "lastUsedAt" bigint,
    CONSTRAINT "passkeys_credentialId" UNIQUE ("credentialId")
  )`,
  `CREATE INDEX "passkeys_userId" ON "passkeys" ("userId")`,
  // a challenge that was answered, until it would have expired
  `CREATE TABLE "spent_challenges" (
    "challenge" varchar(100) PRIMARY KEY NOT NULL,
    "expiresAt" bigint NOT NULL
  )`,

  // what admins set while the site runs
  `CREATE TABLE "policies" (
    "name" varchar(40) PRIMARY KEY NOT NULL,
    "value" text NOT NULL
  )`,
];
