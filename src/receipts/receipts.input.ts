import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { SearchInput } from '../http/paging.input.js';

export const receiptStates = ['complete', 'started', 'none'] as const;
/** How much of the newest version of a file a member has been sent: all bytes, some, or none. */
export type ReceiptState = (typeof receiptStates)[number];

/** Which receipts an admin wants to see. */
export class ReceiptsInput extends SearchInput {
  @ApiPropertyOptional({ enum: receiptStates, description: 'Only those who are so far.' })
  @IfGiven()
  // a form sends an empty field as empty text
  @Transform(({ value }) => (value === '' ? undefined : (value as unknown)))
  @IsIn(receiptStates, { message: `state is one of ${receiptStates.join(', ')}.` })
  state?: ReceiptState;
}
