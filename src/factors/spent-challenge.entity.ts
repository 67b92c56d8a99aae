import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** A challenge that was answered, and cannot be answered again. */
@Entity('spent_challenges')
export class SpentChallenge {
  @PrimaryColumn('varchar', { length: 100 })
  challenge!: string;

  @InstantColumn()
  expiresAt!: Date;
}
