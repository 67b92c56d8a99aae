import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import type { Role } from '../http/access.js';

/** A member of the site. */
@Entity('users')
export class User {
  /** A UUID of version 7, so that a later member has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** In lower case; unique. */
  @Column('varchar', { length: 254, unique: true })
  email!: string;

  /** Name and email in lower case, since the databases differ in what they fold. */
  @Column('text')
  searchText!: string;

  @Column('varchar', { length: 255 })
  passwordHash!: string;

  @Column('varchar', { length: 16 })
  role!: Role;

  /** When somebody opened a link that was mailed to the address. */
  @InstantColumn({ nullable: true })
  emailVerifiedAt!: Date | null;

  /** When that was shown to be the member: who was logged in, or chose the password by the link. */
  @InstantColumn({ nullable: true })
  emailOwnedAt!: Date | null;

  /** Since when an admin is to let them in; null for those who are in. */
  @InstantColumn({ nullable: true })
  awaitingSince!: Date | null;

  @InstantColumn({ nullable: true })
  disabledAt!: Date | null;

  @InstantColumn()
  createdAt!: Date;
}

/** Whether a member may come in, and why not. */
export type MemberState = 'active' | 'awaiting' | 'disabled';

export const memberStates = ['active', 'awaiting', 'disabled'] as const satisfies MemberState[];

export function stateOf({ disabledAt, awaitingSince }: Pick<User, 'disabledAt' | 'awaitingSince'>): MemberState {
  if (disabledAt) return 'disabled';
  return awaitingSince ? 'awaiting' : 'active';
}
