import { Body, Controller, Delete, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  type ApiBodyOptions,
  ApiConsumes,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { FileView, presentFile } from '../files/file.view.js';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { FormFile, type SentFile } from '../http/form-with-file.js';
import { Names } from '../http/named.js';
import { TakesUploads } from '../http/takes-uploads.js';
import { ApiProblem } from '../http/problem.js';
import { ChangesRevision, Expects, tell, type Expected } from '../http/revision.js';
import { FileChangeInput } from './file-change.input.js';
import { LibraryService } from './library.service.js';
import { UploadInput } from './upload.input.js';
import { uploadOf } from './upload.js';

const multipart = {
  schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
} satisfies ApiBodyOptions;

/** The library, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(LibraryService, (library, { id }) => library.find(id))
@Controller('api/v1/files')
export class LibraryApiController {
  constructor(private readonly library: LibraryService) {}

  @Post()
  @TakesUploads()
  @ApiOperation({
    summary: 'Add a file',
    description: 'It is hashed as it comes, and there whole or not at all.',
    operationId: 'addFile',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody(multipart)
  @ApiCreatedResponse({ type: FileView, description: 'The file is on the shelf.' })
  @ApiProblem(400, 401, 403, 413, 415, 422, 507)
  async add(
    @FormFile() sent: SentFile | undefined,
    @Query() { audience }: UploadInput,
    @ActingAdmin() by: Actor,
  ): Promise<FileView> {
    return presentFile(await this.library.add(uploadOf(sent), by, audience));
  }

  @Post(':id/versions')
  @ChangesRevision()
  @TakesUploads()
  @ApiOperation({
    summary: 'Replace the bytes of a file',
    description:
      'They are the next version, under the same address. Who is in the middle of the old bytes gets the rest of those.',
    operationId: 'replaceFile',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody(multipart)
  @ApiCreatedResponse({ type: FileView, description: 'The new version is on the shelf.' })
  @ApiProblem(400, 401, 403, 404, 413, 415, 422, 507)
  async replace(
    @Param('id') id: string,
    @FormFile() sent: SentFile | undefined,
    @ActingAdmin() by: Actor,
    @Expects() expected: Expected,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileView | undefined> {
    const upload = uploadOf(sent);
    const file = await this.library.replace(await this.library.find(id), upload, by, expected);
    return tell(reply, file, presentFile(file));
  }

  @Patch(':id')
  @ChangesRevision()
  @Names(LibraryService, (library, { id }) => library.findAny(id))
  @ApiOperation({ summary: 'Change what is said of a file, feature it, or have it back', operationId: 'changeFile' })
  @ApiOkResponse({ type: FileView, description: 'The file as it is now.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async change(
    @Param('id') id: string,
    @Body() input: FileChangeInput,
    @ActingAdmin() by: Actor,
    @Expects() expected: Expected,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileView | undefined> {
    const file = await this.library.change(id, input, by, expected);
    return tell(reply, file, presentFile(file));
  }

  @Delete(':id')
  @ChangesRevision()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a file',
    description: 'Nobody can have it from now on. For 30 days `PATCH {"deleted": false}` brings it back.',
    operationId: 'deleteFile',
  })
  @ApiNoContentResponse({ description: 'It is off the shelf.' })
  @ApiProblem(401, 403, 404)
  async delete(@Param('id') id: string, @ActingAdmin() by: Actor, @Expects() expected: Expected): Promise<void> {
    await this.library.delete(await this.library.find(id), by, expected);
  }
}
