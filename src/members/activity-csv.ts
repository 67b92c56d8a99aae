import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { ActivityService } from '../activity/activity.service.js';
import { presentEvent, type EventView } from '../activity/event.view.js';
import type { Viewer } from '../http/access.js';
import { announceCsv, streamCsv } from '../http/csv.js';
import { Transfers } from '../sessions/transfers.js';
import type { ActivityFilterInput } from './activity.input.js';

const columns = ['at', 'kind', 'outcome', 'actor', 'target', 'address', 'requestId'] as const;

/** The activity log as a CSV table, for the page and the API. */
@Injectable()
export class ActivityCsv {
  constructor(
    private readonly activity: ActivityService,
    private readonly transfers: Transfers,
  ) {}

  /** Sends all events that match the filter, as they are read from the database. Stops if the session ends. */
  send(filter: ActivityFilterInput, viewer: Viewer, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    void announceCsv(reply, 'activity.csv');
    // this empty stream has no length, as the answer to GET has none
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    return reply.send(streamCsv({ columns, batches: this.rows(filter) }));
  }

  private async *rows(filter: ActivityFilterInput): AsyncGenerator<readonly EventView[]> {
    for await (const events of this.activity.all(filter)) yield events.map(presentEvent);
  }
}
