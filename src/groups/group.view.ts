import { ApiProperty } from '@nestjs/swagger';
import { presentInstant } from '../activity/event.view.js';
import type { Group } from './group.entity.js';
import type { GroupMember } from './groups.service.js';

/** A group as the API shows it. */
export class GroupView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'Board members' })
  readonly name!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;
}

/** One page of the list of groups. */
export class GroupPage {
  @ApiProperty({ type: [GroupView] })
  readonly items!: GroupView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

/** What a list of members shows of each member. */
export class GroupMemberView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'Ada Lovelace' })
  readonly name!: string;

  @ApiProperty({ example: 'ada@example.com' })
  readonly email!: string;
}

/** One page of the members of a group. */
export class GroupMemberPage {
  @ApiProperty({ type: [GroupMemberView] })
  readonly items!: GroupMemberView[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next part; null at the end.' })
  readonly nextCursor!: string | null;
}

export const presentGroup = ({ id, name, createdAt }: Group): GroupView => ({
  id,
  name,
  createdAt: createdAt.toISOString(),
});

export const presentGroupMember = ({ id, name, email }: GroupMember): GroupMemberView => ({ id, name, email });

/** Picks what a page shows, in words for people. */
export const presentGroupInWords = ({ id, name, createdAt }: Group) => ({
  id,
  name,
  href: `/admin/groups/${id}`,
  since: presentInstant(createdAt),
});
