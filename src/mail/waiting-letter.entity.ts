import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/instant.column.js';

/** A letter that was not sent yet. Its row goes when it has been. */
@Entity('outbox')
export class WaitingLetter {
  /** A UUID of version 7, so that a later letter has a greater id. The mail's Message-ID is made of it. */
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** To whom, which letter and what it says, sealed: a link in it opens something. */
  @Column('text')
  letter!: string;

  @InstantColumn()
  createdAt!: Date;

  @Column('integer', { default: 0 })
  tries!: number;

  /** When it is tried next; of a letter that is being sent, when others may take it that nobody sends any more. */
  @InstantColumn()
  dueAt!: Date;
}
