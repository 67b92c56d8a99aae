import { Body, Controller, Get, Param, Post, Redirect, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AdminsOnly } from '../http/access.js';
import { ByAdmin, type By } from '../http/by.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { AudienceForm, audienceForm } from './audience-form.js';
import { AudienceInput } from './audience.input.js';
import { FileAudience } from './file-audience.js';
import { Names } from '../http/named.js';

/** Who may have a file, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(FileAudience, (file, { id }) => file.find(id))
@Controller('admin/files/:id/audience')
export class FileAudienceController {
  constructor(
    private readonly file: FileAudience,
    private readonly form: AudienceForm,
    private readonly flashes: FlashMessages,
  ) {}

  @Get()
  @Render(audienceForm.view)
  async show(@Param('id') id: string) {
    const { name } = await this.file.find(id);
    return { title: audienceForm.title, name, backHref: `/admin/files/${id}`, ...(await this.form.of({ fileId: id })) };
  }

  @Post()
  @FromForm(audienceForm)
  @Redirect('/admin/files', 303)
  async set(
    @Param('id') id: string,
    @Body() input: AudienceInput,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.file.set(id, input, by).catch((error: unknown) => this.form.refuse(error, input));
    this.flashes.put(reply, { kind: 'status', message: 'That is who may have it now.' });
    return { url: `/admin/files/${id}` };
  }
}
