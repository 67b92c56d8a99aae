import { Body, Controller, Get, Param, Post, Redirect, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AudienceForm, audienceForm } from '../audiences/audience-form.js';
import { AudienceInput } from '../audiences/audience.input.js';
import { AdminsOnly } from '../http/access.js';
import { ByAdmin, type By } from '../http/by.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { CollectionsService } from './collections.service.js';
import { Names } from '../http/named.js';

/** Who may have a collection, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(CollectionsService, (collections, { id }) => collections.find(id))
@Controller('admin/collections/:id/audience')
export class CollectionAudienceController {
  constructor(
    private readonly collections: CollectionsService,
    private readonly form: AudienceForm,
    private readonly flashes: FlashMessages,
  ) {}

  @Get()
  @Render(audienceForm.view)
  async show(@Param('id') id: string) {
    const { name } = await this.collections.find(id);
    const shown = await this.form.of({ collectionId: id });
    return { title: audienceForm.title, name, backHref: `/admin/collections/${id}`, ...shown };
  }

  @Post()
  @FromForm(audienceForm)
  @Redirect('/admin/collections', 303)
  async set(
    @Param('id') id: string,
    @Body() input: AudienceInput,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const collection = await this.collections.find(id);
    await this.collections.share(collection, input, by).catch((error: unknown) => this.form.refuse(error, input));
    this.flashes.put(reply, { kind: 'status', message: 'That is who may have it now, and each file in it.' });
    return { url: `/admin/collections/${id}` };
  }
}
