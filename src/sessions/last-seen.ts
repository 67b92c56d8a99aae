import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { SessionsService } from './sessions.service.js';

/**
 * Notes that a session was used, so that it does not time out. It does so after the answer is sent, so that nobody
 * waits for it.
 */
@Injectable()
export class LastSeen implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly sessions: SessionsService,
  ) {}

  onModuleInit(): void {
    this.host.httpAdapter.getInstance().addHook('onResponse', (request, _reply, done) => {
      if (!request.user) done();
      else this.sessions.touch(request.user).then(() => done(), done);
    });
  }
}
