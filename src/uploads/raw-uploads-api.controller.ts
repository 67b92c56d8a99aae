import { Controller, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  type ApiBodyOptions,
  ApiConsumes,
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { Settings } from '../config/settings.js';
import { FileView, presentFile } from '../files/file.view.js';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { pipeThrough } from '../http/pipe-through.js';
import { Names } from '../http/named.js';
import { TakesUploads } from '../http/takes-uploads.js';
import { ApiProblem } from '../http/problem.js';
import { ChangesRevision, Expects, tell, type Expected } from '../http/revision.js';
import { within } from '../http/within.js';
import { LibraryService } from '../library/library.service.js';
import { UploadInput } from '../library/upload.input.js';
import { checkedBy } from './content-digest.js';

const anyBytes: ApiBodyOptions = { schema: { type: 'string', format: 'binary' } };
const contentDigest = {
  name: 'content-digest',
  required: false,
  description: 'What the bytes must be (RFC 9530): `sha-256=:…:` or `sha-512=:…:`.',
};

/** Uploads of raw bytes, for an admin's scripts: `curl -T report.pdf https://…/api/v1/uploads/`. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Controller('api/v1')
export class RawUploadsApiController {
  constructor(
    private readonly library: LibraryService,
    private readonly settings: Settings,
  ) {}

  @Put('uploads/:name')
  @HttpCode(201)
  @TakesUploads('raw')
  @ApiOperation({
    summary: 'Add a file, as raw bytes',
    description: 'Each time another file, also under a name that there is already.',
    operationId: 'uploadFile',
  })
  @ApiHeader(contentDigest)
  @ApiConsumes('application/octet-stream')
  @ApiBody(anyBytes)
  @ApiCreatedResponse({ type: FileView, description: 'The file is on the shelf.' })
  @ApiProblem(400, 401, 403, 413, 422, 507)
  async add(
    @Param('name') name: string,
    @Query() { audience }: UploadInput,
    @Req() request: FastifyRequest,
    @ActingAdmin() by: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileView> {
    const file = await this.library.add({ name, bytes: this.bytesOf(request) }, by, audience);
    void reply.header('location', `/api/v1/files/${file.id}`);
    return presentFile(file);
  }

  @Put('files/:id/content')
  @ChangesRevision()
  @Names(LibraryService, (library, { id }) => library.find(id))
  @TakesUploads('raw')
  @ApiOperation({
    summary: 'Replace the bytes of a file, as raw bytes',
    description: 'They are the next version, under the same address.',
    operationId: 'putFileContent',
  })
  @ApiHeader(contentDigest)
  @ApiConsumes('application/octet-stream')
  @ApiBody(anyBytes)
  @ApiOkResponse({ type: FileView, description: 'The new version is on the shelf.' })
  @ApiProblem(400, 401, 403, 404, 413, 507)
  async replace(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @ActingAdmin() by: Actor,
    @Expects() expected: Expected,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileView | undefined> {
    const { name } = await this.library.find(id);
    const upload = { name, bytes: this.bytesOf(request) };
    const file = await this.library.replace(await this.library.find(id), upload, by, expected);
    return tell(reply, file, presentFile(file));
  }

  private bytesOf({ body, headers }: FastifyRequest): Readable {
    const bytes = body instanceof Readable ? pipeThrough(body, within(this.settings.uploadLimit)) : Readable.from([]);
    return checkedBy(headers['content-digest'] as string | undefined, bytes);
  }
}
