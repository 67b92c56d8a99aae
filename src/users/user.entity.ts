import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import type { Role } from '../http/access.js';

/** A member of the site. */
@Entity('users')
export class User {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** In lower case; unique. */
  @Column('varchar', { length: 254, unique: true })
  email!: string;

  @Column('varchar', { length: 255 })
  passwordHash!: string;

  @Column('varchar', { length: 16 })
  role!: Role;

  @InstantColumn({ nullable: true })
  disabledAt!: Date | null;

  @InstantColumn()
  createdAt!: Date;
}
