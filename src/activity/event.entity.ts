import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/**
 * What is written down. A kind names a thing and what became of it; the list only grows, since logs and filters
 * outside know these names.
 */
export const eventKinds = [
  'account.registered',
  'account.approved',
  'account.disabled',
  'account.enabled',
  'account.renamed',
  'account.role-changed',
  'account.exported',
  'account.deleted',
  'email.verification-asked',
  'email.verified',
  'email.change-asked',
  'email.changed',
  'password.changed',
  'password.reset-asked',
  'password.reset',
  'session.link-asked',
  'session.second-step-asked',
  'session.began',
  'session.proved',
  'session.ended',
  'session.others-ended',
  'token.made',
  'factor.added',
  'factor.renamed',
  'factor.removed',
  'factor.reset',
  'factor.recovery-codes-made',
  'factor.recovery-code-used',
  'invite.made',
  'invite.withdrawn',
  'registration.changed',
  'group.added',
  'group.renamed',
  'group.deleted',
  'group.member-added',
  'group.member-removed',
  'file.added',
  'file.replaced',
  'file.renamed',
  'file.described',
  'file.scheduled',
  'file.limited',
  'file.shared',
  'file.reminded',
  'file.featured',
  'file.unfeatured',
  'file.deleted',
  'file.restored',
  'collection.created',
  'collection.changed',
  'collection.shared',
  'collection.deleted',
  'collection.downloaded',
  'file.downloaded',
  'file.part-downloaded',
] as const;

export type EventKind = (typeof eventKinds)[number];

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

  /** What it was done to: an email, a file's name, a token's name. */
  @Column('varchar', { length: 300, nullable: true })
  target!: string | null;

  @Column('varchar', { length: 64, nullable: true })
  address!: string | null;

  /** As the log has it; a trusted proxy may have given it. */
  @Column('varchar', { length: 128 })
  requestId!: string;

  /** Actor, target and address in lower case. */
  @Column('varchar', { length: 700 })
  searchText!: string;
}
