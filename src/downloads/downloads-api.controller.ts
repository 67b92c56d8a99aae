import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FileLists } from '../files/file-lists.js';
import { ShelfService } from '../files/shelf.service.js';
import { ShelfInput } from '../files/shelf.input.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { Checksums } from './checksums.js';
import { Downloads } from './downloads.js';

const text = { content: { 'text/plain': { schema: { type: 'string' } } } } as const;
const bytes = { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } as const;

/** Downloads of files, and the list of their checksums, for scripts. */
@ApiTags('Files')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/files')
export class DownloadsApiController {
  constructor(
    private readonly shelf: ShelfService,
    private readonly downloads: Downloads,
    private readonly checksums: Checksums,
    private readonly lists: FileLists,
  ) {}

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
    return this.downloads.send(await this.shelf.findFor(viewer, id), viewer, request, reply);
  }
}
