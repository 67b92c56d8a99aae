import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import type { EventKind } from './event-kinds.js';

export const outcomes = ['success', 'refused', 'broken'] as const;
export type Outcome = (typeof outcomes)[number];

/** One line of the activity log. Rows are only ever added, made anonymous, and forgotten when their time is over. */
@Entity('events')
export class ActivityEvent {
  /** A UUID of version 7, so that a later event has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @InstantColumn()
  at!: Date;

  @Column('varchar', { length: 40 })
  kind!: EventKind;

  @Column('varchar', { length: 16 })
  outcome!: Outcome;

  /** Whose account it concerns; null where that is nobody's. */
  @Column('varchar', { length: 36, nullable: true })
  memberId!: string | null;

  /** Who did it; null for a stranger, and for what this machine did. */
  @Column('varchar', { length: 36, nullable: true })
  actorId!: string | null;

  /** The actor's email at that time. */
  @Column('varchar', { length: 254, nullable: true })
  actor!: string | null;

  /** What it was done to: an email, a file's name, a token's name; which of these, the table of kinds says. */
  @Column('varchar', { length: 300, nullable: true })
  target!: string | null;

  @Column('varchar', { length: 64, nullable: true })
  address!: string | null;

  /** As the log has it; a trusted proxy may have given it. */
  @Column('varchar', { length: 128 })
  requestId!: string;

  /** Actor, target and address in lower case. */
  @Column('text')
  searchText!: string;
}
