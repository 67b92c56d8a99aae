import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';
import { searchForm } from '../http/paging.input.js';
import { nameOnRecord } from './file-name.js';
import { fold } from '../http/search.js';

/**
 * A file that members may have: what is known of it, and of its newest version. The bytes of that are in the file store
 * under `storageKey`. By triggers, the database writes each version down in `file_versions` when `versionId` changes, counts
 * `revision`, and keeps in `sharedAt`, which only SQL reads, when it was last given to anybody.
 */
@Entity('files')
export class StoredFile {
  /** A UUID of version 7, so that a later file has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** By the rule of names, also where an older version of the site took it in. */
  @Column('varchar', { length: 255, transformer: { from: nameOnRecord, to: (name: unknown) => name } })
  name!: string;

  /** The name in lower case, used for sorting because the databases fold case differently. */
  @Column('varchar', { length: 255 })
  searchName!: string;

  /** Name and note, folded: what is searched. Lists do not read it. */
  @Column('text')
  searchText?: string;

  @Column('varchar', { length: 255 })
  contentType!: string;

  /** In bytes. */
  @CountColumn()
  size!: number;

  /** Of the bytes, in lower-case hex. */
  @Column('varchar', { length: 64 })
  sha256!: string;

  @Column('varchar', { length: 64, unique: true })
  storageKey!: string;

  /** The admin's description; empty if there is none. */
  @Column('varchar', { length: 1_000, default: '' })
  note!: string;

  /** From when on members may have it: since it was added, or as an admin set it. */
  @InstantColumn()
  availableAt!: Date;

  /** Until when members may have it; no end if null. */
  @InstantColumn({ nullable: true })
  expiresAt!: Date | null;

  /** Whether only admins see it, whatever its times say. */
  @Column('boolean', { default: false })
  isHidden!: boolean;

  /** Else those whom an audience names, or an audience of a collection that it is in. */
  @Column('boolean')
  isForEveryone!: boolean;

  /** How many downloads of one version each member has; no limit if null. */
  @CountColumn({ nullable: true })
  memberLimit!: number | null;

  /** How many downloads of one version there are for all members together; no limit if null. */
  @CountColumn({ nullable: true })
  totalLimit!: number | null;

  @Column('varchar', { length: 36 })
  versionId!: string;

  /** 1 for the first. */
  @Column('integer')
  versionNumber!: number;

  /** When its newest version came. */
  @InstantColumn()
  versionedAt!: Date;

  /** Names what may be imported only once, such as `welcome`. */
  @Column('varchar', { length: 32, nullable: true, unique: true })
  origin!: string | null;

  /** When an admin chose it to be the featured file. */
  @InstantColumn({ nullable: true })
  featuredAt!: Date | null;

  /** When an admin deleted it; its bytes are kept for a while. */
  @InstantColumn({ nullable: true })
  deletedAt!: Date | null;

  @InstantColumn()
  createdAt!: Date;

  /** How often what is told of it has changed, and when last: the database counts. */
  @Column('integer')
  revision!: number;

  @InstantColumn()
  revisedAt!: Date;
}

/** What is searched of a file. */
export const searchTextOf = ({ name, note }: Pick<StoredFile, 'name' | 'note'>): string => fold(`${name} ${note}`);

/**
 * A file's name, and the form in which it is ordered.
 *
 * @param given from which the rule of names makes one; `file` if it cannot.
 */
export const nameForms = (given: string) => {
  const name = nameOnRecord(given);
  // some letters are longer in lower case
  return { name, searchName: Array.from(searchForm(name)).slice(0, 255).join('') };
};
