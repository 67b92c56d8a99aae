import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import { searchForm } from '../http/paging.input.js';
import { fold } from '../http/search.js';

/** Files that are given together: whoever may have it may have each file in it that is out. */
@Entity('collections')
export class Collection {
  /** A UUID of version 7, so that a later collection has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 100 })
  name!: string;

  /** The name in lower case, because the databases fold case differently. */
  @Column('varchar', { length: 100 })
  searchName!: string;

  /** Name and note, folded: what is searched. Lists do not read it. */
  @Column('text')
  searchText?: string;

  /** The admin's description; empty if there is none. */
  @Column('varchar', { length: 1_000 })
  note!: string;

  /** Else those whom an audience names. */
  @Column('boolean')
  isForEveryone!: boolean;

  @InstantColumn()
  createdAt!: Date;

  /** When something about it changed last, or what is in it. */
  @InstantColumn()
  changedAt!: Date;

  /** How often what is told of it has changed, and when last: the database counts. */
  @Column('integer')
  revision!: number;

  @InstantColumn()
  revisedAt!: Date;
}

/** What is searched of a collection. */
export const searchTextOf = ({ name, note }: Pick<Collection, 'name' | 'note'>): string => fold(`${name} ${note}`);

/** A collection's name, and the same in lower case. */
export const nameForms = (name: string) => ({
  name,
  // some letters are longer in lower case
  searchName: Array.from(searchForm(name)).slice(0, 100).join(''),
});
