import { ApiProperty } from '@nestjs/swagger';
import { presentInstant } from '../activity/event.view.js';
import type { Link } from '../links/link.entity.js';

/** An invite that nobody has used yet. */
export class InviteView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ type: String, nullable: true, format: 'email', description: 'Whom it was mailed; null for anybody.' })
  readonly email!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly expiresAt!: string;
}

/** An invite that was just made. */
export class NewInviteView extends InviteView {
  @ApiProperty({ format: 'uri', description: 'Opens the registration, once. It is told this one time.' })
  readonly link!: string;
}

/** One page of the list of invites. */
export class InvitePage {
  @ApiProperty({ type: [InviteView] })
  readonly items!: InviteView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

/** Picks what an API answer shows of an invite. */
export const presentInvite = (invite: Link) => ({
  id: invite.id,
  email: invite.data,
  createdAt: invite.createdAt.toISOString(),
  expiresAt: invite.expiresAt.toISOString(),
});

/** Adds the link, for the admin who has just made the invite. */
export const presentNewInvite = (invite: Link, link: string): NewInviteView => ({ ...presentInvite(invite), link });

/** Picks what a page shows of an invite, in words. */
export const presentInviteInWords = (invite: Link) => ({
  id: invite.id,
  email: invite.data,
  createdAt: presentInstant(invite.createdAt),
  expiresAt: presentInstant(invite.expiresAt),
});
