import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { Names } from '../http/named.js';
import { PagingInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { InviteInput } from './invite.input.js';
import { InvitePage, NewInviteView, presentInvite, presentNewInvite } from './invite.view.js';
import { InvitesService } from './invites.service.js';

/** Invites, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly({ recentProof: true })
@Names(InvitesService, (invites, { id }) => invites.find(id))
@Controller('api/v1/invites')
export class InvitesApiController {
  constructor(private readonly invites: InvitesService) {}

  @Get()
  @AdminsOnly()
  @ApiOperation({ summary: 'The invites that can still be used, the newest first', operationId: 'listInvites' })
  @ApiOkResponse({ type: InvitePage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@Query() paging: PagingInput): Promise<InvitePage> {
    const { items, nextCursor } = await this.invites.list(paging);
    return { items: items.map(presentInvite), nextCursor };
  }

  @Post()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Invite somebody', operationId: 'makeInvite' })
  @ApiCreatedResponse({
    type: NewInviteView,
    description: 'The invite is made, and mailed where there is an address and the site sends mail.',
  })
  @ApiProblem(400, 401, 403, 413, 422)
  async make(@Body() input: InviteInput, @ActingAdmin() by: Actor): Promise<NewInviteView> {
    const { invite, link } = await this.invites.make(input, by);
    return presentNewInvite(invite, link);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Withdraw an invite', operationId: 'withdrawInvite' })
  @ApiNoContentResponse({ description: 'Its link opens nothing any more.' })
  @ApiProblem(401, 403, 404)
  async withdraw(@Param('id') id: string, @ActingAdmin() by: Actor): Promise<void> {
    await this.invites.withdraw(id, by);
  }
}
