import { ApiProperty } from '@nestjs/swagger';
import { eventKinds, wordsOfKind, type EventKind } from './event-kinds.js';
import { outcomes, type ActivityEvent, type Outcome } from './event.entity.js';

/** One event, as the API shows it. */
export class EventView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly at!: string;

  @ApiProperty({ enum: eventKinds })
  readonly kind!: EventKind;

  @ApiProperty({ enum: outcomes })
  readonly outcome!: Outcome;

  @ApiProperty({ type: 'string', nullable: true, description: 'The email of who did it; null for a stranger.' })
  readonly actor!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'What it was done to.' })
  readonly target!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  readonly address!: string | null;

  @ApiProperty({ description: 'The number of the request, as in the X-Request-Id header and the log.' })
  readonly requestId!: string;
}

export class EventPage {
  @ApiProperty({ type: [EventView] })
  readonly items!: EventView[];

  @ApiProperty({ type: 'string', nullable: true, format: 'uuid', description: 'Ask for the next part with it.' })
  readonly nextCursor!: string | null;
}

export const presentEvent = (event: ActivityEvent): EventView => ({
  id: event.id,
  at: event.at.toISOString(),
  kind: event.kind,
  outcome: event.outcome,
  actor: event.actor,
  target: event.target,
  address: event.address,
  requestId: event.requestId,
});

/** The text of an event, for pages. */
export const wordsOf = ({ kind, outcome }: Pick<ActivityEvent, 'kind' | 'outcome'>): string => {
  const [done, otherwise] = wordsOfKind(kind);
  return outcome === 'success' ? done : (otherwise ?? `${done}: ${outcome}`);
};

/** A time as pages show it, in UTC. */
export const presentInstant = (instant: Date) => ({
  iso: instant.toISOString(),
  words: `${formatter.format(instant)} UTC`,
});

const formatter = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

export const presentEventInWords = (event: ActivityEvent) => ({
  ...presentEvent(event),
  at: presentInstant(event.at),
  words: wordsOf(event),
  isRefused: event.outcome === 'refused',
});
