import { Body, ConflictException, Controller, Delete, Get, HttpCode, Patch, Post, Put } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { ApiProblem } from '../http/problem.js';
import { presentUser, UserView } from '../users/user.view.js';
import { DeletionInput, EmailChangeInput, NameChangeInput, PasswordChangeInput } from './account.input.js';
import { AccountService } from './account.service.js';
import { AccountDeletion } from './account-deletion.js';

/** A member's own account, for scripts. */
@ApiTags('Your account')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/users/me')
export class AccountApiController {
  constructor(
    private readonly account: AccountService,
    private readonly deletion: AccountDeletion,
  ) {}

  @Get()
  @MembersOnly({ beforeFactor: true })
  @ApiOperation({ summary: 'Who you are', operationId: 'getMe' })
  @ApiOkResponse({ type: UserView, description: 'The member whose token this is.' })
  @ApiProblem(401)
  show(@CurrentUser() viewer: Viewer): UserView {
    return presentUser(viewer);
  }

  @Patch()
  @ApiOperation({ summary: 'Change your name', operationId: 'renameMe' })
  @ApiOkResponse({ type: UserView, description: 'You, under the new name.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async rename(
    @Body() { name }: NameChangeInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
  ): Promise<UserView> {
    await this.account.rename(viewer, name, caller);
    return presentUser({ ...viewer, name });
  }

  @Put('password')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Change your password',
    description:
      'Ends every session and token of yours but the one that asks. If somebody may have seen that one, end it too.',
    operationId: 'changePassword',
  })
  @ApiNoContentResponse({ description: 'The password is changed.' })
  @ApiProblem(400, 401, 403, 413, 422, 429, 503)
  changePassword(
    @Body() input: PasswordChangeInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    return this.account.changePassword(viewer, input, caller);
  }

  @Post('email-changes')
  @MembersOnly({ recentProof: true })
  @HttpCode(202)
  @ApiOperation({
    summary: 'Ask for a mail to a new address, with a link that makes it yours',
    description: 'The answer is the same where the address is somebody else’s.',
    operationId: 'requestEmailChange',
  })
  @ApiResponse({
    status: 202,
    description: 'The mail is taken on; where the site sends none, whoever runs it has the link.',
  })
  @ApiProblem(400, 401, 403, 413, 422, 429)
  changeEmail(
    @Body() { email }: EmailChangeInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    return this.account.requestEmailChange(viewer, email, caller);
  }

  @Post('email-verifications')
  @HttpCode(202)
  @ApiOperation({ summary: 'Ask for a mail that confirms your address', operationId: 'requestEmailVerification' })
  @ApiResponse({
    status: 202,
    description: 'The mail is taken on; where the site sends none, whoever runs it has the link.',
  })
  @ApiProblem(401, 403, 409, 429)
  async verifyEmail(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<void> {
    const isSent = await this.account.sendVerification(viewer, caller);
    if (!isSent) throw new ConflictException('Your email address is confirmed already.');
  }

  @Delete()
  @MembersOnly({ recentProof: true })
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete your account',
    description: 'Your personal data goes at once. The last admin cannot leave.',
    operationId: 'deleteMe',
  })
  @ApiNoContentResponse({ description: 'The account is gone, and this token with it.' })
  @ApiProblem(400, 401, 403, 409, 413, 422, 429, 503)
  leave(
    @Body() { password }: DeletionInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    return this.deletion.leave(viewer, password, caller);
  }
}
