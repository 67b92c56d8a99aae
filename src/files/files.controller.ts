import { Controller, Get, Param, Query, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { hrefOfNext } from '../http/paging.input.js';
import { commandsToVerify, presentShelfFileInWords, presentVersionInWords } from './file.view.js';
import { FileHistory } from './file-history.js';
import { ShelfService } from './shelf.service.js';
import { SavedNames } from './saved-names.js';
import { ShelfInput } from './shelf.input.js';
import { ShelfVisits } from './shelf-visits.js';

/** The page with a member's files, and a page for each file. */
@ApiExcludeController()
@MembersOnly()
@Controller()
export class FilesController {
  constructor(
    private readonly shelf: ShelfService,
    private readonly history: FileHistory,
    private readonly visits: ShelfVisits,
    private readonly names: SavedNames,
  ) {}

  @Get('secrets')
  @InMenu('main', 'Secrets', 0)
  @Render('files/secrets')
  async secrets(@CurrentUser() viewer: Viewer, @Query() selection: ShelfInput) {
    const { q, sort, cursor } = selection;
    const isFirst = q === undefined && sort === undefined && cursor === undefined;
    const since = await this.visits.note(viewer);
    const [featured, listing] = await Promise.all([
      isFirst ? this.shelf.findFeaturedFor(viewer) : undefined,
      this.shelf.listFor(viewer, selection),
    ]);
    return {
      title: 'Your files',
      filter: selection,
      isEmpty: isFirst && listing.items.length === 0,
      featured: featured && presentShelfFileInWords(featured, since),
      files: listing.items.map((file) => presentShelfFileInWords(file, since)),
      nextHref: hrefOfNext('/secrets', { ...selection }, listing.nextCursor),
    };
  }

  @Get('files/:id')
  @Render('files/file')
  async show(@CurrentUser() viewer: Viewer, @Param('id') id: string) {
    const file = await this.shelf.findFor(viewer, id);
    const [, ...before] = (await this.history.versionsFor(viewer, file, { limit: 100 })).items;
    const savedAs = await this.names.of(file, viewer);
    return {
      title: file.name,
      ...(savedAs !== file.name && { savedAs }),
      file: presentShelfFileInWords(file, new Date()),
      versionsBefore: before.map(presentVersionInWords),
      commands: commandsToVerify(savedAs, file),
    };
  }
}
