import { Body, Controller, HttpCode, Post, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Public, type Viewer } from '../http/access.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { ApiProblem } from '../http/problem.js';
import { EmailInput, ResetInput, TokenInput } from './confirmations.input.js';
import { EmailConfirmations } from './email-confirmations.js';

import { RateLimits } from '../limits/rate-limits.js';
import { PasswordResets } from './password-resets.js';

/**
 * Mailed links, for scripts. A secret travels in a request's body. It never travels in an address, because logs would
 * keep it.
 */
@ApiTags('Mailed links')
@Public()
@Controller('api/v1')
export class ConfirmationsApiController {
  constructor(
    private readonly resets: PasswordResets,
    private readonly emails: EmailConfirmations,
    private readonly limits: RateLimits,
  ) {}

  @Post('password-resets')
  @HttpCode(202)
  @ApiOperation({ summary: 'Ask for a mail with a link that resets a password', operationId: 'requestPasswordReset' })
  @ApiResponse({
    status: 202,
    description:
      'Where the email has an account, the mail is taken on; where the site sends none, whoever runs it has the link.',
  })
  @ApiProblem(400, 413, 422, 429)
  async request(@Body() { email }: EmailInput, @CurrentCaller() caller: Caller): Promise<void> {
    await this.limits.spendMail({ email, address: caller.address });
    await this.resets.request(email, caller);
  }

  @Put('password-resets')
  @HttpCode(204)
  @ApiOperation({ summary: 'Choose a new password by a mailed link', operationId: 'resetPassword' })
  @ApiNoContentResponse({ description: 'The password is changed, and every session of the account has ended.' })
  @ApiProblem(400, 404, 413, 422, 503)
  reset(@Body() { token, password }: ResetInput, @CurrentCaller() caller: Caller): Promise<void> {
    return this.resets.reset(token, password, caller);
  }

  @Put('email-confirmations')
  @HttpCode(204)
  @ApiOperation({ summary: 'Confirm an email address by a mailed link', operationId: 'confirmEmail' })
  @ApiNoContentResponse({ description: 'The address is confirmed.' })
  @ApiProblem(400, 404, 413, 422)
  confirm(
    @Body() { token }: TokenInput,
    @CurrentUser() viewer: Viewer | undefined,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    return this.emails.confirm(token, viewer, caller);
  }
}
