import { Controller, Get, Param, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { Downloads } from './downloads.js';
import { presentFileInWords } from './file.view.js';
import { FilesService } from './files.service.js';
import { SelectionInput } from './selection.input.js';

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
  async secrets(@CurrentUser() viewer: Viewer, @Query() selection: SelectionInput) {
    const { featured, listing } = await this.files.shelfFor(viewer, selection);
    const { files, nextCursor } = listing;
    return {
      title: 'Your files',
      featured: featured && { ...presentFileInWords(featured), href: '/download' },
      files: files.map(presentFileInWords),
      nextHref: nextCursor ? hrefOf(selection, nextCursor) : undefined,
    };
  }

  @Get('download')
  async featured(@CurrentUser() viewer: Viewer, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.downloads.send(await this.files.featuredFor(viewer), request, reply);
  }

  @Get('files/:id/download')
  async download(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.send(await this.files.findFor(viewer, id), request, reply);
  }
}

const { limit: usual } = new SelectionInput();

/** The address of a part of the list. */
function hrefOf({ limit, q }: SelectionInput, cursor: string): string {
  const query = new URLSearchParams({ cursor, ...(limit !== usual && { limit: String(limit) }), ...(q && { q }) });
  return `/secrets?${query.toString()}`;
}
