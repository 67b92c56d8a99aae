import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn } from 'class-validator';
import { eventKinds, type EventKind } from '../activity/event-kinds.js';
import { outcomes, type Outcome } from '../activity/event.entity.js';
import { IfGiven } from '../http/if-given.js';
import { SearchInput } from '../http/paging.input.js';

/** A form sends an empty text for a field that is left empty. */
const open = ({ value }: { value: unknown }) => (value === '' ? undefined : value);

/** The events that an admin wants to see. */
export class ActivityFilterInput extends SearchInput {
  @ApiPropertyOptional({ enum: eventKinds, description: 'Only events of this kind.' })
  @IfGiven()
  @Transform(open)
  @IsIn(eventKinds, { message: 'kind is the kind of an event, such as session.began.' })
  kind?: EventKind;

  @ApiPropertyOptional({ enum: outcomes, description: 'Only events that ended this way.' })
  @IfGiven()
  @Transform(open)
  @IsIn(outcomes, { message: `outcome is one of ${outcomes.join(', ')}.` })
  outcome?: Outcome;
}
