import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** What holds a session: a browser's cookie, or the bearer token of a login through the API. */
export type SessionKind = 'browser' | 'api';

/** One login; one row a credential. Gone from the table is logged out. */
@Entity('sessions')
export class Session {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  @Column('varchar', { length: 16 })
  kind!: SessionKind;

  @InstantColumn()
  createdAt!: Date;

  /** Written at most once a minute. */
  @InstantColumn()
  lastSeenAt!: Date;

  /** When it ends however busy it is. */
  @InstantColumn()
  expiresAt!: Date;
}
