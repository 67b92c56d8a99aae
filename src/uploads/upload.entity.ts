import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A file that arrives in pieces. What has come of its bytes lies in the file store under `storageKey`. */
@Entity('uploads')
export class Upload {
  /** A UUID of version 7. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  uploaderId!: string;

  /** The file whose next version it is; null if it is a new file. */
  @Column('varchar', { length: 36, nullable: true })
  fileId!: string | null;

  @Column('varchar', { length: 255 })
  name!: string;

  /** In bytes, when all has come. */
  @CountColumn()
  size!: number;

  /** What the client told of it, in JSON. */
  @Column('text')
  metadata!: string;

  @Column('varchar', { length: 64, unique: true })
  storageKey!: string;

  /** The file that it has become; null until all has come. */
  @Column('varchar', { length: 36, nullable: true })
  addedFileId!: string | null;

  @InstantColumn()
  createdAt!: Date;

  /** A day after the last piece of it. */
  @InstantColumn()
  expiresAt!: Date;
}
