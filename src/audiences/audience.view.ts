import { ApiProperty } from '@nestjs/swagger';
import { GroupMemberView, presentGroupMember } from '../groups/group.view.js';
import type { Audience } from './audiences.service.js';

class AudienceGroupView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'Board members' })
  readonly name!: string;
}

/** The audience of something, as the API shows it. */
export class AudienceView {
  @ApiProperty({ description: 'Whether all members may have it.' })
  readonly everyone!: boolean;

  @ApiProperty({ type: [AudienceGroupView] })
  readonly groups!: AudienceGroupView[];

  @ApiProperty({ type: [GroupMemberView] })
  readonly members!: GroupMemberView[];
}

export const presentAudience = ({ everyone, groups, members }: Audience): AudienceView => ({
  everyone,
  groups: groups.map(({ id, name }) => ({ id, name })),
  members: members.map(presentGroupMember),
});

/** An audience in words, such as “Everyone” or “2 groups and 1 member”. */
export function audienceInWords({ everyone, groups, members }: Audience): string {
  if (everyone) return 'Everyone';
  const parts = [
    ...(groups.length > 0 ? [groups.length === 1 ? `the group “${groups[0]?.name}”` : `${groups.length} groups`] : []),
    ...(members.length > 0 ? [members.length === 1 ? '1 member' : `${members.length} members`] : []),
  ];
  const words = parts.join(' and ');
  return words ? words.charAt(0).toUpperCase() + words.slice(1) : 'Nobody but admins';
}

/** What the form shows: the groups, with the chosen ones first, and the email addresses of the members. */
export const presentForForm = (
  { everyone, groups, members }: Audience,
  all: readonly { readonly id: string; readonly name: string }[],
) => ({
  ...presentChoice(everyone, new Set(groups.map(({ id }) => id)), [...groups, ...all]),
  values: { members: members.map(({ email }) => email).join('\n') },
});

export const presentChoice = (
  everyone: boolean,
  chosen: ReadonlySet<string>,
  all: readonly { readonly id: string; readonly name: string }[],
) => ({
  isForEveryone: everyone,
  isForSome: !everyone,
  groups: [...new Map(all.map(({ id, name }) => [id, { id, name, isChosen: chosen.has(id) }])).values()],
});
