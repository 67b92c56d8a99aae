import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { StoreModule } from '../store/store.module.js';
import { FileHistory } from './file-history.js';
import { FileLists } from './file-lists.js';
import { FileVersion } from './file-version.entity.js';
import { FilesApiController } from './files-api.controller.js';
import { FilesController } from './files.controller.js';
import { FilesService } from './files.service.js';
import { Quota } from './quota.js';
import { SavedNames } from './saved-names.js';
import { SettledNames } from './settled-names.js';
import { ShelfService } from './shelf.service.js';
import { ShelfVisits } from './shelf-visits.js';
import { StoreWatch } from './store-watch.js';
import { StoredFile } from './stored-file.entity.js';
import { Verification } from './verification.js';
import { WelcomeFile } from './welcome-file.js';

@Module({
  imports: [TypeOrmModule.forFeature([StoredFile, FileVersion]), ActivityModule, StoreModule],
  controllers: [FilesController, FilesApiController],
  providers: [
    FileHistory,
    FileLists,
    FilesService,
    Quota,
    SavedNames,
    SettledNames,
    ShelfService,
    ShelfVisits,
    StoreWatch,
    Verification,
    WelcomeFile,
  ],
  exports: [FileLists, FilesService, Quota, SavedNames, ShelfService, StoreWatch, Verification],
})
export class FilesModule {}
