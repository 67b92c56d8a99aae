import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** One of the codes that stand in once for a second factor that is lost. */
@Entity('recovery_codes')
export class RecoveryCode {
  /** A keyed hash: 50 random bits, and the key is not in the database. */
  @PrimaryColumn('varchar', { length: 64 })
  codeHash!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  @InstantColumn({ nullable: true })
  usedAt!: Date | null;
}
