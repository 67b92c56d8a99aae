import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';
import { searchForm } from '../http/paging.input.js';
import { nameOnRecord } from './file-name.js';
import { fold } from '../http/search.js';

/**
 * A file that members may have, and its newest version. The bytes of the newest version are in the file store under
 * `storageKey`. Triggers of the database add a row to `file_versions` when `versionId` changes, count `revision`, and
 * keep in `sharedAt` when the file was last shared with anybody. Only SQL reads `sharedAt`.
 */
@Entity('files')
export class StoredFile {
  /** A UUID of version 7, so that a later file has a greater id. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** The name by the current rule for names, even if an older version of the site stored it under another rule. */
  @Column('varchar', { length: 255, transformer: { from: nameOnRecord, to: (name: unknown) => name } })
  name!: string;

  /** The name in lower case, used for sorting because the databases fold case differently. */
  @Column('varchar', { length: 255 })
  searchName!: string;

  /** The name and the note in the form that a search compares. Lists do not read this column. */
  @Column('text')
  searchText?: string;

  @Column('varchar', { length: 255 })
  contentType!: string;

  /** In bytes. */
  @CountColumn()
  size!: number;

  /** The SHA-256 of the bytes, in lower-case hex. */
  @Column('varchar', { length: 64 })
  sha256!: string;

  @Column('varchar', { length: 64, unique: true })
  storageKey!: string;

  /** The admin's description; empty if there is none. */
  @Column('varchar', { length: 1_000, default: '' })
  note!: string;

  /** From when on members may have it: the time when it was added, or a time that an admin set. */
  @InstantColumn()
  availableAt!: Date;

  /** Until when members may have it; no end if null. */
  @InstantColumn({ nullable: true })
  expiresAt!: Date | null;

  /** Whether only admins see it, whatever its times say. */
  @Column('boolean', { default: false })
  isHidden!: boolean;

  /**
   * Whether every member may have it. If not, only the members in its audiences, or in the audiences of a collection
   * that it is in, may have it.
   */
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

  /** The number of its newest version. The first version is 1. */
  @Column('integer')
  versionNumber!: number;

  /** When its newest version was added. */
  @InstantColumn()
  versionedAt!: Date;

  /** A unique name for a file that may be imported only once, such as `welcome`; null for any other file. */
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

  /** How often the details of the file have changed. The database counts it. `revisedAt` is the last time. */
  @Column('integer')
  revision!: number;

  @InstantColumn()
  revisedAt!: Date;
}

/** The text of a file that a search compares: its name and its note. */
export const searchTextOf = ({ name, note }: Pick<StoredFile, 'name' | 'note'>): string => fold(`${name} ${note}`);

/**
 * The name of a file, and the form of it that lists are sorted by.
 *
 * @param given any name. The rule for names makes the name of the file from it, or `file` if it cannot.
 */
export const nameForms = (given: string) => {
  const name = nameOnRecord(given);
  // some letters become longer in lower case, and the column holds 255 characters
  return { name, searchName: Array.from(searchForm(name)).slice(0, 255).join('') };
};
