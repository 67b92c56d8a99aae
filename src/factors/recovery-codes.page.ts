import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Pages } from '../http/pages.js';

/** Shows a set of recovery codes, once: as the answer to the POST that made it, so that no address leads there again. */
@Injectable()
export class RecoveryCodesPage {
  constructor(private readonly pages: Pages) {}

  send(codes: readonly string[], request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const page = { title: 'Your recovery codes', codes, set: codes.join(' ') };
    return this.pages.send(request, reply.code(200), 'factors/recovery-codes', page);
  }
}
