import { Body, Controller, Get, Param, Post, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { seeOther } from '../http/answers.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { FromForm } from '../http/form.js';
import { AudienceForm, audienceForm } from '../audiences/audience-form.js';
import { AudienceInput } from '../audiences/audience.input.js';
import { FileAudience } from './file-audience.js';
import { Names } from '../http/named.js';

/** The members who may have a file, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(FileAudience, (file, { id }) => file.find(id))
@Controller('admin/files/:id/audience')
export class FileAudienceController {
  constructor(
    private readonly file: FileAudience,
    private readonly form: AudienceForm,
  ) {}

  @Get()
  @Render(audienceForm.view)
  async show(@Param('id') id: string) {
    const { name } = await this.file.find(id);
    return { title: audienceForm.title, name, backHref: `/admin/files/${id}`, ...(await this.form.of({ fileId: id })) };
  }

  @Post()
  @FromForm(audienceForm)
  async set(@Param('id') id: string, @Body() input: AudienceInput, @ActingAdmin() by: Actor) {
    await this.file.set(id, input, by).catch((error: unknown) => this.form.refuse(error, input));
    return seeOther(`/admin/files/${id}`, 'That is who may have it now.');
  }
}
