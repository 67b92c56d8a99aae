import { Controller, Delete, Head, HttpCode, Options, Patch, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { Names } from '../http/named.js';
import { piece, TakesUploads } from '../http/takes-uploads.js';
import { ApiProblem } from '../http/problem.js';
import { AskedByAdmin, Tus, type Asked } from './tus.js';
import { UploadsService } from './uploads.service.js';

const resumable = { name: 'tus-resumable', required: true, schema: { type: 'string', enum: ['1.0.0'] } };

/** Resumable uploads (tus 1.0), for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(UploadsService, (uploads, { id }, { id: adminId }) => uploads.findOwn(id, adminId))
@Controller('api/v1/uploads')
export class UploadsApiController {
  constructor(private readonly tus: Tus) {}

  @Options()
  @HttpCode(204)
  @ApiOperation({ summary: 'What of tus 1.0 is spoken here', operationId: 'describeUploads' })
  @ApiNoContentResponse({ description: 'Tus-Version, Tus-Extension and Tus-Max-Size say it.' })
  @ApiProblem(401, 403)
  describe(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Post()
  @TakesUploads('pieces')
  @ApiOperation({
    summary: 'Begin a resumable upload',
    description:
      'tus 1.0 (creation, creation-with-upload). Upload-Metadata holds `filename`, and where it is the next version of a file, `replaces`: its id; `audience nobody` (in Base64) keeps a new file from members at first.',
    operationId: 'beginUpload',
  })
  @ApiHeader(resumable)
  @ApiHeader({ name: 'upload-length', required: true, description: 'How many bytes it will be.' })
  @ApiHeader({ name: 'upload-metadata', required: true, description: 'Such as `filename cmVwb3J0LnBkZg==`.' })
  @ApiCreatedResponse({ description: 'Location is where the bytes go.' })
  @ApiProblem(400, 401, 403, 404, 412, 413, 415, 422, 501, 507)
  begin(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Head(':id')
  @ApiOperation({ summary: 'How far an upload has come', operationId: 'findUpload' })
  @ApiParam({ name: 'id', type: 'string' })
  @ApiHeader(resumable)
  @ApiOkResponse({ description: 'Upload-Offset is how many bytes have come; once all have, Link names the file.' })
  @ApiProblem(401, 403, 404, 412)
  find(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Patch(':id')
  @TakesUploads('pieces')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Go on with an upload',
    description: 'What has come stays where the connection is lost. With the last byte the file is on the shelf.',
    operationId: 'continueUpload',
  })
  @ApiParam({ name: 'id', type: 'string' })
  @ApiHeader(resumable)
  @ApiHeader({ name: 'upload-offset', required: true, description: 'How many bytes have come already.' })
  @ApiConsumes(piece)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiNoContentResponse({
    description: 'Upload-Offset is how many bytes have come; once all have, Link names the file.',
  })
  @ApiProblem(400, 401, 403, 404, 409, 412, 413, 415, 507)
  goOn(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Forget an upload', description: 'A file stays one.', operationId: 'cancelUpload' })
  @ApiParam({ name: 'id', type: 'string' })
  @ApiHeader(resumable)
  @ApiNoContentResponse({ description: 'What had come of it is gone.' })
  @ApiProblem(401, 403, 404, 412)
  cancel(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }
}
