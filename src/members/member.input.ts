import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Equals, IsBoolean, IsIn } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { roles, type Role } from '../http/access.js';
import { SearchInput } from '../http/paging.input.js';
import { memberStates, type MemberState } from '../users/user.entity.js';

/** The members that an admin wants to see. */
export class MemberFilterInput extends SearchInput {
  @ApiPropertyOptional({ enum: memberStates, description: 'Only those in this state.' })
  @IfGiven()
  // a form sends an empty text for a field that is left empty
  @Transform(({ value }) => (value === '' ? undefined : (value as unknown)))
  @IsIn(memberStates, { message: `state is one of ${memberStates.join(', ')}.` })
  state?: MemberState;
}

/** The new role of a member. */
export class RoleInput {
  @IsIn(roles, { message: `role is one of ${roles.join(', ')}.` })
  role!: Role;
}

/** The changes to a member. A field that is left out stays as it is. */
export class MemberChangeInput {
  @ApiPropertyOptional({ enum: roles })
  @IfGiven()
  @IsIn(roles, { message: `role is one of ${roles.join(', ')}.` })
  role?: Role;

  @ApiPropertyOptional({ description: 'true ends everything that is theirs at once; false lets them come in again.' })
  @IfGiven()
  @IsBoolean({ message: 'disabled is true or false.' })
  disabled?: boolean;

  @ApiPropertyOptional({ enum: [true], description: 'Lets in a member who waits for it.' })
  @IfGiven()
  @Equals(true, { message: 'approved is true, or left out: to keep somebody out, disable them.' })
  approved?: true;
}
