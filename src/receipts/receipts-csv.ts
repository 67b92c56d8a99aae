import { Injectable } from '@nestjs/common';
import { stringify, type Options } from 'csv-stringify/sync';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { StoredFile } from '../files/stored-file.entity.js';
import type { Viewer } from '../http/access.js';
import { Transfers } from '../sessions/transfers.js';
import { presentReceipt } from './receipt.view.js';
import type { ReceiptsInput } from './receipts.input.js';
import { ReceiptsService } from './receipts.service.js';

const columns = ['name', 'email', 'state', 'bytes', 'completedAt', 'lastAt'];

/** What a spreadsheet would take for a formula is text, whoever chose their name. (OWASP, CSV Injection) */
const options: Options = { columns, escape_formulas: true, record_delimiter: 'windows' };

/** The receipts of a file as a table of comma-separated values (RFC 4180). */
@Injectable()
export class ReceiptsCsv {
  constructor(
    private readonly receipts: ReceiptsService,
    private readonly transfers: Transfers,
  ) {}

  /** Sends all that fit the selection, as they are read and no longer than the session lasts. */
  send(
    file: StoredFile,
    selection: ReceiptsInput,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): FastifyReply {
    void reply.headers({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="receipts.csv"',
      'cache-control': 'private, no-store',
    });
    // a body that ends at once has no length, like the one that GET sends
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    return reply.send(Readable.from(this.pieces(file, selection), { objectMode: false }));
  }

  private async *pieces(file: StoredFile, selection: ReceiptsInput): AsyncGenerator<string> {
    // without the mark at the beginning, spreadsheets do not read UTF-8
    yield stringify([], { ...options, header: true, bom: true });
    for await (const batch of this.receipts.all(file, selection))
      if (batch.length > 0) yield stringify(batch.map(presentReceipt), options);
  }
}
