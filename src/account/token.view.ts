import { ApiProperty } from '@nestjs/swagger';
import type { Session } from '../sessions/session.entity.js';
import { presentSession, SessionView } from '../sessions/session.view.js';

/** A new personal token. */
export class NewTokenView {
  @ApiProperty({ description: 'Send it as `Authorization: Bearer …`. It is shown this once.', example: 'gatehouse_…' })
  readonly token!: string;

  @ApiProperty({ type: SessionView, description: 'As it stands in the list of your sessions.' })
  readonly session!: SessionView;
}

export const presentNewToken = ({ token, session }: { token: string; session: Session }): NewTokenView => ({
  token,
  session: presentSession(session),
});
