import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** Members who are given files together. */
@Entity('groups')
export class Group {
  /** A UUID of version 7, so that a later group has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** The name in lower case: no two groups share it. */
  @Column('varchar', { length: 100, unique: true })
  searchName!: string;

  /** The name, folded: what is searched. */
  @Column('text')
  searchText!: string;

  @InstantColumn()
  createdAt!: Date;

  /** How often what is told of it has changed, and when last: the database counts. */
  @Column('integer')
  revision!: number;

  @InstantColumn()
  revisedAt!: Date;
}
