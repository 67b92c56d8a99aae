import { ApiProperty } from '@nestjs/swagger';
import { EventView } from '../activity/event.view.js';
import { FactorsView } from '../factors/factors.view.js';
import { SessionView } from '../sessions/session.view.js';
import { UserView } from '../users/user.view.js';

class ExportedAccount extends UserView {
  @ApiProperty({ type: 'string', nullable: true, format: 'date-time' })
  readonly emailVerifiedAt!: string | null;
}

/** All that the site knows of a member. */
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
}
