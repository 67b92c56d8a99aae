import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A member's passkey, as the server knows it: its public key, its ids and its name. */
@Entity('passkeys')
export class Passkey {
  /** A UUID of version 7, so that a later passkey has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  userId!: string;

  /** The authenticator's own id for it, in base64url. */
  @Column('text', { unique: true })
  credentialId!: string;

  /** A COSE key, in base64url. */
  @Column('text')
  publicKey!: string;

  /** How often it was used, as the authenticator counts. 0 if the authenticator does not count. */
  @CountColumn()
  counter!: number;

  /** The ways in which a browser may reach it, separated by commas. */
  @Column('varchar', { length: 255 })
  transports!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  @InstantColumn()
  createdAt!: Date;

  @InstantColumn({ nullable: true })
  lastUsedAt!: Date | null;
}
