import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsUUID } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { MembersField } from '../groups/group.input.js';

/** The audience of something: everyone, or these groups and these members. */
export class AudienceInput {
  @ApiProperty({ description: 'Whether all members may have it; then the others named here do not matter.' })
  // a form sends the choice as text
  @Transform(({ value }) => (value === 'yes' ? true : value === 'no' ? false : (value as unknown)))
  @IsBoolean({ message: 'Please choose who may have it.' })
  everyone!: boolean;

  @ApiProperty({ type: [String], format: 'uuid', maxItems: 300, required: false, description: 'Groups, by id.' })
  @IfGiven()
  // a form sends a single ticked box as text, not as a list
  @Transform(({ value }) => (typeof value === 'string' ? [value] : (value as unknown)))
  @IsUUID(undefined, { each: true, message: 'Please choose groups that are there.' })
  @ArrayMaxSize(300, { message: 'Please choose at most 300 groups.' })
  @IsArray({ message: 'groups is a list.' })
  groups: string[] = [];

  @IfGiven()
  @MembersField('Members, each by email or id.')
  members: string[] = [];
}
