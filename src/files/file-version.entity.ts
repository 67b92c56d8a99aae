import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A version of a file: the bytes that stood under its address from one time on. The database writes it by itself. */
@Entity('file_versions')
export class FileVersion {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  fileId!: string;

  /** 1 for the first. */
  @Column('integer')
  number!: number;

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

  @InstantColumn()
  createdAt!: Date;

  /** When its bytes went, some time after another version had taken its place. */
  @InstantColumn({ nullable: true })
  discardedAt!: Date | null;

  /** Whether members could have the file when the next version took its place; false of the newest. */
  @Column('boolean', { default: false })
  wasOut!: boolean;

  /** How many downloads of it were spent, by all members together. */
  @CountColumn()
  downloads!: number;
}
