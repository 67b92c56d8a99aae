import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { presentShelfFile, FilePage } from '../files/file.view.js';
import { CollectionFiles } from './collection-files.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { SearchInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { tell } from '../http/revision.js';
import { CollectionDownloads } from './collection-downloads.js';
import { CollectionFilesInput } from './collection.input.js';
import { CollectionPage, CollectionView, presentCollection } from './collection.view.js';
import { CollectionsService } from './collections.service.js';

const zip = { content: { 'application/zip': { schema: { type: 'string', format: 'binary' } } } } as const;
const text = { content: { 'text/plain': { schema: { type: 'string' } } } } as const;

/** The collections that a member may have, for scripts. */
@ApiTags('Collections')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/collections')
export class CollectionsApiController {
  constructor(
    private readonly collections: CollectionsService,
    private readonly files: CollectionFiles,
    private readonly downloads: CollectionDownloads,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The collections you may have, the newest first', operationId: 'listCollections' })
  @ApiOkResponse({ type: CollectionPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@CurrentUser() viewer: Viewer, @Query() selection: SearchInput): Promise<CollectionPage> {
    const { items, nextCursor } = await this.collections.listFor(viewer, selection);
    return { items: items.map(presentCollection), nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One collection', operationId: 'getCollection' })
  @ApiOkResponse({ type: CollectionView, description: 'What is known of the collection.' })
  @ApiResponse({ status: 304, description: 'You have this.' })
  @ApiProblem(401, 403, 404, 412)
  async show(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CollectionView | undefined> {
    const collection = await this.collections.findFor(viewer, id);
    return tell(reply, collection, presentCollection(collection));
  }

  @Get(':id/files')
  @ApiOperation({ summary: 'The files of a collection, by name', operationId: 'listFilesOfCollection' })
  @ApiOkResponse({ type: FilePage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 404, 422)
  async listFiles(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Query() selection: CollectionFilesInput,
  ): Promise<FilePage> {
    const collection = await this.collections.findFor(viewer, id);
    const { items, nextCursor } = await this.files.listIn(collection.id, viewer, selection);
    return { items: items.map(presentShelfFile), nextCursor };
  }

  @Get(':id/zip')
  @MembersOnly({ verifiedEmail: true })
  @ApiOperation({
    summary: 'All files of a collection as one zip',
    description:
      'Stored without compression, so its length is known ahead; made while it is sent, so it has no ranges. With a list of checksums, SHA256SUMS. Each file in it counts as downloaded; one whose downloads are all spent is left out.',
    operationId: 'getCollectionZip',
  })
  @ApiOkResponse({ ...zip, description: 'The zip.' })
  @ApiResponse({ status: 304, description: 'You have this zip.' })
  @ApiProblem(401, 403, 404, 412)
  async zip(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.sendZip(await this.collections.findFor(viewer, id), viewer, request, reply);
  }

  @Get(':id/SHA256SUMS')
  @ApiOperation({
    summary: 'The checksums of the files of a collection',
    description: 'In the format that `sha256sum -c` reads, under the names that the files have in the zip.',
    operationId: 'listChecksumsOfCollection',
  })
  @ApiOkResponse({ ...text, description: 'A line a file.' })
  @ApiProblem(401, 403, 404)
  async checksums(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.sendChecksums(await this.collections.findFor(viewer, id), viewer, request, reply);
  }
}
