import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, Matches } from 'class-validator';
import { emailForm, NameField } from '../users/account-fields.js';
import { peopleIn } from '../users/pasted-people.js';

/** The name of a group. */
export class GroupInput {
  @NameField('the group a name', 'Board members')
  name!: string;
}

/**
 * Members, each by email or id. A script sends a list and a form sends text. Both may be pasted from a mail program or
 * a spreadsheet.
 */
export const MembersField = (description: string) => (target: object, name: string) => {
  ApiProperty({ type: [String], maxItems: 300, description })(target, name);
  Transform(({ value }) => {
    if (typeof value === 'string') return peopleIn(value);
    if (!Array.isArray(value)) return value as unknown;
    const named = value as unknown[];
    return named.flatMap((one) => (typeof one === 'string' && one.includes('@') ? peopleIn(one) : [emailForm(one)]));
  })(target, name);
  Matches(/^[^\s\p{C}]{1,254}$/u, { each: true, message: 'Please give email addresses, one on each line.' })(
    target,
    name,
  );
  ArrayMaxSize(300, { message: 'Please give at most 300 members at once.' })(target, name);
  IsArray({ message: 'Please give a list of members.' })(target, name);
};

/** Members to add to a group. */
export class GroupMembersInput {
  @ArrayMinSize(1, { message: 'Please name at least one member.' })
  @MembersField('Members, each by email or id.')
  members!: string[];
}
