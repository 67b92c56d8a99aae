import { ApiProperty } from '@nestjs/swagger';
import { presentInstant } from '../activity/event.view.js';
import { sizeInWords } from '../files/file.view.js';
import type { Collection } from './collection.entity.js';

/** A collection as the API shows it. */
export class CollectionView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'Annual meeting 2027' })
  readonly name!: string;

  @ApiProperty({ description: 'What an admin says of it; empty where nothing.' })
  readonly note!: string;

  @ApiProperty({ description: 'Whether every member may have it.' })
  readonly isForEveryone!: boolean;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    description: 'When something about it changed last, or what is in it.',
  })
  readonly changedAt!: string;
}

/** One page of the list of collections. */
export class CollectionPage {
  @ApiProperty({ type: [CollectionView] })
  readonly items!: CollectionView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

/** Picks what the API shows. */
export const presentCollection = (collection: Collection): CollectionView => ({
  id: collection.id,
  name: collection.name,
  note: collection.note,
  isForEveryone: collection.isForEveryone,
  createdAt: collection.createdAt.toISOString(),
  changedAt: collection.changedAt.toISOString(),
});

/** Picks what a page shows, in words for people. */
export const presentCollectionInWords = ({ id, name, note, isForEveryone, changedAt }: Collection) => ({
  id,
  name,
  note,
  isForEveryone,
  href: `/collections/${id}`,
  adminHref: `/admin/collections/${id}`,
  changed: presentInstant(changedAt),
});

/** How many files a collection holds and how large they are, in words. */
export const sumInWords = ({ count, size }: { count: number; size: number }): string =>
  count === 0 ? 'no files' : `${count === 1 ? '1 file' : `${count} files`}, ${sizeInWords(size)}`;
