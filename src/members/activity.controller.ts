import { Controller, Get, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { eventKinds } from '../activity/event-kinds.js';
import type { Outcome } from '../activity/event.entity.js';
import { presentEventInWords, wordsOf } from '../activity/event.view.js';
import { AdminsOnly, CurrentUser, type Viewer } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { IsDownload } from '../http/arrivals.js';
import { hrefOfNext } from '../http/paging.input.js';
import { ActivityCsv } from './activity-csv.js';
import { ActivityFilterInput } from './activity.input.js';

/** The activity log, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Controller()
export class ActivityController {
  constructor(
    private readonly activity: ActivityService,
    private readonly table: ActivityCsv,
  ) {}

  @Get('admin/activity')
  @InMenu('admin', 'Activity log', 70)
  @Render('members/activity')
  async list(@Query() filter: ActivityFilterInput) {
    const { limit, q, kind, outcome } = filter;
    const { items, nextCursor } = await this.activity.list(filter);
    return {
      title: 'Activity log',
      filter,
      kinds,
      outcomes,
      events: items.map(presentEventInWords),
      nextHref: hrefOfNext('/admin/activity', { limit, q, kind, outcome }, nextCursor),
      csvHref: hrefOfCsv(filter),
    };
  }

  @Get('admin/activity.csv')
  @IsDownload()
  csv(
    @Query() filter: ActivityFilterInput,
    @CurrentUser() viewer: Viewer,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.table.send(filter, viewer, request, reply);
  }
}

/** The choices of the filter. */
const kinds = eventKinds.map((kind) => ({ value: kind, words: wordsOf({ kind, outcome: 'success' }) }));

const outcomes: { value: Outcome; words: string }[] = [
  { value: 'success', words: 'Done' },
  { value: 'refused', words: 'Refused' },
  { value: 'broken', words: 'Broke off' },
];

function hrefOfCsv({ kind, outcome, q }: ActivityFilterInput): string {
  const query = new URLSearchParams({ ...(kind && { kind }), ...(outcome && { outcome }), ...(q && { q }) }).toString();
  return query ? `/admin/activity.csv?${query}` : '/admin/activity.csv';
}
