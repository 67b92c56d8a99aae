import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { Names } from '../http/named.js';
import { ApiProblem } from '../http/problem.js';
import { AudienceInput } from '../audiences/audience.input.js';
import { AudienceView, presentAudience } from '../audiences/audience.view.js';
import { AudiencesService } from '../audiences/audiences.service.js';
import { FileAudience } from './file-audience.js';

/** The members who may have a file, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(FileAudience, (file, { id }) => file.find(id))
@Controller('api/v1/files/:id/audience')
export class FileAudienceApiController {
  constructor(
    private readonly file: FileAudience,
    private readonly audiences: AudiencesService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Who may have a file', operationId: 'getAudienceOfFile' })
  @ApiOkResponse({ type: AudienceView, description: 'Everyone, or these groups and members.' })
  @ApiProblem(401, 403, 404)
  async show(@Param('id') id: string): Promise<AudienceView> {
    await this.file.find(id);
    return presentAudience(await this.audiences.of({ fileId: id }));
  }

  @Put()
  @ApiOperation({ summary: 'Set who may have a file', operationId: 'setAudienceOfFile' })
  @ApiOkResponse({ type: AudienceView, description: 'Who may have it from the next request on.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async set(@Param('id') id: string, @Body() input: AudienceInput, @ActingAdmin() by: Actor): Promise<AudienceView> {
    await this.file.set(id, input, by);
    return presentAudience(await this.audiences.of({ fileId: id }));
  }
}
