import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { Downloads } from './downloads.js';
import { FilePage, FileView, presentFile } from './file.view.js';
import { FilesService } from './files.service.js';
import { ShelfInput } from './shelf.input.js';

const bytes = { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } as const;

@ApiTags('Files')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/files')
export class FilesApiController {
  constructor(
    private readonly files: FilesService,
    private readonly downloads: Downloads,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The files you may have', operationId: 'listFiles' })
  @ApiOkResponse({ type: FilePage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@CurrentUser() viewer: Viewer, @Query() selection: ShelfInput): Promise<FilePage> {
    const { items, nextCursor } = await this.files.listFor(viewer, selection);
    return { items: items.map(presentFile), nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One file', operationId: 'getFile' })
  @ApiOkResponse({ type: FileView, description: 'What is known of the file.' })
  @ApiProblem(401, 403, 404)
  async show(@CurrentUser() viewer: Viewer, @Param('id') id: string): Promise<FileView> {
    return presentFile(await this.files.findFor(viewer, id));
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
