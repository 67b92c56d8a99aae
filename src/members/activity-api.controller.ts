import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ActivityService } from '../activity/activity.service.js';
import { EventPage, presentEvent } from '../activity/event.view.js';
import { AdminsOnly } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { ActivityFilterInput } from './activity.input.js';

/** The activity log, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Controller('api/v1/activity')
export class ActivityApiController {
  constructor(private readonly activity: ActivityService) {}

  @Get()
  @ApiOperation({ summary: 'What happened, the newest first', operationId: 'listActivity' })
  @ApiOkResponse({ type: EventPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@Query() filter: ActivityFilterInput): Promise<EventPage> {
    const { items, nextCursor } = await this.activity.list(filter);
    return { items: items.map(presentEvent), nextCursor };
  }
}
