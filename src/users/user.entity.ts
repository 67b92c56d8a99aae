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

  /** In lower case. Unique. */
  @Column('varchar', { length: 254, unique: true })
  email!: string;

  /** The name and the email in lower case, because the databases differ in how they change case. */
  @Column('text')
  searchText!: string;

  @Column('varchar', { length: 255 })
  passwordHash!: string;

  @Column('varchar', { length: 16 })
  role!: Role;

  /** When somebody opened a link that was mailed to the address. */
  @InstantColumn({ nullable: true })
  emailVerifiedAt!: Date | null;

  /**
   * When the member proved that the address is theirs. They were logged in when they opened the link, or they used the
   * link to choose a password.
   */
  @InstantColumn({ nullable: true })
  emailOwnedAt!: Date | null;

  /** Since when the member has waited for an admin's approval. Null for a member who is approved. */
  @InstantColumn({ nullable: true })
  awaitingSince!: Date | null;

  @InstantColumn({ nullable: true })
  disabledAt!: Date | null;

  @InstantColumn()
  createdAt!: Date;
}

/** Whether a member may log in and, if not, the reason. */
export type MemberState = 'active' | 'awaiting' | 'disabled';

export const memberStates = ['active', 'awaiting', 'disabled'] as const satisfies MemberState[];

export function stateOf({ disabledAt, awaitingSince }: Pick<User, 'disabledAt' | 'awaitingSince'>): MemberState {
  if (disabledAt) return 'disabled';
  return awaitingSince ? 'awaiting' : 'active';
}
