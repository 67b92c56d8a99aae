import { ApiProperty } from '@nestjs/swagger';
import type { Begun } from '../sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { presentUser, UserView } from '../users/user.view.js';

/** A script's new token for the same session (RFC 6749 5.1). */
export class FreshTokenView {
  @ApiProperty({ description: 'Send it as `Authorization: Bearer …`.' })
  readonly access_token!: string;

  @ApiProperty({ enum: ['Bearer'] })
  readonly token_type!: 'Bearer';

  @ApiProperty({ description: 'Seconds until the token ends at the latest.' })
  readonly expires_in!: number;
}

/** The answer to a script's login. */
export class TokenView extends FreshTokenView {
  @ApiProperty({ type: UserView })
  readonly user!: UserView;
}

export const presentFreshToken = ({ token, expiresIn }: Begun): FreshTokenView => ({
  access_token: token,
  token_type: 'Bearer',
  expires_in: expiresIn,
});

export const presentToken = (begun: Begun, user: User): TokenView => ({
  ...presentFreshToken(begun),
  user: presentUser(user),
});
