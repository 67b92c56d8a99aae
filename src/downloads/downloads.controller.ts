import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FileLists } from '../files/file-lists.js';
import { ShelfService } from '../files/shelf.service.js';
import { ShelfInput } from '../files/shelf.input.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { IsDownload } from '../http/arrivals.js';
import { Checksums } from './checksums.js';
import { Downloads } from './downloads.js';

/** Downloads of files, and the list of their checksums, for a member in a browser. */
@ApiExcludeController()
@MembersOnly()
@Controller()
export class DownloadsController {
  constructor(
    private readonly shelf: ShelfService,
    private readonly downloads: Downloads,
    private readonly checksums: Checksums,
    private readonly lists: FileLists,
  ) {}

  @Get('download')
  @IsDownload()
  @MembersOnly({ verifiedEmail: true })
  async featured(@CurrentUser() viewer: Viewer, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.downloads.send(await this.shelf.featuredFor(viewer), viewer, request, reply, { asFeatured: true });
  }

  @Get('files/SHA256SUMS')
  @IsDownload()
  sums(
    @CurrentUser() viewer: Viewer,
    @Query() selection: ShelfInput,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.checksums.send(this.lists.allFor(viewer, selection.q), viewer, request, reply);
  }

  @Get('files/:id/download')
  @IsDownload()
  @MembersOnly({ verifiedEmail: true })
  async download(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.send(await this.shelf.findFor(viewer, id), viewer, request, reply);
  }
}
