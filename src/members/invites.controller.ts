import { Body, Controller, Get, HttpCode, NotFoundException, Param, Post, Query, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Settings } from '../config/settings.js';
import { AdminsOnly } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { InMenu } from '../http/menus.js';
import type { Flash } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { hrefOfNext, PagingInput } from '../http/paging.input.js';
import { RegistrationRules } from '../users/registration-rules.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { InviteInput } from './invite.input.js';
import { presentInviteInWords } from './invite.view.js';
import { InvitesService } from './invites.service.js';

const form = { view: 'members/invite-form', title: 'Invite somebody', keep: ['email', 'days'] };

/** Invites, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly({ recentProof: true })
@Controller('admin/invites')
export class InvitesController {
  constructor(
    private readonly invites: InvitesService,
    private readonly rules: RegistrationRules,
    private readonly settings: Settings,
  ) {}

  @Get()
  @InMenu('admin', 'Invites', 50)
  @AdminsOnly()
  @Render('members/invites')
  async list(@Query() paging: PagingInput) {
    const [{ items, nextCursor }, { mode }] = await Promise.all([this.invites.list(paging), this.rules.current()]);
    return {
      title: 'Invites',
      isClosed: mode === 'closed',
      values: { days: new InviteInput().days },
      invites: items.map(presentInviteInWords),
      nextHref: hrefOfNext('/admin/invites', { limit: paging.limit }, nextCursor),
    };
  }

  /**
   * Answers with the page itself instead of a redirect, because the link is shown only once and must not be part of an
   * address.
   */
  @Post()
  @FromForm(form)
  @HttpCode(200)
  @Render('members/invite')
  async make(@Body() input: InviteInput, @ActingAdmin() by: Actor) {
    const { invite, link } = await this.invites.make(input, by);
    const isMailed = this.settings.sendsMail && input.email !== undefined;
    return { title: 'The invite is made', invite: presentInviteInWords(invite), link, isMailed };
  }

  @Post(':id/withdrawal')
  async withdraw(@Param('id') id: string, @ActingAdmin() by: Actor) {
    return seeOther('/admin/invites', await this.invites.withdraw(id, by).then(withdrawn, refusalOf));
  }
}

const withdrawn = (): Flash => ({ kind: 'status', message: 'The invite is withdrawn: its link opens nothing.' });

/** Somebody has registered with the invite already, or another admin has withdrawn it. The page says so. */
function refusalOf(error: unknown): Flash {
  if (error instanceof NotFoundException) return { kind: 'alert', message: error.message };
  throw error;
}
