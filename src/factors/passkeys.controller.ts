import { Body, Controller, Get, Param, Post, Redirect, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm, KeepTyped, OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { Credentials } from '../sessions/credentials.js';
import { NewPasskeyInput, PasskeyNameInput } from './factors.input.js';
import { FactorsService } from './factors.service.js';
import { elsewhereWords } from './factors.view.js';
import { lastFactorWords } from './last-factor.js';
import { PasskeysService } from './passkeys.service.js';
import { RecoveryCodesPage } from './recovery-codes.page.js';

const overview = '/account/factors';
const nameForm = { view: 'factors/passkey-name', title: 'Name your passkey', keep: ['name'] };

/** A member's passkeys, in a browser: which alone can make one. */
@ApiExcludeController()
@MembersOnly({ beforeFactor: true, recentProof: true })
@Names(PasskeysService, (passkeys, { id }, viewer) => passkeys.findFor(viewer, id))
@Controller('account/factors/passkeys')
export class PasskeysController {
  constructor(
    private readonly factors: FactorsService,
    private readonly passkeys: PasskeysService,
    private readonly codesPage: RecoveryCodesPage,
    private readonly credentials: Credentials,
    private readonly flashes: FlashMessages,
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
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const added = await this.factors.addPasskey(viewer, response, name, caller);
    if (!added) {
      const message = 'That passkey could not be taken in: it came too late, or it is here already. Please try again.';
      this.flashes.put(reply, { kind: 'alert', message });
      return reply.redirect(`${overview}/passkeys`, 303);
    }
    await this.credentials.renew(viewer, reply);
    if (added.recoveryCodes) return this.codesPage.send(added.recoveryCodes, request, reply);
    this.flashes.put(reply, { kind: 'status', message: `Your passkey “${name}” is added. ${elsewhereWords}` });
    return reply.redirect(overview, 303);
  }

  @Get(':id/name')
  @Render(nameForm.view)
  async showName(@CurrentUser() viewer: Viewer, @Param('id') id: string) {
    const { name } = await this.passkeys.findFor(viewer, id);
    return { title: nameForm.title, values: { name } };
  }

  @Post(':id/name')
  @FromForm(nameForm)
  @Redirect(overview, 303)
  async rename(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Body() { name }: PasskeyNameInput,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.factors.renamePasskey(viewer, id, name, caller);
    this.flashes.put(reply, { kind: 'status', message: `Your passkey is now called “${name}”.` });
  }

  @Post(':id/removal')
  @OnPage('/account/factors')
  @Redirect(overview, 303)
  async remove(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const isGone = await this.factors.removePasskey(viewer, id, caller);
    await this.credentials.renew(viewer, reply);
    this.flashes.put(
      reply,
      isGone
        ? { kind: 'status', message: `Your passkey is removed. Delete it on your device too. ${elsewhereWords}` }
        : { kind: 'alert', message: lastFactorWords },
    );
  }
}
