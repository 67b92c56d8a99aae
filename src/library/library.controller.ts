import {
  Body,
  Controller,
  Get,
  Param,
  Post,
  Query,
  Redirect,
  Render,
  Res,
  UploadedFile,
  UseInterceptors,
} from '@nestjs/common';
import { FileStreamInterceptor, type MultipartFileStream } from '@nestjs/platform-fastify/multipart';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Settings } from '../config/settings.js';
import { sizeInWords } from '../files/file.view.js';
import { AdminsOnly } from '../http/access.js';
import { ByAdmin, type By } from '../http/by.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm } from '../http/form.js';
import { hrefOfNext } from '../http/paging.input.js';
import { TakesUploads } from '../http/patience.js';
import { FileNameInput } from './file-change.input.js';
import { LibraryInput } from './library.input.js';
import { daysToUndo, LibraryService } from './library.service.js';
import { presentLibraryFile } from './library.view.js';
import { uploadOf } from './upload.js';

const adding = { view: 'library/upload', title: 'Add a file', keep: [] };
const naming = { view: 'library/name', title: 'Rename the file', keep: ['name'] };

/** The library, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Controller('admin/files')
export class LibraryController {
  constructor(
    private readonly library: LibraryService,
    private readonly flashes: FlashMessages,
    private readonly settings: Settings,
  ) {}

  @Get()
  @Render('library/files')
  async list(@Query() selection: LibraryInput) {
    const { limit, q, state } = selection;
    const { items, nextCursor } = await this.library.list(selection);
    return {
      title: 'Files',
      filter: selection,
      isDeleted: state === 'deleted',
      daysToUndo,
      files: items.map(presentLibraryFile),
      nextHref: hrefOfNext('/admin/files', { limit, q, state }, nextCursor),
    };
  }

  @Get('upload')
  @Render(adding.view)
  showUpload() {
    return { title: adding.title, most: sizeInWords(this.settings.uploadLimit) };
  }

  @Post('upload')
  @TakesUploads()
  @UseInterceptors(FileStreamInterceptor('file'))
  @FromForm(adding)
  @Redirect('/admin/files', 303)
  async upload(
    @UploadedFile() part: MultipartFileStream | undefined,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { name } = await this.library.add(uploadOf(part), by);
    this.flashes.put(reply, { kind: 'status', message: `“${name}” is on the shelf.` });
  }

  @Get(':id')
  @Render('library/file')
  async show(@Param('id') id: string) {
    const file = presentLibraryFile(await this.library.findAny(id));
    return { title: file.name, file, daysToUndo };
  }

  @Get(':id/name')
  @Render(naming.view)
  async showName(@Param('id') id: string) {
    const { name } = await this.library.find(id);
    return { title: naming.title, values: { name } };
  }

  @Post(':id/name')
  @FromForm(naming)
  @Redirect('/admin/files', 303)
  async rename(
    @Param('id') id: string,
    @Body() { name }: FileNameInput,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.library.rename(await this.library.find(id), name, by);
    return this.back(id, `The file is now called “${name}”.`, reply);
  }

  @Post(':id/featuring')
  @Redirect('/admin/files', 303)
  async feature(@Param('id') id: string, @ByAdmin() by: By, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.library.feature(await this.library.find(id), true, by);
    return this.back(id, 'This is the featured file now.', reply);
  }

  @Post(':id/unfeaturing')
  @Redirect('/admin/files', 303)
  async unfeature(@Param('id') id: string, @ByAdmin() by: By, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.library.feature(await this.library.find(id), false, by);
    return this.back(id, 'This is no longer the featured file.', reply);
  }

  @Post(':id/deletion')
  @Redirect('/admin/files', 303)
  async delete(@Param('id') id: string, @ByAdmin() by: By, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.library.delete(await this.library.find(id), by);
    return this.back(id, `The file is deleted. For ${daysToUndo} days you can have it back here.`, reply);
  }

  @Post(':id/restoration')
  @Redirect('/admin/files', 303)
  async restore(@Param('id') id: string, @ByAdmin() by: By, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.library.restore(await this.library.findAny(id), by);
    return this.back(id, 'The file is back on the shelf.', reply);
  }

  private back(id: string, message: string, reply: FastifyReply): { url: string } {
    this.flashes.put(reply, { kind: 'status', message });
    return { url: `/admin/files/${id}` };
  }
}
