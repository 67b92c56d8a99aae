import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** A set of members with whom files are shared together. */
@Entity('groups')
export class Group {
  /** A UUID of version 7, so that a later group has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** The name in lower case. No two groups have the same. */
  @Column('varchar', { length: 100, unique: true })
  searchName!: string;

  /** The name, folded: the text that a search looks in. */
  @Column('text')
  searchText!: string;

  @InstantColumn()
  createdAt!: Date;

  /** The number of the current revision, and below when it was made. The database sets both at each change. */
  @Column('integer')
  revision!: number;

  @InstantColumn()
  revisedAt!: Date;
}
