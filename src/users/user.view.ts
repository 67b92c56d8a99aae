import { ApiProperty } from '@nestjs/swagger';
import type { Role } from '../http/access.js';

/** A member as the API shows them. */
export class UserView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty()
  readonly name!: string;

  @ApiProperty({ format: 'email' })
  readonly email!: string;

  @ApiProperty({ enum: ['member', 'admin'] })
  readonly role!: Role;

  @ApiProperty({ type: String, format: 'date-time' })
  readonly createdAt!: string;
}

/** Picks the fields that may leave the app. The entity itself never does. */
export const presentUser = (user: {
  id: string;
  name: string;
  email: string;
  role: Role;
  createdAt: Date;
}): UserView => ({
  id: user.id,
  name: user.name,
  email: user.email,
  role: user.role,
  createdAt: user.createdAt.toISOString(),
});
