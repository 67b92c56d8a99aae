import { Body, Controller, Get, Param, Post, Query, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { Names } from '../http/named.js';
import { hrefOfNext, PagingInput } from '../http/paging.input.js';
import { Credentials } from '../sessions/credentials.js';
import { presentSessionInWords } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { OwnSessions } from './own-sessions.js';
import { NewTokenInput } from './token.input.js';

const making = { view: 'account/tokens', title: 'Make an access token', keep: ['name', 'scope', 'days'] };

/** A member's sessions and personal tokens, in a browser. */
@ApiExcludeController()
@MembersOnly({ beforeFactor: true })
@Names(OwnSessions, (own, { id }, viewer) => own.find(viewer, id))
@Controller('account')
export class OwnSessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly own: OwnSessions,
    private readonly credentials: Credentials,
  ) {}

  @Get('sessions')
  @Render('account/sessions')
  async list(@CurrentUser() viewer: Viewer, @Query() selection: PagingInput) {
    const { items, nextCursor } = await this.sessions.listFor(viewer, selection);
    return {
      title: 'Sessions and tokens',
      sessions: items.map((session) => presentSessionInWords(session, viewer.session.id)),
      hasOthers: items.some(({ id }) => id !== viewer.session.id),
      nextHref: hrefOfNext('/account/sessions', { limit: selection.limit }, nextCursor),
    };
  }

  @Post('sessions/end-others')
  @MembersOnly({ beforeFactor: true, recentProof: true })
  async endOthers(
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.own.endOthers(viewer, caller);
    await this.credentials.renew(viewer, reply);
    return seeOther('/account/sessions', 'All others have ended. Only this browser is still logged in.');
  }

  @Post('sessions/:id/end')
  @MembersOnly({ beforeFactor: true, recentProof: true, unlimited: true })
  async end(@Param('id') id: string, @CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller) {
    await this.own.end(viewer, id, caller);
    if (id === viewer.session.id) return seeOther('/login', 'You are logged out.');
    return seeOther('/account/sessions', 'It has ended, and opens nothing any more.');
  }

  @Get('tokens')
  @MembersOnly({ recentProof: true })
  @Render(making.view)
  showTokenForm() {
    return { title: making.title };
  }

  /** Shows the new token. Nobody can see it again. */
  @Post('tokens')
  @MembersOnly({ recentProof: true })
  @FromForm(making)
  @Render('account/token')
  async makeToken(@Body() input: NewTokenInput, @CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller) {
    const { token, session } = await this.own.makeToken(viewer, input, caller);
    return { title: 'Your new token', token, session: presentSessionInWords(session) };
  }
}
