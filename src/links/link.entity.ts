import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** What a link is for; one that was made for one thing opens no other. */
export type LinkKind = 'reset' | 'email' | 'login' | 'factor' | 'invite' | 'setup' | 'form';

/** Something secret that is handed out once and opens one thing once: a link in a mail, an invite, a half-done login. */
@Entity('links')
export class Link {
  /** A UUID of version 7, so that a later link has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 16 })
  kind!: LinkKind;

  /** SHA-256 of the secret, base64url: 256 random bits need no slower hash. */
  @Column('varchar', { length: 64, unique: true })
  secretHash!: string;

  /** Whom it is for; of an invite, who made it; of a kept form, the session. */
  @Column('varchar', { length: 36, nullable: true })
  userId!: string | null;

  /** What belongs to it, such as a new email address. */
  @Column('text', { nullable: true })
  data!: string | null;

  @InstantColumn()
  createdAt!: Date;

  @InstantColumn()
  expiresAt!: Date;

  @InstantColumn({ nullable: true })
  usedAt!: Date | null;
}
