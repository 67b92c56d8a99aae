import { Body, Controller, Get, Param, Post, Redirect, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { GroupsService } from '../groups/groups.service.js';
import { AdminsOnly } from '../http/access.js';
import { ByAdmin, type By } from '../http/by.js';
import { InvalidInput } from '../http/errors.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { AudienceInput } from './audience.input.js';
import { presentChoice, presentForForm } from './audience.view.js';
import { AudiencesService } from './audiences.service.js';
import { FileAudience } from './file-audience.js';

const choosing = { view: 'audiences/audience', title: 'Who may have it', keep: ['members'] };

/** Who may have a file, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Controller('admin/files/:id/audience')
export class FileAudienceController {
  constructor(
    private readonly file: FileAudience,
    private readonly audiences: AudiencesService,
    private readonly groups: GroupsService,
    private readonly flashes: FlashMessages,
  ) {}

  @Get()
  @Render(choosing.view)
  async show(@Param('id') id: string) {
    const { name } = await this.file.find(id);
    const [audience, { items }] = await Promise.all([
      this.audiences.of({ fileId: id }),
      this.groups.list({ limit: 100 }),
    ]);
    return { title: choosing.title, name, backHref: `/admin/files/${id}`, ...presentForForm(audience, items) };
  }

  @Post()
  @FromForm(choosing)
  @Redirect('/admin/files', 303)
  async set(
    @Param('id') id: string,
    @Body() input: AudienceInput,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.file.set(id, input, by).catch(async (error: unknown) => {
      if (!(error instanceof InvalidInput)) throw error;
      const { items } = await this.groups.list({ limit: 100 });
      throw new InvalidInput(error.errors, presentChoice(input.everyone, new Set(input.groups), items));
    });
    this.flashes.put(reply, { kind: 'status', message: 'That is who may have it now.' });
    return { url: `/admin/files/${id}` };
  }
}
