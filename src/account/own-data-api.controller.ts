import { Controller, Get, Header, Query, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ActivityService } from '../activity/activity.service.js';
import { EventPage, presentEvent } from '../activity/event.view.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { PagingInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { AccountExport } from './account-export.js';
import { ExportView } from './account-export.view.js';
import { asSeenBy } from './activity.view.js';

/** The data that the site stores about a member, for scripts. */
@ApiTags('Your account')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/users/me')
export class OwnDataApiController {
  constructor(
    private readonly activity: ActivityService,
    private readonly exports: AccountExport,
  ) {}

  @Get('activity')
  @ApiOperation({ summary: 'What happened to your account, the newest first', operationId: 'listMyActivity' })
  @ApiOkResponse({ type: EventPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async listActivity(@CurrentUser() viewer: Viewer, @Query() selection: PagingInput): Promise<EventPage> {
    const { items, nextCursor } = await this.activity.listFor(viewer, selection);
    return { items: items.map((event) => presentEvent(asSeenBy(viewer, event))), nextCursor };
  }

  @Get('export')
  @MembersOnly({ recentProof: true })
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'What this site knows of you, in one document, which says what it leaves out',
    operationId: 'exportMe',
  })
  @ApiOkResponse({ type: ExportView, description: 'Your data, and no secret in it.' })
  @ApiProblem(401, 403)
  async export(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller): Promise<StreamableFile> {
    return new StreamableFile(await this.exports.make(viewer, caller), { type: 'application/json; charset=utf-8' });
  }
}
