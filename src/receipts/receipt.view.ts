import { ApiProperty } from '@nestjs/swagger';
import { presentInstant } from '../activity/event.view.js';
import { sizeInWords } from '../files/file.view.js';
import { receiptStates, type ReceiptState } from './receipts.input.js';
import type { OwnReceipt, Receipt } from './receipts.service.js';

/** How much of a file one member has been sent, as the API shows it. */
export class ReceiptView {
  @ApiProperty({ format: 'uuid', description: 'Of the member.' })
  readonly id!: string;

  @ApiProperty({ example: 'Ada Lovelace' })
  readonly name!: string;

  @ApiProperty({ example: 'ada@example.com' })
  readonly email!: string;

  @ApiProperty({
    enum: receiptStates,
    description: 'Whether all bytes of the newest version were sent, some, or none.',
  })
  readonly state!: ReceiptState;

  @ApiProperty({ description: 'How many were.' })
  readonly bytes!: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When all of them had been.' })
  readonly completedAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When the last of them was.' })
  readonly lastAt!: string | null;
}

/** One page of the receipts of a file. */
export class ReceiptPage {
  @ApiProperty({ type: [ReceiptView] })
  readonly items!: ReceiptView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

/** How many members are reminded. */
export class RemindersView {
  @ApiProperty({ type: 'integer', description: 'Members to whom a letter goes.' })
  readonly count!: number;
}

export const presentReceipt = ({
  id,
  name,
  email,
  state,
  coveredBytes,
  completedAt,
  lastAt,
}: Receipt): ReceiptView => ({
  id,
  name,
  email,
  state,
  bytes: coveredBytes,
  completedAt: completedAt?.toISOString() ?? null,
  lastAt: lastAt?.toISOString() ?? null,
});

/**
 * Picks what a page shows of a member's receipt, in words.
 *
 * @param size of the file, in bytes.
 */
export const presentReceiptInWords = (
  receipt: Pick<Receipt, 'state' | 'coveredBytes' | 'completedAt' | 'lastAt'>,
  size: number,
) => ({
  isComplete: receipt.state === 'complete',
  words: stateInWords(receipt, size),
  at: presentedOrNull(receipt.completedAt ?? receipt.lastAt),
});

/** Picks what a page about a member shows of one file, in words. */
export const presentOwnReceiptInWords = (receipt: OwnReceipt) => ({
  name: receipt.name,
  href: `/admin/files/${receipt.id}`,
  size: sizeInWords(receipt.size),
  ...presentReceiptInWords(receipt, receipt.size),
});

const presentedOrNull = (instant: Date | null) => instant && presentInstant(instant);

function stateInWords({ state, coveredBytes }: Pick<Receipt, 'state' | 'coveredBytes'>, size: number): string {
  if (state === 'complete') return 'Complete';
  if (state === 'none') return 'Not yet';
  return `Started, ${Math.min(99, Math.floor((100 * coveredBytes) / Math.max(1, size)))} %`;
}
