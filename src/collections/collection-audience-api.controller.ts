import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AudienceInput } from '../audiences/audience.input.js';
import { AudienceView, presentAudience } from '../audiences/audience.view.js';
import { AudiencesService } from '../audiences/audiences.service.js';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { Names } from '../http/named.js';
import { ApiProblem } from '../http/problem.js';
import { CollectionsService } from './collections.service.js';

/** The members who may have a collection, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(CollectionsService, (collections, { id }) => collections.find(id))
@Controller('api/v1/collections/:id/audience')
export class CollectionAudienceApiController {
  constructor(
    private readonly collections: CollectionsService,
    private readonly audiences: AudiencesService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Who may have a collection', operationId: 'getAudienceOfCollection' })
  @ApiOkResponse({ type: AudienceView, description: 'Everyone, or these groups and members.' })
  @ApiProblem(401, 403, 404)
  async show(@Param('id') id: string): Promise<AudienceView> {
    await this.collections.find(id);
    return presentAudience(await this.audiences.of({ collectionId: id }));
  }

  @Put()
  @ApiOperation({
    summary: 'Set who may have a collection',
    description: 'Who has a collection has each file in it.',
    operationId: 'setAudienceOfCollection',
  })
  @ApiOkResponse({ type: AudienceView, description: 'Who may have it from the next request on.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async set(@Param('id') id: string, @Body() input: AudienceInput, @ActingAdmin() by: Actor): Promise<AudienceView> {
    await this.collections.share(await this.collections.find(id), input, by);
    return presentAudience(await this.audiences.of({ collectionId: id }));
  }
}
