import { ApiProperty } from '@nestjs/swagger';
import { EventView } from '../activity/event.view.js';
import { FactorsView } from '../factors/factors.view.js';
import { SessionView } from '../sessions/session.view.js';
import { UserView } from '../users/user.view.js';

class ExportedAccount extends UserView {
  @ApiProperty({ type: 'string', nullable: true, format: 'date-time' })
  readonly emailVerifiedAt!: string | null;
}

const instant = { type: String, format: 'date-time' } as const;
const instantOrNull = { ...instant, nullable: true } as const;
const nameIfTheirs = {
  type: String,
  nullable: true,
  description: 'What the file is called; null where you may not have it now.',
} as const;

class ExportedGroup {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty()
  readonly name!: string;

  @ApiProperty(instant)
  readonly addedAt!: string;
}

class ExportedGift {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty()
  readonly name!: string;
}

class ExportedReceipt {
  @ApiProperty({ format: 'uuid' })
  readonly fileId!: string;

  @ApiProperty(nameIfTheirs)
  readonly name!: string | null;

  @ApiProperty({ type: 'integer', minimum: 1 })
  readonly version!: number;

  @ApiProperty({ description: 'Of the version, in bytes.' })
  readonly size!: number;

  @ApiProperty({ description: 'How many of its bytes you have been sent.' })
  readonly bytes!: number;

  @ApiProperty({ description: 'How many downloads were counted.' })
  readonly downloads!: number;

  @ApiProperty(instant)
  readonly firstAt!: string;

  @ApiProperty(instant)
  readonly lastAt!: string;

  @ApiProperty(instantOrNull)
  readonly completedAt!: string | null;
}

class ExportedReminder {
  @ApiProperty({ format: 'uuid' })
  readonly fileId!: string;

  @ApiProperty(nameIfTheirs)
  readonly name!: string | null;

  @ApiProperty(instant)
  readonly askedAt!: string;

  @ApiProperty(instantOrNull)
  readonly sentAt!: string | null;
}

class ExportedVisit {
  @ApiProperty({ ...instant, description: 'When you looked at your files last.' })
  readonly seenAt!: string;

  @ApiProperty({ ...instant, description: 'When before that: what came since is new to you.' })
  readonly sinceAt!: string;
}

class ExportedUpload {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty()
  readonly name!: string;

  @ApiProperty({ description: 'In bytes.' })
  readonly size!: number;

  @ApiProperty(instant)
  readonly createdAt!: string;

  @ApiProperty(instant)
  readonly expiresAt!: string;
}

class ExportedLink {
  @ApiProperty({ description: 'What it opens, such as `reset`; or `invite`, for one that you made.' })
  readonly kind!: string;

  @ApiProperty({ type: String, nullable: true, description: 'The address that it confirms.' })
  readonly email!: string | null;

  @ApiProperty(instant)
  readonly createdAt!: string;

  @ApiProperty(instant)
  readonly expiresAt!: string;

  @ApiProperty(instantOrNull)
  readonly usedAt!: string | null;
}

class LeftOut {
  @ApiProperty()
  readonly what!: string;

  @ApiProperty()
  readonly why!: string;
}

/** Everything that the site stores about a member. */
export class ExportView {
  @ApiProperty({ type: String, format: 'date-time' })
  readonly exportedAt!: string;

  @ApiProperty({ type: ExportedAccount })
  readonly account!: ExportedAccount;

  @ApiProperty({ type: [SessionView] })
  readonly sessions!: SessionView[];

  @ApiProperty({ type: FactorsView, description: 'What there is, and since when; no secret of theirs.' })
  readonly secondFactors!: FactorsView;

  @ApiProperty({ type: [EventView], description: 'What happened to the account, the newest first.' })
  readonly activity!: EventView[];

  @ApiProperty({ type: [EventView], description: 'What you did to files, groups and accounts of others.' })
  readonly acts!: EventView[];

  @ApiProperty({ type: [ExportedGroup], description: 'The groups that you are in.' })
  readonly groups!: ExportedGroup[];

  @ApiProperty({ type: [ExportedGift], description: 'Files that were given to you by name, and that you may have.' })
  readonly givenFiles!: ExportedGift[];

  @ApiProperty({ type: [ExportedGift], description: 'Collections that were given to you by name.' })
  readonly givenCollections!: ExportedGift[];

  @ApiProperty({ type: [ExportedReceipt], description: 'What you have been sent of which version of a file.' })
  readonly receipts!: ExportedReceipt[];

  @ApiProperty({ type: [ExportedReminder], description: 'Files that an admin has asked you to download.' })
  readonly reminders!: ExportedReminder[];

  @ApiProperty({ type: [ExportedVisit] })
  readonly visits!: ExportedVisit[];

  @ApiProperty({ type: [ExportedUpload], description: 'Files that you began to add in pieces.' })
  readonly uploads!: ExportedUpload[];

  @ApiProperty({ type: [ExportedLink], description: 'Links that were made for you or by you; no secret of theirs.' })
  readonly links!: ExportedLink[];

  @ApiProperty({ type: [LeftOut], description: 'What is kept and not here, and why.' })
  readonly leftOut!: LeftOut[];
}
