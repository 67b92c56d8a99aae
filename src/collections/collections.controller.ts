import { Controller, Get, Param, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { presentShelfFileInWords } from '../files/file.view.js';
import { CollectionFiles } from './collection-files.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { IsDownload } from '../http/arrivals.js';
import { hrefOfNext, SearchInput } from '../http/paging.input.js';
import { CollectionDownloads } from './collection-downloads.js';
import { CollectionFilesInput } from './collection.input.js';
import { presentCollectionInWords, sumInWords } from './collection.view.js';
import { CollectionsService } from './collections.service.js';

/** The collections that a member may have, in a browser. */
@ApiExcludeController()
@MembersOnly()
@Controller('collections')
export class CollectionsController {
  constructor(
    private readonly collections: CollectionsService,
    private readonly files: CollectionFiles,
    private readonly downloads: CollectionDownloads,
  ) {}

  @Get()
  @Render('collections/shelf')
  async list(@CurrentUser() viewer: Viewer, @Query() selection: SearchInput) {
    const { items, nextCursor } = await this.collections.listFor(viewer, selection);
    return {
      title: 'Your collections',
      filter: selection,
      collections: items.map(presentCollectionInWords),
      nextHref: hrefOfNext('/collections', { ...selection }, nextCursor),
    };
  }

  @Get(':id')
  @Render('collections/collection')
  async show(@CurrentUser() viewer: Viewer, @Param('id') id: string, @Query() selection: CollectionFilesInput) {
    const collection = await this.collections.findFor(viewer, id);
    const [{ items, nextCursor }, sum] = await Promise.all([
      this.files.listIn(id, viewer, selection),
      this.files.sumOf(id, viewer),
    ]);
    const shown = presentCollectionInWords(collection);
    return {
      title: collection.name,
      collection: shown,
      filter: selection,
      sum: sumInWords(sum),
      isEmpty: sum.count === 0,
      files: items.map((file) => presentShelfFileInWords(file, new Date())),
      nextHref: hrefOfNext(shown.href, { ...selection }, nextCursor),
    };
  }

  @Get(':id/zip')
  @IsDownload()
  @MembersOnly({ verifiedEmail: true })
  async zip(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.sendZip(await this.collections.findFor(viewer, id), viewer, request, reply);
  }

  @Get(':id/SHA256SUMS')
  @IsDownload()
  async checksums(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.sendChecksums(await this.collections.findFor(viewer, id), viewer, request, reply);
  }
}
