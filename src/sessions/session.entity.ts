import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import type { Scope, SessionKind } from '../http/access.js';

/** One login, or one personal token; one row a credential. Gone from the table is logged out. */
@Entity('sessions')
export class Session {
  /** A UUID of version 7, so that a later session has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** Names the one token that opens it; the id itself does not. */
  @Column('varchar', { length: 36, unique: true })
  tokenId!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  @Column('varchar', { length: 16 })
  kind!: SessionKind;

  /** What a personal token is called by its member. */
  @Column('varchar', { length: 100, nullable: true })
  name!: string | null;

  /** What a personal token may do. */
  @Column('varchar', { length: 16, nullable: true })
  scope!: Scope | null;

  /** Whether it lasts however long nobody uses it. */
  @Column('boolean')
  isRemembered!: boolean;

  /** As it was at the login. */
  @Column('varchar', { length: 300 })
  userAgent!: string;

  /** As it was at the login. */
  @Column('varchar', { length: 64 })
  address!: string;

  @InstantColumn()
  createdAt!: Date;

  /** Written at most once a minute; 1970 for a personal token that was never used. */
  @InstantColumn()
  lastSeenAt!: Date;

  /** When the member last proved who they are. */
  @InstantColumn({ nullable: true })
  provenAt!: Date | null;

  /** When it ends however busy it is. */
  @InstantColumn()
  expiresAt!: Date;
}
