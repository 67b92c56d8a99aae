import { Body, Controller, Get, Param, Post, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { seeOther, sendBack } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FromForm, KeepTyped, OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { Credentials } from '../sessions/credentials.js';
import { NewPasskeyInput, PasskeyNameInput } from './factors.input.js';
import { FactorsService } from './factors.service.js';
import { elsewhereWords } from './factors.view.js';
import { lastFactorWords } from './last-factor.js';
import { PasskeysService } from './passkeys.service.js';
import { recoveryCodesPage } from './recovery-codes.page.js';

const overview = '/account/factors';
const nameForm = { view: 'factors/passkey-name', title: 'Name your passkey', keep: ['name'] };

/** A member's passkeys, in a browser. Only a browser can create one. */
@ApiExcludeController()
@MembersOnly({ beforeFactor: true, recentProof: true })
@Names(PasskeysService, (passkeys, { id }, viewer) => passkeys.findFor(viewer, id))
@Controller('account/factors/passkeys')
export class PasskeysController {
  constructor(
    private readonly factors: FactorsService,
    private readonly passkeys: PasskeysService,
    private readonly credentials: Credentials,
  ) {}

  @Get()
  @Render('factors/passkeys')
  async begin(@CurrentUser() viewer: Viewer) {
    const options = JSON.stringify(await this.passkeys.creationOptionsFor(viewer));
    return { title: 'Add a passkey', options };
  }

  @Post()
  @KeepTyped('name')
  async add(
    @CurrentUser() viewer: Viewer,
    @Body() { response, name }: NewPasskeyInput,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const added = await this.factors.addPasskey(viewer, response, name, caller);
    if (!added) {
      const message = 'That passkey could not be taken in: it came too late, or it is here already. Please try again.';
      return sendBack(`${overview}/passkeys`, message);
    }
    await this.credentials.renew(viewer, reply);
    if (added.recoveryCodes) return recoveryCodesPage(added.recoveryCodes);
    return seeOther(overview, `Your passkey “${name}” is added. ${elsewhereWords}`);
  }

  @Get(':id/name')
  @Render(nameForm.view)
  async showName(@CurrentUser() viewer: Viewer, @Param('id') id: string) {
    const { name } = await this.passkeys.findFor(viewer, id);
    return { title: nameForm.title, values: { name } };
  }

  @Post(':id/name')
  @FromForm(nameForm)
  async rename(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Body() { name }: PasskeyNameInput,
    @CurrentCaller() caller: Caller,
  ) {
    await this.factors.renamePasskey(viewer, id, name, caller);
    return seeOther(overview, `Your passkey is now called “${name}”.`);
  }

  @Post(':id/removal')
  @OnPage('/account/factors')
  async remove(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const isGone = await this.factors.removePasskey(viewer, id, caller);
    await this.credentials.renew(viewer, reply);
    return isGone
      ? seeOther(overview, `Your passkey is removed. Delete it on your device too. ${elsewhereWords}`)
      : sendBack(overview, lastFactorWords);
  }
}
