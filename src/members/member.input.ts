import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { Equals, IsBoolean, IsIn } from 'class-validator';
import { IfGiven } from '../http/if-given.js';
import { roles, type Role } from '../http/access.js';
import { SearchInput } from '../http/paging.input.js';
import { memberStates, type MemberState } from '../users/user.entity.js';

/** Which members an admin wants to see. */
export class MemberFilterInput extends SearchInput {
  @ApiPropertyOptional({ enum: memberStates, description: 'Only those in this state.' })
  @IfGiven()
  // a form sends what is left open as an empty text
  @Transform(({ value }) => (value === '' ? undefined : (value as unknown)))
  @IsIn(memberStates, { message: `state is one of ${memberStates.join(', ')}.` })
  state?: MemberState;
}

/** The role that a member shall have. */
export class RoleInput {
  @IsIn(roles, { message: `role is one of ${roles.join(', ')}.` })
  role!: Role;
}

/** What shall change about a member; what is not named stays. */
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
