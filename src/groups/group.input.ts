import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, Matches } from 'class-validator';
import { emailForm, NameField } from '../users/account-fields.js';

/** What a group is called. */
export class GroupInput {
  @NameField('the group a name', 'Board members')
  name!: string;
}

/** Members, each by email or id: a list, or text with one on each line, as a form sends it. */
export const MembersField = (description: string) => (target: object, name: string) => {
  ApiProperty({ type: [String], maxItems: 300, description })(target, name);
  Transform(({ value }) => {
    const list = typeof value === 'string' ? value.split(/[\s,;]+/).filter(Boolean) : (value as unknown);
    return Array.isArray(list) ? list.map(emailForm) : list;
  })(target, name);
  Matches(/^[^\s\p{C}]{1,254}$/u, { each: true, message: 'Please give email addresses, one on each line.' })(
    target,
    name,
  );
  ArrayMaxSize(300, { message: 'Please give at most 300 members at once.' })(target, name);
  IsArray({ message: 'Please give a list of members.' })(target, name);
};

/** Who shall be in a group too. */
export class GroupMembersInput {
  @ArrayMinSize(1, { message: 'Please name at least one member.' })
  @MembersField('Members, each by email or id.')
  members!: string[];
}
