import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A member's authenticator app. It counts as a second factor after the member has given a code from it. */
@Entity('authenticators')
export class Authenticator {
  @PrimaryColumn('varchar', { length: 36 })
  userId!: string;

  /** In base32, encrypted. It cannot be a hash, because both sides must know the secret. */
  @Column('varchar', { length: 255 })
  secret!: string;

  @InstantColumn({ nullable: true })
  confirmedAt!: Date | null;

  /** The time step of the last code that was used. A code of this step or an earlier one is refused. */
  @CountColumn()
  lastStep!: number;

  @InstantColumn()
  createdAt!: Date;
}
