import { Injectable } from '@nestjs/common';
import { stringify, type Options } from 'csv-stringify/sync';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { ActivityService } from '../activity/activity.service.js';
import type { ActivityEvent } from '../activity/event.entity.js';
import { presentEvent } from '../activity/event.view.js';
import type { Viewer } from '../http/access.js';
import { Transfers } from '../sessions/transfers.js';
import type { ActivityFilterInput } from './activity.input.js';

const columns = ['at', 'kind', 'outcome', 'actor', 'target', 'address', 'requestId'];

/** What a spreadsheet would take for a formula is text, whoever chose their name. (OWASP, CSV Injection) */
const options: Options = { columns, escape_formulas: true, record_delimiter: 'windows' };

/** The activity log as a table of comma-separated values (RFC 4180), for the page and the API alike. */
@Injectable()
export class ActivityCsv {
  constructor(
    private readonly activity: ActivityService,
    private readonly transfers: Transfers,
  ) {}

  /** Sends all events that fit the filter, as they are read and no longer than the session lasts. */
  send(filter: ActivityFilterInput, viewer: Viewer, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    void reply.headers({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="activity.csv"',
      'cache-control': 'private, no-store',
    });
    // a body that ends at once has no length, like the one that GET sends
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    return reply.send(Readable.from(csvOf(this.activity.all(filter)), { objectMode: false }));
  }
}

/** A piece for each batch: no more than that is in memory. */
async function* csvOf(batches: AsyncIterable<readonly ActivityEvent[]>): AsyncGenerator<string> {
  // without the mark at the beginning, spreadsheets do not read UTF-8
  yield stringify([], { ...options, header: true, bom: true });
  for await (const events of batches) if (events.length > 0) yield stringify(events.map(presentEvent), options);
}
