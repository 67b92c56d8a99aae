import { Body, Controller, Get, Param, Post, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AudienceForm, audienceForm } from '../audiences/audience-form.js';
import { AudienceInput } from '../audiences/audience.input.js';
import { AdminsOnly } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { FromForm } from '../http/form.js';
import { CollectionsService } from './collections.service.js';
import { Names } from '../http/named.js';

/** The members who may have a collection, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(CollectionsService, (collections, { id }) => collections.find(id))
@Controller('admin/collections/:id/audience')
export class CollectionAudienceController {
  constructor(
    private readonly collections: CollectionsService,
    private readonly form: AudienceForm,
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
  async set(@Param('id') id: string, @Body() input: AudienceInput, @ActingAdmin() by: Actor) {
    const collection = await this.collections.find(id);
    await this.collections.share(collection, input, by).catch((error: unknown) => this.form.refuse(error, input));
    return seeOther(`/admin/collections/${id}`, 'That is who may have it now, and each file in it.');
  }
}
