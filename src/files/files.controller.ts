import { Controller, Get, Param, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { hrefOfNext } from '../http/paging.input.js';
import { Downloads } from './downloads.js';
import { presentFileInWords } from './file.view.js';
import { FilesService } from './files.service.js';
import { ShelfInput } from './shelf.input.js';

/** A member's own page, and the downloads of a browser. */
@ApiExcludeController()
@MembersOnly()
@Controller()
export class FilesController {
  constructor(
    private readonly files: FilesService,
    private readonly downloads: Downloads,
  ) {}

  @Get('secrets')
  @Render('files/secrets')
  async secrets(@CurrentUser() viewer: Viewer, @Query() selection: ShelfInput) {
    const { featured, listing } = await this.files.shelfFor(viewer, selection);
    return {
      title: 'Your files',
      featured: featured && { ...presentFileInWords(featured), href: '/download' },
      files: listing.items.map(presentFileInWords),
      nextHref: hrefOfNext('/secrets', { ...selection }, listing.nextCursor),
    };
  }

  @Get('download')
  @MembersOnly({ verifiedEmail: true })
  async featured(@CurrentUser() viewer: Viewer, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.downloads.send(await this.files.featuredFor(viewer), viewer, request, reply);
  }

  @Get('files/:id/download')
  @MembersOnly({ verifiedEmail: true })
  async download(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.send(await this.files.findFor(viewer, id), viewer, request, reply);
  }
}
