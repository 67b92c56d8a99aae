import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ActivityService } from '../activity/activity.service.js';
import { EventPage, presentEvent } from '../activity/event.view.js';
import { AdminsOnly, CurrentUser, type Viewer } from '../http/access.js';
import { Names } from '../http/named.js';
import { PagingInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { presentSession, SessionPage } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { MemberChangeInput, MemberFilterInput } from './member.input.js';
import { MemberPage, MemberView, presentMember, ResetLinkView } from './member.view.js';
import { MembersService } from './members.service.js';

/** The members, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(MembersService, (members, { id }) => members.find(id))
@Controller('api/v1/users')
export class MembersApiController {
  constructor(
    private readonly members: MembersService,
    private readonly sessions: SessionsService,
    private readonly activity: ActivityService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The members, the newest first', operationId: 'listUsers' })
  @ApiOkResponse({ type: MemberPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@Query() filter: MemberFilterInput): Promise<MemberPage> {
    const { items, nextCursor } = await this.members.list(filter);
    return { items: items.map(presentMember), nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One member', operationId: 'getUser' })
  @ApiOkResponse({ type: MemberView, description: 'What is known of the member.' })
  @ApiProblem(401, 403, 404)
  async show(@Param('id') id: string): Promise<MemberView> {
    return presentMember(await this.members.find(id));
  }

  @Patch(':id')
  @AdminsOnly({ recentProof: true })
  @ApiOperation({
    summary: 'Change a member’s role, disable or enable them, let them in',
    description: 'There is always one admin left: what would take the last one away is a conflict.',
    operationId: 'changeUser',
  })
  @ApiOkResponse({ type: MemberView, description: 'The member as they are now.' })
  @ApiProblem(400, 401, 403, 404, 409, 413, 422)
  async change(
    @Param('id') id: string,
    @Body() input: MemberChangeInput,
    @ActingAdmin() by: Actor,
  ): Promise<MemberView> {
    const member = await this.members.find(id);
    return presentMember(await this.members.change(member, input, by));
  }

  @Get(':id/sessions')
  @ApiOperation({ summary: 'A member’s sessions and tokens, the newest first', operationId: 'listSessionsOfUser' })
  @ApiOkResponse({ type: SessionPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 404, 422)
  async listSessions(
    @Param('id') id: string,
    @Query() paging: PagingInput,
    @CurrentUser() admin: Viewer,
  ): Promise<SessionPage> {
    const { items, nextCursor } = await this.sessions.listFor(await this.members.find(id), paging);
    return { items: items.map((session) => presentSession(session, admin.session.id)), nextCursor };
  }

  @Delete(':id/sessions')
  @AdminsOnly({ recentProof: true })
  @HttpCode(204)
  @ApiOperation({ summary: 'End all of a member’s sessions and tokens', operationId: 'endSessionsOfUser' })
  @ApiNoContentResponse({ description: 'They are refused from now on; of your own, the one you ask with stays.' })
  @ApiProblem(401, 403, 404)
  async endSessions(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.members.endSessions(await this.members.find(id), by);
  }

  @Delete(':id/factors')
  @AdminsOnly({ recentProof: true })
  @HttpCode(204)
  @ApiOperation({ summary: 'Take away a member’s second factor', operationId: 'resetFactorsOfUser' })
  @ApiNoContentResponse({
    description: 'The password alone lets them in; a mail tells them, where the site sends any.',
  })
  @ApiProblem(401, 403, 404, 409)
  async resetFactors(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.members.resetFactors(await this.members.find(id), by);
  }

  @Post(':id/password-resets')
  @AdminsOnly({ recentProof: true })
  @HttpCode(202)
  @ApiOperation({ summary: 'Mail a member a link to choose a new password', operationId: 'sendResetLinkToUser' })
  @Header('cache-control', 'no-store')
  @ApiAcceptedResponse({ type: ResetLinkView, description: 'The link works once, for 30 minutes.' })
  @ApiProblem(401, 403, 404, 409)
  async sendResetLink(@Param('id') id: string, @ActingAdmin() by: Actor): Promise<ResetLinkView> {
    return { link: (await this.members.sendResetLink(await this.members.find(id), by)) ?? null };
  }

  @Get(':id/activity')
  @ApiOperation({ summary: 'What happened to a member’s account, the newest first', operationId: 'listActivityOfUser' })
  @ApiOkResponse({ type: EventPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 404, 422)
  async listActivity(@Param('id') id: string, @Query() paging: PagingInput): Promise<EventPage> {
    const { items, nextCursor } = await this.activity.listFor(await this.members.find(id), paging);
    return { items: items.map(presentEvent), nextCursor };
  }
}
