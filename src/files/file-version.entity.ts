import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A version of a file: the bytes that its address served from a certain time on. Triggers of the database write it. */
@Entity('file_versions')
export class FileVersion {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  fileId!: string;

  /** The first version of a file is 1. */
  @Column('integer')
  number!: number;

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

  @InstantColumn()
  createdAt!: Date;

  /** When its bytes were deleted, some time after a newer version replaced it; null if they are still there. */
  @InstantColumn({ nullable: true })
  discardedAt!: Date | null;

  /** Whether members could have the file when the next version replaced this one; false for the newest version. */
  @Column('boolean', { default: false })
  wasOut!: boolean;

  /** How many downloads of it were counted, for all members together. */
  @CountColumn()
  downloads!: number;
}
