import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
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
import { Names } from '../http/named.js';
import { PagingInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { presentSession, SessionPage } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { OwnSessions } from './own-sessions.js';
import { NewTokenInput } from './token.input.js';
import { NewTokenView, presentNewToken } from './token.view.js';

/** A member's sessions and personal tokens, for scripts. */
@ApiTags('Your account')
@ApiBearerAuth()
@MembersOnly({ beforeFactor: true })
@Names(OwnSessions, (own, { id }, viewer) => own.find(viewer, id))
@Controller('api/v1/users/me')
export class OwnSessionsApiController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly own: OwnSessions,
  ) {}

  @Get('sessions')
  @ApiOperation({ summary: 'Your sessions and tokens, the newest first', operationId: 'listMySessions' })
  @ApiOkResponse({ type: SessionPage, description: 'A part of the list.' })
  @ApiProblem(401, 422)
  async list(@CurrentUser() viewer: Viewer, @Query() selection: PagingInput): Promise<SessionPage> {
    const { items, nextCursor } = await this.sessions.listFor(viewer, selection);
    return { items: items.map((session) => presentSession(session, viewer.session.id)), nextCursor };
  }

  @Delete('sessions')
  @MembersOnly({ beforeFactor: true, recentProof: true })
  @HttpCode(204)
  @ApiOperation({ summary: 'End all your sessions and tokens but this one', operationId: 'endMyOtherSessions' })
  @ApiNoContentResponse({ description: 'Only the token that asked is still good.' })
  @ApiProblem(401, 403)
  endOthers(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<void> {
    return this.own.endOthers(viewer, caller);
  }

  @Delete('sessions/:id')
  @MembersOnly({ beforeFactor: true, recentProof: true, unlimited: true })
  @HttpCode(204)
  @ApiOperation({ summary: 'End one of your sessions or tokens', operationId: 'endMySession' })
  @ApiNoContentResponse({ description: 'It opens nothing any more.' })
  @ApiProblem(401, 403, 404)
  end(@Param('id') id: string, @CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<void> {
    return this.own.end(viewer, id, caller);
  }

  @Post('tokens')
  @MembersOnly({ recentProof: true })
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Make a personal token',
    description: 'For scripts. It is listed and ended with your sessions.',
    operationId: 'makeMyToken',
  })
  @ApiCreatedResponse({ type: NewTokenView, description: 'The token, shown this once.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async makeToken(
    @Body() input: NewTokenInput,
    @CurrentUser() viewer: Viewer,
    @CurrentCaller() caller: Caller,
  ): Promise<NewTokenView> {
    return presentNewToken(await this.own.makeToken(viewer, input, caller));
  }
}
