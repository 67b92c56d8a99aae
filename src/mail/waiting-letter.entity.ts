import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** A letter that is not sent yet. Its row is deleted when it has been sent or given up. */
@Entity('outbox')
export class WaitingLetter {
  /** A UUID version 7, so that a later letter has a greater id. It is part of the mail's Message-ID. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** The recipient and the content, encrypted, because a link in it may give access. */
  @Column('text')
  letter!: string;

  @InstantColumn()
  createdAt!: Date;

  @Column('integer', { default: 0 })
  tries!: number;

  /** When it is tried next. While it is being sent, the time after which another process may take it. */
  @InstantColumn()
  dueAt!: Date;
}
