import { Controller, Get, Header, Logger, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/access.js';
import { Lifecycle } from '../http/lifecycle.js';
import { Reader } from '../database/reader.js';

/** For whoever watches the process: does it live, and can it serve? */
@ApiExcludeController()
@Public()
@Controller()
export class HealthController {
  private readonly logger = new Logger('Health');

  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly reader: Reader,
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
    return this.reader.rows('SELECT 1').then(
      () => undefined,
      (error: unknown) => {
        this.logger.warn({ err: error }, 'the database does not answer');
        return 'The database does not answer.';
      },
    );
  }
}
