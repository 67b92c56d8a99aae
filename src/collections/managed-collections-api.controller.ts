import { Body, Controller, Delete, HttpCode, Param, Patch, Post, Put, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { Names } from '../http/named.js';
import { ApiProblem } from '../http/problem.js';
import { ChangesRevision, Expects, tell, type Expected } from '../http/revision.js';
import { CollectionChangeInput, CollectionInput } from './collection.input.js';
import { CollectionView, presentCollection } from './collection.view.js';
import { CollectionsService } from './collections.service.js';

/** Collections, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(CollectionsService, (collections, { id }) => collections.find(id))
@Controller('api/v1/collections')
export class ManagedCollectionsApiController {
  constructor(private readonly collections: CollectionsService) {}

  @Post()
  @ApiOperation({ summary: 'Make a collection', operationId: 'addCollection' })
  @ApiCreatedResponse({ type: CollectionView, description: 'It is there, empty, and for nobody yet.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async add(@Body() input: CollectionInput, @ActingAdmin() by: Actor): Promise<CollectionView> {
    return presentCollection(await this.collections.create(input, by));
  }

  @Patch(':id')
  @ChangesRevision()
  @ApiOperation({
    summary: 'Rename a collection, describe it, or give it to everyone',
    operationId: 'changeCollection',
  })
  @ApiOkResponse({ type: CollectionView, description: 'The collection as it is now.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async change(
    @Param('id') id: string,
    @Body() input: CollectionChangeInput,
    @ActingAdmin() by: Actor,
    @Expects() expected: Expected,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CollectionView | undefined> {
    const collection = await this.collections.change(await this.collections.find(id), input, by, expected);
    return tell(reply, collection, presentCollection(collection));
  }

  @Delete(':id')
  @ChangesRevision()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a collection',
    description: 'Its files stay. Who had them by this collection alone has them no more.',
    operationId: 'deleteCollection',
  })
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblem(401, 403, 404)
  async delete(@Param('id') id: string, @ActingAdmin() by: Actor, @Expects() expected: Expected): Promise<void> {
    await this.collections.delete(await this.collections.find(id), by, expected);
  }

  @Put(':id/files/:fileId')
  @Names(CollectionsService, (collections, { id, fileId }) => collections.findFileFor(id, fileId))
  @HttpCode(204)
  @ApiOperation({ summary: 'Put a file into a collection', operationId: 'addFileToCollection' })
  @ApiNoContentResponse({ description: 'It is in it, from the next request on.' })
  @ApiProblem(401, 403, 404)
  async addFile(@Param('id') id: string, @Param('fileId') fileId: string, @ActingAdmin() by: Actor): Promise<void> {
    await this.collections.addFiles(await this.collections.find(id), [fileId], by);
  }

  @Delete(':id/files/:fileId')
  @Names(CollectionsService, (collections, { id, fileId }) => collections.findFileIn(id, fileId))
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a file out of a collection', operationId: 'removeFileFromCollection' })
  @ApiNoContentResponse({ description: 'It is out of it, from the next request on.' })
  @ApiProblem(401, 403, 404)
  async removeFile(@Param('id') id: string, @Param('fileId') fileId: string, @ActingAdmin() by: Actor): Promise<void> {
    await this.collections.removeFile(await this.collections.find(id), fileId, by);
  }
}
