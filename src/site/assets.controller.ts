import { Controller, Get, NotFoundException, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/access.js';
import { Assets } from '../http/assets.js';

/** The stylesheet, the script and the icon. Their names change with their content, so browsers may keep them. */
@ApiExcludeController()
@Public()
@Controller('assets')
export class AssetsController {
  constructor(private readonly assets: Assets) {}

  @Get(':name')
  show(@Param('name') name: string, @Res() reply: FastifyReply) {
    const asset = this.assets.find(name);
    if (!asset) throw new NotFoundException('There is nothing at this address.');
    return reply
      .headers({ 'cache-control': 'public, max-age=31536000, immutable', 'content-type': asset.contentType })
      .send(asset.bytes);
  }
}
