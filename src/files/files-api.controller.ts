import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { PagingInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { tell } from '../http/revision.js';
import { Checksums } from './checksums.js';
import { Downloads } from './downloads.js';
import { FilePage, FileVersionPage, presentShelfFile, presentVersion, ShelfFileView } from './file.view.js';
import { FileHistory } from './file-history.js';
import { FileLists } from './file-lists.js';
import { FilesService } from './files.service.js';
import { ShelfInput } from './shelf.input.js';

const text = { content: { 'text/plain': { schema: { type: 'string' } } } } as const;
const bytes = { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } as const;

@ApiTags('Files')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/files')
export class FilesApiController {
  constructor(
    private readonly files: FilesService,
    private readonly downloads: Downloads,
    private readonly checksums: Checksums,
    private readonly lists: FileLists,
    private readonly history: FileHistory,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The files you may have', operationId: 'listFiles' })
  @ApiOkResponse({ type: FilePage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@CurrentUser() viewer: Viewer, @Query() selection: ShelfInput): Promise<FilePage> {
    const { items, nextCursor } = await this.files.listFor(viewer, selection);
    return { items: items.map(presentShelfFile), nextCursor };
  }

  @Get('SHA256SUMS')
  @ApiOperation({
    summary: 'The checksums of the files you may have',
    description: 'All that fit, in the format that `sha256sum -c` reads; `limit` and `cursor` do not count.',
    operationId: 'listChecksums',
  })
  @ApiOkResponse({ ...text, description: 'A line a file, as they are read.' })
  @ApiProblem(401, 403, 422)
  sums(
    @CurrentUser() viewer: Viewer,
    @Query() selection: ShelfInput,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.checksums.send(this.lists.allFor(viewer, selection.q), viewer, request, reply);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One file', operationId: 'getFile' })
  @ApiOkResponse({ type: ShelfFileView, description: 'What is known of the file.' })
  @ApiResponse({ status: 304, description: 'You have this.' })
  @ApiProblem(401, 403, 404, 412)
  async show(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShelfFileView | undefined> {
    const file = await this.files.findFor(viewer, id);
    // how much of it the viewer has been sent is told, too
    return tell(reply, file, presentShelfFile(file), `${file.downloaded}.${file.coveredBytes}`);
  }

  @Get(':id/versions')
  @ApiOperation({ summary: 'The versions of a file, the newest first', operationId: 'listFileVersions' })
  @ApiOkResponse({ type: FileVersionPage, description: 'A part of the list; the first is what `content` serves.' })
  @ApiProblem(401, 403, 404, 422)
  async versions(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Query() paging: PagingInput,
  ): Promise<FileVersionPage> {
    const { items, nextCursor } = await this.history.versionsFor(viewer, await this.files.findFor(viewer, id), paging);
    return { items: items.map(presentVersion), nextCursor };
  }

  @Get(':id/content')
  @MembersOnly({ verifiedEmail: true })
  @ApiOperation({
    summary: 'The bytes of a file',
    description: 'Takes Range, If-Range, If-Match and If-None-Match (RFC 9110); a HEAD gives the headers alone.',
    operationId: 'getFileContent',
  })
  @ApiOkResponse({ ...bytes, description: 'All of the bytes.' })
  @ApiResponse({ ...bytes, status: 206, description: 'The range that was asked for.' })
  @ApiResponse({ status: 304, description: 'You have this version.' })
  @ApiProblem(401, 403, 404, 412, 416)
  async content(
    @CurrentUser() viewer: Viewer,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.downloads.send(await this.files.findFor(viewer, id), viewer, request, reply);
  }
}
