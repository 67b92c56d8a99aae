import { Body, Controller, Get, Param, Post, Query, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { audienceInWords } from '../audiences/audience.view.js';
import { AudiencesService } from '../audiences/audiences.service.js';
import { Settings } from '../config/settings.js';
import { sizeInWords } from '../files/file.view.js';
import { AdminsOnly } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { seeOther } from '../http/answers.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { FromForm, OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { hrefOfNext } from '../http/paging.input.js';
import { FormFile, type SentFile } from '../http/form-with-file.js';
import { TakesUploads } from '../http/takes-uploads.js';
import { FileDetailsInput } from './file-change.input.js';
import { LibraryInput } from './library.input.js';
import { daysToUndo, LibraryService } from './library.service.js';
import { presentLibraryFile, presentVersion } from './library.view.js';
import { SelectionInput } from './selection.input.js';
import { UploadInput } from './upload.input.js';
import { uploadOf } from './upload.js';

const adding = { view: 'library/upload', title: 'Add files', keep: [] };
const describing = {
  view: 'library/details',
  title: 'What is said of the file',
  keep: ['name', 'note', 'availableAt', 'expiresAt', 'memberLimit', 'totalLimit'],
};
const replacing = { view: 'library/replacement', title: 'Replace the file', keep: [] };

const outcomes = {
  show: 'not hidden any more: members have them from and until the times that are set',
  hide: 'hidden from members from now on',
  delete: `deleted; for ${daysToUndo} days you can have them back`,
  restore: 'put back on the shelf',
} as const;

/** The library, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(LibraryService, (library, { id }) => library.find(id))
@Controller('admin/files')
export class LibraryController {
  constructor(
    private readonly library: LibraryService,
    private readonly audiences: AudiencesService,
    private readonly settings: Settings,
  ) {}

  @Get()
  @InMenu('admin', 'Files', 20)
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

  @Post('selection')
  @OnPage('/admin/files')
  async doAll(@Body() input: SelectionInput, @ActingAdmin() by: Actor) {
    const count = await this.library.doAll(input, by);
    const files = count === 1 ? '1 file' : `${count} files`;
    const list = input.act === 'restore' ? '/admin/files?state=deleted' : '/admin/files';
    return seeOther(list, `${files} ${outcomes[input.act]}.`);
  }

  @Get('upload')
  @Render(adding.view)
  showUpload() {
    return { title: adding.title, ...this.limit() };
  }

  @Post('upload')
  @TakesUploads()
  @FromForm(adding)
  async upload(@FormFile() sent: SentFile | undefined, @Query() { audience }: UploadInput, @ActingAdmin() by: Actor) {
    const { id, name } = await this.library.add(uploadOf(sent), by, audience);
    if (audience === 'nobody') return back(id, `“${name}” is there, for nobody yet: say who may have it.`);
    return seeOther('/admin/files', `“${name}” is on the shelf.`);
  }

  @Get(':id')
  @Render('library/file')
  async show(@Param('id') id: string) {
    const found = await this.library.findAny(id);
    const [[file, ...before], audience] = await Promise.all([
      this.library.versionsOf(found),
      this.audiences.of({ fileId: found.id }),
    ]);
    return {
      title: found.name,
      file: presentLibraryFile(found),
      audience: audienceInWords(audience),
      downloads: file?.downloads,
      versionsBefore: before.map(presentVersion),
      daysToUndo,
    };
  }

  @Get(':id/details')
  @Render(describing.view)
  async showDetails(@Param('id') id: string) {
    const { availableAt, expiresAt, ...rest } = await this.library.find(id);
    const values = { ...rest, availableAt: forField(availableAt), expiresAt: expiresAt && forField(expiresAt) };
    return { title: describing.title, values };
  }

  @Post(':id/details')
  @FromForm(describing)
  async describe(@Param('id') id: string, @Body() input: FileDetailsInput, @ActingAdmin() by: Actor) {
    await this.library.change(id, input, by);
    return back(id, 'That is what members are told now.');
  }

  @Get(':id/replacement')
  @Render(replacing.view)
  async showReplacement(@Param('id') id: string) {
    const { name } = await this.library.find(id);
    return { title: replacing.title, name, ...this.limit() };
  }

  @Post(':id/replacement')
  @TakesUploads()
  @FromForm(replacing)
  async replace(@Param('id') id: string, @FormFile() sent: SentFile | undefined, @ActingAdmin() by: Actor) {
    const upload = uploadOf(sent);
    const { versionNumber } = await this.library.replace(await this.library.find(id), upload, by);
    return back(id, `The new bytes are on the shelf, as version ${versionNumber}.`);
  }

  @Post(':id/featuring')
  async feature(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.library.feature(await this.library.find(id), true, by);
    return back(id, 'This is the featured file now.');
  }

  @Post(':id/unfeaturing')
  async unfeature(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.library.feature(await this.library.find(id), false, by);
    return back(id, 'This is no longer the featured file.');
  }

  @Post(':id/hiding')
  async hide(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.library.hide(await this.library.find(id), true, by);
    return back(id, 'The file is hidden from members from now on. From when and until when it is there stays set.');
  }

  @Post(':id/showing')
  async unhide(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.library.hide(await this.library.find(id), false, by);
    return back(id, 'The file is not hidden any more: members have it from and until the times that are set.');
  }

  @Post(':id/deletion')
  async delete(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.library.delete(await this.library.find(id), by);
    return back(id, `The file is deleted. For ${daysToUndo} days you can have it back here.`);
  }

  @Post(':id/restoration')
  @Names(LibraryService, (library, { id }) => library.findAny(id))
  async restore(@Param('id') id: string, @ActingAdmin() by: Actor) {
    await this.library.restore(await this.library.findAny(id), by);
    return back(id, 'The file is back on the shelf.');
  }

  private limit() {
    const { uploadLimit } = this.settings;
    return { uploadLimit, most: sizeInWords(uploadLimit) };
  }
}

/** A time in the format of a browser's `datetime-local` field, in UTC. */
const forField = (time: Date): string => time.toISOString().slice(0, 16);

const back = (id: string, message: string) => seeOther(`/admin/files/${id}`, message);
