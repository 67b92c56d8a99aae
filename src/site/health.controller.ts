import { Controller, Get, Header, ServiceUnavailableException } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http/access.js';
import { Lifecycle } from '../http/lifecycle.js';
import { Reader } from '../database/reader.js';

/** For whoever watches the process: does it live, and can it serve? */
@ApiExcludeController()
@Public()
@Controller()
export class HealthController {
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
  async ready() {
    if (this.lifecycle.isDraining) throw new ServiceUnavailableException('This process is ending.');
    await this.reader.rows('SELECT 1').catch((error: unknown) => {
      throw new ServiceUnavailableException('The database does not answer.', { cause: error });
    });
    return { status: 'ready' };
  }
}
