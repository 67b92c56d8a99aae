import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { StoredFile } from '../files/stored-file.entity.js';
import type { Viewer } from '../http/access.js';
import { announceCsv, streamCsv } from '../http/csv.js';
import { Transfers } from '../sessions/transfers.js';
import { presentReceipt, type ReceiptView } from './receipt.view.js';
import type { ReceiptsInput } from './receipts.input.js';
import { ReceiptsService } from './receipts.service.js';

const columns = ['name', 'email', 'state', 'bytes', 'completedAt', 'lastAt'] as const;

/** The receipts of a file, as CSV. */
@Injectable()
export class ReceiptsCsv {
  constructor(
    private readonly receipts: ReceiptsService,
    private readonly transfers: Transfers,
  ) {}

  /** Sends all receipts that match the selection, as they are read. Stops if the session ends. */
  send(
    file: StoredFile,
    selection: ReceiptsInput,
    viewer: Viewer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): FastifyReply {
    void announceCsv(reply, 'receipts.csv');
    // an empty stream has no `content-length`, and neither has the answer to a GET
    if (request.method === 'HEAD') return reply.send(Readable.from([]));
    this.transfers.follow(reply.raw, viewer);
    return reply.send(streamCsv({ columns, batches: this.rows(file, selection) }));
  }

  private async *rows(file: StoredFile, selection: ReceiptsInput): AsyncGenerator<readonly ReceiptView[]> {
    for await (const batch of this.receipts.all(file, selection)) yield batch.map(presentReceipt);
  }
}
