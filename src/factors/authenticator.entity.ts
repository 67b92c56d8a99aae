import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A member's authenticator app; it counts as a second factor once a code of it was given. */
@Entity('authenticators')
export class Authenticator {
  @PrimaryColumn('varchar', { length: 36 })
  userId!: string;

  /** In base32, sealed: both sides must know it, so it cannot be a hash. */
  @Column('varchar', { length: 255 })
  secret!: string;

  @InstantColumn({ nullable: true })
  confirmedAt!: Date | null;

  /** The step of time whose code was used last; none up to it is taken again. */
  @CountColumn()
  lastStep!: number;

  @InstantColumn()
  createdAt!: Date;
}
