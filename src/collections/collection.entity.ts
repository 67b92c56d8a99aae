import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';
import { searchForm } from '../http/paging.input.js';
import { fold } from '../http/search.js';

/**
 * A set of files that are shared together. A member who may have the collection may have each file in it, if the file
 * is not hidden, deleted, or outside its times.
 */
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

  /** Name and note, folded: the text that a search looks in. Lists do not load it. */
  @Column('text')
  searchText?: string;

  /** The admin's description; empty if there is none. */
  @Column('varchar', { length: 1_000 })
  note!: string;

  /** Whether all members may have it. If not, only the groups and members of its audience may. */
  @Column('boolean')
  isForEveryone!: boolean;

  @InstantColumn()
  createdAt!: Date;

  /** When the collection, or the set of files in it, last changed. */
  @InstantColumn()
  changedAt!: Date;

  /** The number of the current revision, and below when it was made. The database sets both at each change. */
  @Column('integer')
  revision!: number;

  @InstantColumn()
  revisedAt!: Date;
}

/** The text that a search looks in. */
export const searchTextOf = ({ name, note }: Pick<Collection, 'name' | 'note'>): string => fold(`${name} ${note}`);

/** A collection's name, and the same name in lower case. */
export const nameForms = (name: string) => ({
  name,
  // some letters become longer in lower case, and the column holds 100 characters
  searchName: Array.from(searchForm(name)).slice(0, 100).join(''),
});
