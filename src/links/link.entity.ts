import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** The purpose of a link. A link for one purpose cannot be used for another. */
export type LinkKind = 'reset' | 'email' | 'login' | 'factor' | 'invite' | 'setup' | 'form';

/** A secret that is given out once and can be used once: a link in a mail, an invite, a half-finished login. */
@Entity('links')
export class Link {
  /** A UUID version 7, so that a later link has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 16 })
  kind!: LinkKind;

  /** SHA-256 of the secret, in base64url. The secret has 256 random bits, so it needs no slower hash. */
  @Column('varchar', { length: 64, unique: true })
  secretHash!: string;

  /** The member it is for. Of an invite, the member who made it. Of a kept form, the session. */
  @Column('varchar', { length: 36, nullable: true })
  userId!: string | null;

  /** Extra data of the link, such as a new email address. */
  @Column('text', { nullable: true })
  data!: string | null;

  @InstantColumn()
  createdAt!: Date;

  @InstantColumn()
  expiresAt!: Date;

  @InstantColumn({ nullable: true })
  usedAt!: Date | null;
}
