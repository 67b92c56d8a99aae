import { Controller, Get, Header, Logger, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/access.js';
import { Lifecycle } from '../http/lifecycle.js';
import { siteLockIn } from '../database/site-lock.js';
import { Answering } from '../database/answering.js';
import { Settings } from '../config/settings.js';
import { access } from 'node:fs/promises';

/**
 * Health checks, for a program that monitors the process: `/health` says that it runs, `/ready` says whether it can
 * serve.
 */
@ApiExcludeController()
@Public()
@Controller()
export class HealthController {
  private readonly logger = new Logger('Health');

  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly database: Answering,
    private readonly settings: Settings,
  ) {}

  @Get('health')
  @Header('cache-control', 'no-store')
  health() {
    return { status: 'alive' };
  }

  @Get('ready')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const fault = await this.fault();
    if (fault === undefined) return { status: 'ready' };
    void reply.code(503).header('retry-after', '5');
    return { status: 'unready', reason: fault };
  }

  private async fault(): Promise<string | undefined> {
    if (this.lifecycle.isDraining) return 'This process is ending.';
    const isThere = await access(siteLockIn(this.settings.dataDir)).then(
      () => true,
      () => false,
    );
    if (!isThere) return 'The data folder is not there.';
    return this.database.mustAnswer().then(
      () => undefined,
      (error: unknown) => {
        this.logger.warn({ err: error }, 'the database does not answer');
        return 'The database does not answer.';
      },
    );
  }
}
