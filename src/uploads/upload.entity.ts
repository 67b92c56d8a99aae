import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CountColumn, InstantColumn } from '../database/instant.column.js';

/** A resumable upload. The file store holds the bytes that have arrived, under `storageKey`. */
@Entity('uploads')
export class Upload {
  /** A UUID of version 7. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  @Column('varchar', { length: 36 })
  uploaderId!: string;

  /** The file that gets a new version from this upload; null if the upload makes a new file. */
  @Column('varchar', { length: 36, nullable: true })
  fileId!: string | null;

  @Column('varchar', { length: 255 })
  name!: string;

  /** The size of the whole upload, in bytes. */
  @CountColumn()
  size!: number;

  /** The `Upload-Metadata` that the client sent, as JSON. */
  @Column('text')
  metadata!: string;

  @Column('varchar', { length: 64, unique: true })
  storageKey!: string;

  /** The file that the upload was added as; null until all bytes have arrived. */
  @Column('varchar', { length: 36, nullable: true })
  addedFileId!: string | null;

  @InstantColumn()
  createdAt!: Date;

  /** When the upload is deleted: a day after the last request that added to it. */
  @InstantColumn()
  expiresAt!: Date;
}
