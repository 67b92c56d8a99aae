import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { EventPage, presentEvent } from '../activity/event.view.js';
import { AdminsOnly, CurrentUser, type Viewer } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { ActivityCsv } from './activity-csv.js';
import { ActivityFilterInput } from './activity.input.js';

const csv = { content: { 'text/csv': { schema: { type: 'string' } } } } as const;

/** The activity log, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Controller('api/v1/activity')
export class ActivityApiController {
  constructor(
    private readonly activity: ActivityService,
    private readonly table: ActivityCsv,
  ) {}

  @Get()
  @ApiOperation({ summary: 'What happened, the newest first', operationId: 'listActivity' })
  @ApiOkResponse({ type: EventPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@Query() filter: ActivityFilterInput): Promise<EventPage> {
    const { items, nextCursor } = await this.activity.list(filter);
    return { items: items.map(presentEvent), nextCursor };
  }

  @Get('export')
  @ApiOperation({
    summary: 'What happened, as comma-separated values',
    description: 'All that fits the filter, the newest first; `limit` and `cursor` do not count.',
    operationId: 'exportActivity',
  })
  @ApiOkResponse({ ...csv, description: 'A table (RFC 4180, UTF-8), as it is read.' })
  @ApiProblem(401, 403, 422)
  export(
    @Query() filter: ActivityFilterInput,
    @CurrentUser() viewer: Viewer,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.table.send(filter, viewer, request, reply);
  }
}
