import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import type { Scope, SessionKind } from '../http/access.js';

/** A login or a personal token: one row for each credential. If the row is deleted, the credential no longer works. */
@Entity('sessions')
export class Session {
  /** A UUID of version 7, so that a later session has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** Names the one token that is valid for this session. The session's own id opens nothing. */
  @Column('varchar', { length: 36, unique: true })
  tokenId!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  @Column('varchar', { length: 16 })
  kind!: SessionKind;

  /** The name that the member gave to a personal token. */
  @Column('varchar', { length: 100, nullable: true })
  name!: string | null;

  /** What a personal token may do. */
  @Column('varchar', { length: 16, nullable: true })
  scope!: Scope | null;

  /** Whether the session lasts until it expires, even if nobody uses it. */
  @Column('boolean')
  isRemembered!: boolean;

  /** The User-Agent header of the login. */
  @Column('varchar', { length: 300 })
  userAgent!: string;

  /** The IP address of the login. */
  @Column('varchar', { length: 64 })
  address!: string;

  @InstantColumn()
  createdAt!: Date;

  /** Written at most once a minute. It is 1970 for a personal token that was never used. */
  @InstantColumn()
  lastSeenAt!: Date;

  /** When the member last proved who they are. */
  @InstantColumn({ nullable: true })
  provenAt!: Date | null;

  /** When the session ends, even if it is in use. */
  @InstantColumn()
  expiresAt!: Date;
}
