import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { PagingInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { tell } from '../http/revision.js';
import { FilePage, FileVersionPage, presentShelfFile, presentVersion, ShelfFileView } from './file.view.js';
import { FileHistory } from './file-history.js';
import { ShelfService } from './shelf.service.js';
import { ShelfInput } from './shelf.input.js';

@ApiTags('Files')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/files')
export class FilesApiController {
  constructor(
    private readonly shelf: ShelfService,
    private readonly history: FileHistory,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The files you may have', operationId: 'listFiles' })
  @ApiOkResponse({ type: FilePage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@CurrentUser() viewer: Viewer, @Query() selection: ShelfInput): Promise<FilePage> {
    const { items, nextCursor } = await this.shelf.listFor(viewer, selection);
    return { items: items.map(presentShelfFile), nextCursor };
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
    const file = await this.shelf.findFor(viewer, id);
    // the answer also depends on how much the viewer was sent, so that is a part of the ETag
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
    const { items, nextCursor } = await this.history.versionsFor(viewer, await this.shelf.findFor(viewer, id), paging);
    return { items: items.map(presentVersion), nextCursor };
  }
}
