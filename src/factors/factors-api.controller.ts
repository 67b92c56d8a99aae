import { Body, ConflictException, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import { Names } from '../http/named.js';
import { ApiProblem } from '../http/problem.js';
import { AuthenticatorCodeInput, PasskeyNameInput } from './factors.input.js';
import { FactorsService } from './factors.service.js';
import {
  FactorAddedView,
  FactorsView,
  NewAuthenticatorView,
  PasskeyView,
  presentFactors,
  presentPasskey,
  RecoveryCodesView,
} from './factors.view.js';
import { lastFactorWords } from './last-factor.js';
import { PasskeysService } from './passkeys.service.js';

@ApiTags('Second factor')
@ApiBearerAuth()
@MembersOnly({ beforeFactor: true, recentProof: true })
@Names(PasskeysService, (passkeys, { id }, viewer) => passkeys.findFor(viewer, id))
@Controller('api/v1/users/me/factors')
export class FactorsApiController {
  constructor(
    private readonly factors: FactorsService,
    private readonly passkeys: PasskeysService,
  ) {}

  @Get()
  @MembersOnly({ beforeFactor: true })
  @ApiOperation({ summary: 'What you have beside your password', operationId: 'getFactors' })
  @ApiOkResponse({ type: FactorsView, description: 'Your second factors.' })
  @ApiProblem(401)
  async show(@CurrentUser() viewer: Viewer): Promise<FactorsView> {
    return presentFactors(await this.factors.summaryOf(viewer.id), this.factors.isRequiredOf(viewer));
  }

  @Post('authenticator')
  @ApiOperation({
    summary: 'Begin to set up an authenticator app',
    description: 'It counts once its first code is given. Until then, and for an hour, the secret is the same.',
    operationId: 'beginAuthenticator',
  })
  @ApiCreatedResponse({ type: NewAuthenticatorView, description: 'What the app needs to know.' })
  @ApiProblem(401, 403, 409)
  async begin(@CurrentUser() viewer: Viewer): Promise<NewAuthenticatorView> {
    const begun = await this.factors.beginAuthenticator(viewer);
    if (!begun) throw new ConflictException('You have an authenticator app set up. Remove it first.');
    return begun;
  }

  @Put('authenticator')
  @ApiOperation({
    summary: 'Give the first code of your authenticator app',
    description: 'Where it is your first second factor, all your other sessions and tokens end.',
    operationId: 'confirmAuthenticator',
  })
  @ApiOkResponse({ type: FactorAddedView, description: 'The app is set up.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async confirm(
    @CurrentUser() viewer: Viewer,
    @Body() { code }: AuthenticatorCodeInput,
    @CurrentCaller() caller: Caller,
  ): Promise<FactorAddedView> {
    const added = await this.factors.confirmAuthenticator(viewer, code, caller);
    const message = 'That is not the code of an authenticator app that waits to be set up.';
    if (!added) throw new InvalidInput([{ field: 'code', message }]);
    return added;
  }

  @Delete('authenticator')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove your authenticator app', operationId: 'removeAuthenticator' })
  @ApiNoContentResponse({ description: 'Its codes are worthless from now on.' })
  @ApiProblem(401, 403, 404, 409)
  async removeAuthenticator(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<void> {
    if (!(await this.factors.removeAuthenticator(viewer, caller))) throw new ConflictException(lastFactorWords);
  }

  @Post('recovery-codes')
  @ApiOperation({
    summary: 'Make new recovery codes',
    description: 'The old ones are worthless from now on.',
    operationId: 'makeRecoveryCodes',
  })
  @ApiCreatedResponse({ type: RecoveryCodesView, description: 'The codes, shown this once.' })
  @ApiProblem(401, 403, 409)
  async renewCodes(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<RecoveryCodesView> {
    return { recoveryCodes: await this.factors.renewRecoveryCodes(viewer, caller) };
  }

  @Get('passkeys')
  @MembersOnly({ beforeFactor: true })
  @ApiOperation({
    summary: 'Your passkeys, the oldest first',
    description: 'A passkey is made by a browser, so one is added on the page of your account.',
    operationId: 'listPasskeys',
  })
  @ApiOkResponse({ type: [PasskeyView], description: 'All of them.' })
  @ApiProblem(401)
  async list(@CurrentUser() viewer: Viewer): Promise<PasskeyView[]> {
    return (await this.passkeys.listFor(viewer.id)).map(presentPasskey);
  }

  @Patch('passkeys/:id')
  @ApiOperation({ summary: 'Rename a passkey', operationId: 'renamePasskey' })
  @ApiOkResponse({ type: PasskeyView, description: 'The passkey with its new name.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async rename(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Body() { name }: PasskeyNameInput,
    @CurrentCaller() caller: Caller,
  ): Promise<PasskeyView> {
    await this.factors.renamePasskey(viewer, id, name, caller);
    return presentPasskey(await this.passkeys.findFor(viewer, id));
  }

  @Delete('passkeys/:id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a passkey', operationId: 'removePasskey' })
  @ApiNoContentResponse({ description: 'It opens nothing from now on.' })
  @ApiProblem(401, 403, 404, 409)
  async removePasskey(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    if (!(await this.factors.removePasskey(viewer, id, caller))) throw new ConflictException(lastFactorWords);
  }
}
