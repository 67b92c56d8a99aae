import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A member's passkey, as far as this side knows it: a public key and what tells it from others. */
@Entity('passkeys')
export class Passkey {
  /** A UUID of version 7, so that a later passkey has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  /** The authenticator's own name for it, base64url. */
  @Column('text', { unique: true })
  credentialId!: string;

  /** COSE, base64url. */
  @Column('text')
  publicKey!: string;

  /** How often it was used, by the authenticator's count; 0 where it does not count. */
  @CountColumn()
  counter!: number;

  /** Ways in which a browser may reach it, with commas between. */
  @Column('varchar', { length: 255 })
  transports!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  @InstantColumn()
  createdAt!: Date;

  @InstantColumn({ nullable: true })
  lastUsedAt!: Date | null;
}
