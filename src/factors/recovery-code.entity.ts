import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** A recovery code, which replaces a lost second factor once. */
@Entity('recovery_codes')
export class RecoveryCode {
  /** A keyed hash of the code. The code has only 50 random bits, but the key is not in the database. */
  @PrimaryColumn('varchar', { length: 64 })
  codeHash!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  @InstantColumn({ nullable: true })
  usedAt!: Date | null;
}
