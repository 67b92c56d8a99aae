import { Body, Controller, Get, Param, Post, Query, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { audienceInWords } from '../audiences/audience.view.js';
import { AudiencesService } from '../audiences/audiences.service.js';
import { ChosenFilesInput } from '../files/chosen-files.input.js';
import { presentFileInWords, presentShelfFileInWords } from '../files/file.view.js';
import { CollectionFiles } from './collection-files.js';
import { AdminsOnly, CurrentUser, type Viewer } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { seeOther } from '../http/answers.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { FromForm, OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { hrefOfNext, SearchInput } from '../http/paging.input.js';
import { CollectionFilesInput, CollectionInput } from './collection.input.js';
import { presentCollectionInWords, sumInWords } from './collection.view.js';
import { CollectionsService } from './collections.service.js';

const adding = { view: 'collections/new', title: 'Make a collection', keep: ['name', 'note'] };
const describing = { view: 'collections/details', title: 'What is said of the collection', keep: ['name', 'note'] };

/** Collections, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(CollectionsService, (collections, { id }) => collections.find(id))
@Controller('admin/collections')
export class ManagedCollectionsController {
  constructor(
    private readonly collections: CollectionsService,
    private readonly files: CollectionFiles,
    private readonly audiences: AudiencesService,
  ) {}

  @Get()
  @InMenu('admin', 'Collections', 30)
  @Render('collections/collections')
  async list(@CurrentUser() admin: Viewer, @Query() selection: SearchInput) {
    const { items, nextCursor } = await this.collections.listFor(admin, selection);
    return {
      title: 'Collections',
      filter: selection,
      collections: items.map(presentCollectionInWords),
      nextHref: hrefOfNext('/admin/collections', { ...selection }, nextCursor),
    };
  }

  @Get('new')
  @Render(adding.view)
  showNew() {
    return { title: adding.title };
  }

  @Post()
  @OnPage('/admin/collections/new')
  @FromForm(adding)
  async add(@Body() input: CollectionInput, @ActingAdmin() by: Actor) {
    const { id } = await this.collections.create(input, by);
    return back(id, 'The collection is there. Nothing is in it yet, and nobody but admins sees it.');
  }

  @Get(':id')
  @Render('collections/managed')
  async show(@Param('id') id: string, @Query() selection: CollectionFilesInput, @CurrentUser() admin: Viewer) {
    const collection = await this.collections.find(id);
    const [audience, { items, nextCursor }, sum] = await Promise.all([
      this.audiences.of({ collectionId: id }),
      this.files.listIn(id, admin, selection),
      this.files.sumOf(id, admin),
    ]);
    const shown = presentCollectionInWords(collection);
    return {
      title: collection.name,
      collection: shown,
      audience: audienceInWords(audience),
      filter: selection,
      sum: sumInWords(sum),
      isEmpty: sum.count === 0,
      files: items.map((file) => ({
        ...presentShelfFileInWords(file, new Date()),
        href: `/admin/files/${file.id}`,
      })),
      nextHref: hrefOfNext(shown.adminHref, { ...selection }, nextCursor),
    };
  }

  @Get(':id/details')
  @Render(describing.view)
  async showDetails(@Param('id') id: string) {
    const { name, note } = await this.collections.find(id);
    return { title: describing.title, values: { name, note } };
  }

  @Post(':id/details')
  @FromForm(describing)
  async describe(@Param('id') id: string, @Body() input: CollectionInput, @ActingAdmin() by: Actor) {
    await this.collections.change(await this.collections.find(id), input, by);
    return back(id, 'That is what members read of it now.');
  }

  @Get(':id/files')
  @Render('collections/files')
  async showFiles(@Param('id') id: string, @Query() selection: SearchInput) {
    const collection = await this.collections.find(id);
    const { items, nextCursor } = await this.collections.filesOutside(collection, selection);
    const shown = presentCollectionInWords(collection);
    return {
      title: 'Put files into the collection',
      collection: shown,
      filter: selection,
      files: items.map(presentFileInWords),
      nextHref: hrefOfNext(`${shown.adminHref}/files`, { ...selection }, nextCursor),
    };
  }

  @Post(':id/files')
  async addFiles(@Param('id') id: string, @Body() { files }: ChosenFilesInput, @ActingAdmin() by: Actor) {
    const count = await this.collections.addFiles(await this.collections.find(id), files, by);
    return back(id, count === 1 ? '1 file is in it now.' : `${count} files came to it.`);
  }

  @Post(':id/files/:fileId/removal')
  @Names(CollectionsService, (collections, { id, fileId }) => collections.findFileIn(id, fileId))
  @OnPage('/admin/collections/:id')
  async removeFile(@Param('id') id: string, @Param('fileId') fileId: string, @ActingAdmin() by: Actor) {
    await this.collections.removeFile(await this.collections.find(id), fileId, by);
    return back(id, 'The file is no longer in it.');
  }

  @Post(':id/deletion')
  async delete(@Param('id') id: string, @ActingAdmin() by: Actor) {
    const collection = await this.collections.find(id);
    await this.collections.delete(collection, by);
    return seeOther('/admin/collections', `The collection “${collection.name}” is deleted.`);
  }
}

const back = (id: string, message: string) => seeOther(`/admin/collections/${id}`, message);
