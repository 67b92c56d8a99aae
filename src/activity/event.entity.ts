import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import type { EventKind } from './event-kinds.js';

export const outcomes = ['success', 'refused', 'broken'] as const;
export type Outcome = (typeof outcomes)[number];

/** One line of the activity log. A row only changes to be made anonymous, and is deleted when it is too old. */
@Entity('events')
export class ActivityEvent {
  /** A UUID version 7, so that a later event has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @InstantColumn()
  at!: Date;

  @Column('varchar', { length: 40 })
  kind!: EventKind;

  @Column('varchar', { length: 16 })
  outcome!: Outcome;

  /** The id of the member whose account it is about, or null if it is about no account. */
  @Column('varchar', { length: 36, nullable: true })
  memberId!: string | null;

  /** The id of the person who did it. Null for a stranger and for this machine. */
  @Column('varchar', { length: 36, nullable: true })
  actorId!: string | null;

  /** The actor's email at that time. */
  @Column('varchar', { length: 254, nullable: true })
  actor!: string | null;

  /** What it was done to, such as an email, a file's name or a token's name. The table of kinds says which. */
  @Column('varchar', { length: 300, nullable: true })
  target!: string | null;

  @Column('varchar', { length: 64, nullable: true })
  address!: string | null;

  /** The request id, as in the log. A trusted proxy may have set it. */
  @Column('varchar', { length: 128 })
  requestId!: string;

  /** Actor, target and address, folded for search. */
  @Column('text')
  searchText!: string;
}
