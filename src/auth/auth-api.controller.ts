import {
  Body,
  ConflictException,
  Controller,
  HttpCode,
  HttpStatus,
  Post,
  Req,
  Res,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FactorsService } from '../factors/factors.service.js';
import { CurrentUser, MembersOnly, Public, type Viewer } from '../http/access.js';
import { callerOf, CurrentCaller, type Caller } from '../http/caller.js';
import { ApiProblem } from '../http/problem.js';
import { RegistrationInput } from '../users/registration.input.js';
import type { User } from '../users/user.entity.js';
import { FactorChecks } from './factor-checks.js';
import { LoggedIn, LoginGuard } from './login.guard.js';
import { LoginInput } from './login.input.js';
import { LoginsService } from './logins.service.js';
import { presentToken, TokenView } from './token.view.js';

@ApiTags('Sessions')
@Controller('api/v1/auth')
export class AuthApiController {
  constructor(
    private readonly logins: LoginsService,
    private readonly factors: FactorsService,
    private readonly checks: FactorChecks,
  ) {}

  @Post('register')
  @Public()
  @ApiOperation({ summary: 'Become a member', operationId: 'register' })
  @ApiCreatedResponse({ type: TokenView, description: 'The account was made, and a session begun.' })
  @ApiResponse({ status: 202, description: 'The account was made; an admin must let you in.' })
  @ApiProblem(400, 403, 409, 413, 422, 429, 503)
  async register(
    @Body() input: RegistrationInput,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenView | undefined> {
    const registration = await this.logins.register(input, 'api', caller);
    if (registration.outcome === 'taken')
      throw new ConflictException('That email is registered already. Log in instead.');
    if (registration.outcome === 'begun') return presentToken(registration.begun, registration.user);
    void reply.code(HttpStatus.ACCEPTED);
    return undefined;
  }

  @Post('login')
  @Public()
  @UseGuards(LoginGuard)
  @HttpCode(200)
  @ApiOperation({
    summary: 'Log in',
    description: 'Where the account has a second factor, send its `code` too.',
    operationId: 'login',
  })
  @ApiBody({ type: LoginInput })
  @ApiOkResponse({ type: TokenView, description: 'A session was begun.' })
  @ApiProblem(400, 401, 413, 422, 429, 503)
  async login(@LoggedIn() user: User, @Req() request: FastifyRequest<{ Body: LoginInput }>): Promise<TokenView> {
    const hasShownFactor = await this.checkCode(user, request);
    return presentToken(
      await this.logins.begin(user, { kind: 'api', caller: callerOf(request), hasShownFactor }),
      user,
    );
  }

  @Post('logout')
  @MembersOnly({ beforeFactor: true, unlimited: true })
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Log out: end the session of this token', operationId: 'logout' })
  @ApiNoContentResponse({ description: 'The token is dead from now on.' })
  @ApiProblem(401, 403)
  async logout(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<void> {
    await this.logins.end(viewer, caller);
  }

  /**
   * Whether the account has a second factor. If so, its code was right.
   *
   * @throws UnauthorizedException if the code is missing or wrong.
   * @throws TooManyRequests if too many codes were wrong.
   */
  private async checkCode(user: User, request: FastifyRequest<{ Body: LoginInput }>): Promise<boolean> {
    if (!(await this.factors.isSetUpFor(user.id))) return false;
    const { code } = request.body;
    if (code == null) {
      await this.logins.noteSecondStep(user, callerOf(request));
      throw new UnauthorizedException('This account has a second factor: send its code too.');
    }
    if (!(await this.checks.passesCode(user, code, request)))
      throw new UnauthorizedException('That code is not right, or it was used already.');
    return true;
  }
}
