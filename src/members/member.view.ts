import { ApiProperty } from '@nestjs/swagger';
import { presentInstant } from '../activity/event.view.js';
import type { FactorSummary } from '../factors/factors.service.js';
import { memberStates, stateOf, type MemberState } from '../users/user.entity.js';
import { UserView } from '../users/user.view.js';
import type { Member } from './members.service.js';

/** A member as admins see them. */
export class MemberView extends UserView {
  @ApiProperty({ enum: memberStates, description: 'Whether they may come in; `awaiting` until an admin lets them.' })
  readonly state!: MemberState;

  @ApiProperty({ description: 'Whether the email address was shown to be theirs.' })
  readonly emailVerified!: boolean;

  @ApiProperty({ description: 'Whether a second factor is set up.' })
  readonly hasFactor!: boolean;
}

/** A link that lets a member choose another password. */
export class ResetLinkView {
  @ApiProperty({
    type: String,
    nullable: true,
    format: 'uri',
    description: 'Where the site sends no mail: for you to pass on, told this one time. Null where it was mailed.',
  })
  readonly link!: string | null;
}

/** One page of the list of members. */
export class MemberPage {
  @ApiProperty({ type: [MemberView] })
  readonly items!: MemberView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

/** Picks what an API answer shows of a member. */
export const presentMember = (member: Member): MemberView => ({
  id: member.id,
  name: member.name,
  email: member.email,
  role: member.role,
  createdAt: member.createdAt.toISOString(),
  state: stateOf(member),
  emailVerified: member.emailVerifiedAt !== null,
  hasFactor: member.hasFactor,
});

/** Picks what a page shows of a member, in words. */
export const presentMemberInWords = (member: Member) => {
  const state = stateOf(member);
  return {
    name: member.name,
    email: member.email,
    href: `/admin/members/${member.id}`,
    isAdmin: member.role === 'admin',
    roleInWords: member.role === 'admin' ? 'Admin' : 'Member',
    stateInWords: states[state],
    isActive: state === 'active',
    isAwaiting: state === 'awaiting',
    isDisabled: state === 'disabled',
    isVerified: member.emailVerifiedAt !== null,
    hasFactor: member.hasFactor,
    since: { ...presentInstant(member.createdAt), day: dayFormat.format(member.createdAt) },
    awaitingSince: member.awaitingSince && presentInstant(member.awaitingSince),
    disabledAt: member.disabledAt && presentInstant(member.disabledAt),
  };
};

const states: Record<MemberState, string> = { active: 'Active', awaiting: 'Waiting', disabled: 'Disabled' };

const dayFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });

/** Such as “App, 2 passkeys, 9 recovery codes left”. Gives undefined if there is no second factor. */
export function presentFactorsInWords({ authenticator, passkeys, recoveryCodesLeft }: FactorSummary) {
  if (!authenticator && passkeys.length === 0) return undefined;
  const parts = [
    ...(authenticator ? ['app'] : []),
    ...(passkeys.length > 0 ? [counted(passkeys.length, 'passkey')] : []),
    counted(recoveryCodesLeft, 'recovery code') + ' left',
  ].join(', ');
  return `${parts.charAt(0).toUpperCase()}${parts.slice(1)}`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
