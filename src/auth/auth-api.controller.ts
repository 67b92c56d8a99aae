import { Body, ConflictException, Controller, HttpCode, Ip, Post, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser, MembersOnly, Public, type Viewer } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { LoginInput, RegistrationInput } from '../users/registration.input.js';
import type { User } from '../users/user.entity.js';
import { presentUser, UserView } from '../users/user.view.js';
import { UsersService } from '../users/users.service.js';
import { LoggedIn, LoginGuard } from './login.guard.js';
import { RateLimits } from './rate-limits.js';
import { SessionsService } from './sessions.service.js';

/** What a script gets when it logs in (RFC 6749 5.1). */
class TokenView {
  @ApiProperty({ description: 'Send it as `Authorization: Bearer …`.' })
  readonly access_token!: string;

  @ApiProperty({ enum: ['Bearer'] })
  readonly token_type!: 'Bearer';

  @ApiProperty({ description: 'Seconds until the token ends at the latest.' })
  readonly expires_in!: number;

  @ApiProperty({ type: UserView })
  readonly user!: UserView;
}

@ApiTags('Sessions')
@Controller('api/v1/auth')
export class AuthApiController {
  constructor(
    private readonly limits: RateLimits,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
  ) {}

  @Post('register')
  @Public()
  @ApiOperation({ summary: 'Become a member', operationId: 'register' })
  @ApiCreatedResponse({ type: TokenView, description: 'The account was made, and a session begun.' })
  @ApiProblem(400, 409, 413, 422, 429, 503)
  async register(@Body() input: RegistrationInput, @Ip() address: string): Promise<TokenView> {
    await this.limits.spendRegistration(address);
    const user = await this.users.register(input);
    if (!user) throw new ConflictException('That email is registered already. Log in instead.');
    return this.begin(user);
  }

  @Post('login')
  @Public()
  @UseGuards(LoginGuard)
  @HttpCode(200)
  @ApiOperation({ summary: 'Log in', operationId: 'login' })
  @ApiBody({ type: LoginInput })
  @ApiOkResponse({ type: TokenView, description: 'A session was begun.' })
  @ApiProblem(400, 401, 413, 422, 429, 503)
  login(@LoggedIn() user: User): Promise<TokenView> {
    return this.begin(user);
  }

  @Post('logout')
  @MembersOnly()
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Log out: end the session of this token', operationId: 'logout' })
  @ApiNoContentResponse({ description: 'The token is dead from now on.' })
  @ApiProblem(401)
  async logout(@CurrentUser() viewer: Viewer): Promise<void> {
    await this.sessions.end(viewer.session.id);
  }

  private async begin(user: User): Promise<TokenView> {
    const { token, expiresIn } = await this.sessions.begin(user.id, 'api');
    return { access_token: token, token_type: 'Bearer', expires_in: expiresIn, user: presentUser(user) };
  }
}
