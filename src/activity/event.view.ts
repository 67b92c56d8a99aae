import { ApiProperty } from '@nestjs/swagger';
import { eventKinds, outcomes, type ActivityEvent, type EventKind, type Outcome } from './event.entity.js';

/** One thing that happened, as the API shows it. */
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

/** What an event is in words, for pages: first where it went well, then where it did not. */
const words: Record<EventKind, readonly [string, string?]> = {
  'account.registered': ['Registered', 'Tried to register again'],
  'account.approved': ['Was let in by an admin'],
  'account.disabled': ['Was disabled by an admin'],
  'account.enabled': ['Was enabled by an admin'],
  'account.renamed': ['Name changed'],
  'account.role-changed': ['Role changed'],
  'account.exported': ['Data exported'],
  'account.deleted': ['Account deleted'],
  'email.verification-asked': ['Link to confirm the email address asked for'],
  'email.verified': ['Email address confirmed'],
  'email.change-asked': ['Another email address asked for'],
  'email.changed': ['Email address changed'],
  'password.changed': ['Password changed', 'Wrong password given to change it'],
  'password.reset-asked': ['Reset link asked for'],
  'password.reset': ['Password reset by mail'],
  'session.link-asked': ['Link to log in asked for'],
  'session.second-step-asked': ['Gave the password, was asked for the second factor'],
  'session.began': ['Logged in', 'Tried to log in'],
  'session.proved': ['Proved who it is again', 'Gave a wrong proof'],
  'session.ended': ['Session ended'],
  'session.others-ended': ['All other sessions ended'],
  'token.made': ['Access token made'],
  'factor.added': ['Second factor added'],
  'factor.renamed': ['Passkey renamed'],
  'factor.removed': ['Second factor removed'],
  'factor.reset': ['Second factor reset by an admin'],
  'factor.recovery-codes-made': ['New recovery codes made'],
  'factor.recovery-code-used': ['Recovery code used'],
  'invite.made': ['Invite made'],
  'invite.withdrawn': ['Invite withdrawn'],
  'registration.changed': ['Rules of registration changed'],
  'group.added': ['Group made'],
  'group.renamed': ['Group renamed'],
  'group.deleted': ['Group deleted'],
  'group.member-added': ['Member came to a group'],
  'group.member-removed': ['Member taken out of a group'],
  'file.added': ['File added'],
  'file.replaced': ['New version of a file'],
  'file.renamed': ['File renamed'],
  'file.described': ['Note of a file changed'],
  'file.scheduled': ['When a file is there was changed'],
  'file.limited': ['How often a file may be downloaded was changed'],
  'file.shared': ['Who may have a file was changed'],
  'file.reminded': ['Members reminded of a file'],
  'file.featured': ['File featured'],
  'file.unfeatured': ['File no longer featured'],
  'file.deleted': ['File deleted'],
  'file.restored': ['Deleted file put back'],
  'collection.created': ['Collection made'],
  'collection.changed': ['Collection changed'],
  'collection.shared': ['Who may have a collection was changed'],
  'collection.deleted': ['Collection deleted'],
  'collection.downloaded': ['Downloaded a collection', 'The download of a collection broke off'],
  'file.downloaded': ['Downloaded a file', 'A download broke off'],
  'file.part-downloaded': ['Downloaded a part of a file', 'The download of a part broke off'],
};

export const wordsOf = ({ kind, outcome }: Pick<ActivityEvent, 'kind' | 'outcome'>): string => {
  const [done, otherwise] = words[kind];
  return outcome === 'success' ? done : (otherwise ?? `${done}: ${outcome}`);
};

/** A point in time as pages show it, UTC. */
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
