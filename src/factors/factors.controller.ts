import { Body, Controller, Get, Header, HttpCode, Post, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Settings } from '../config/settings.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { seeOther, sendBack } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { SeeOther } from '../http/errors.js';
import { OnPage } from '../http/form.js';
import { Credentials } from '../sessions/credentials.js';
import { AuthenticatorCodeInput, RecoveryCodeSetInput } from './factors.input.js';
import { FactorsService } from './factors.service.js';
import { elsewhereWords, presentCodesAsText, presentFactorsInWords, presentNewAuthenticator } from './factors.view.js';
import { lastFactorWords } from './last-factor.js';
import { recoveryCodesPage } from './recovery-codes.page.js';

const overview = '/account/factors';

/** A member's second factor: an overview, the authenticator app, and the recovery codes. */
@ApiExcludeController()
@MembersOnly({ beforeFactor: true, recentProof: true })
@Controller('account/factors')
export class FactorsController {
  constructor(
    private readonly factors: FactorsService,
    private readonly credentials: Credentials,
    private readonly settings: Settings,
  ) {}

  @Get()
  @MembersOnly({ beforeFactor: true })
  @Render('factors/overview')
  async show(@CurrentUser() viewer: Viewer) {
    const summary = await this.factors.summaryOf(viewer.id);
    return { title: 'Second factor', ...presentFactorsInWords(summary, this.factors.isRequiredOf(viewer)) };
  }

  @Get('authenticator')
  @Render('factors/authenticator')
  async begin(@CurrentUser() viewer: Viewer) {
    const begun = await this.factors.beginAuthenticator(viewer);
    if (!begun) throw new SeeOther(overview);
    return { title: 'Set up an authenticator app', ...presentNewAuthenticator(begun) };
  }

  @Post('authenticator')
  async confirm(
    @CurrentUser() viewer: Viewer,
    @Body() { code }: AuthenticatorCodeInput,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const added = await this.factors.confirmAuthenticator(viewer, code, caller);
    if (!added) {
      const message = 'That is not the code that your app shows now. Wait for the next one, and type that.';
      return sendBack(`${overview}/authenticator`, message);
    }
    await this.credentials.renew(viewer, reply);
    if (added.recoveryCodes) return recoveryCodesPage(added.recoveryCodes);
    return seeOther(overview, `Your authenticator app is set up. ${elsewhereWords}`);
  }

  @Post('authenticator/removal')
  @OnPage('/account/factors')
  async remove(
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const isGone = await this.factors.removeAuthenticator(viewer, caller);
    await this.credentials.renew(viewer, reply);
    return isGone
      ? seeOther(overview, `Your authenticator app is removed. Delete its entry in the app too. ${elsewhereWords}`)
      : sendBack(overview, lastFactorWords);
  }

  @Post('recovery-codes')
  async renewCodes(
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const codes = await this.factors.renewRecoveryCodes(viewer, caller);
    await this.credentials.renew(viewer, reply);
    return recoveryCodesPage(codes);
  }

  /**
   * Gives the codes that the page shows as a file. The page sends them, because the server stores only their hashes.
   */
  @Post('recovery-codes/download')
  @HttpCode(200)
  @MembersOnly({ beforeFactor: true })
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('content-disposition', 'attachment; filename="gatehouse-recovery-codes.txt"')
  @Header('cache-control', 'no-store')
  downloadCodes(@CurrentUser() { email }: Viewer, @Body() { codes }: RecoveryCodeSetInput): string {
    return presentCodesAsText(codes.split(' '), this.settings.publicUrl, email);
  }
}
