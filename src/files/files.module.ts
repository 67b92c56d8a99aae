import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { Checksums } from './checksums.js';
import { DownloadNotes } from './download-notes.js';
import { Downloads } from './downloads.js';
import { FileHistory } from './file-history.js';
import { FileLists } from './file-lists.js';
import { FileStore } from './file-store.js';
import { FileVersion } from './file-version.entity.js';
import { FilesApiController } from './files-api.controller.js';
import { FilesController } from './files.controller.js';
import { FilesService } from './files.service.js';
import { Grants } from './grants.js';
import { Resumption } from './resumption.js';
import { Quota } from './quota.js';
import { SavedNames } from './saved-names.js';
import { SettledNames } from './settled-names.js';
import { ShelfVisits } from './shelf-visits.js';
import { StoreWatch } from './store-watch.js';
import { StoredFile } from './stored-file.entity.js';
import { Verification } from './verification.js';
import { WelcomeFile } from './welcome-file.js';

@Module({
  imports: [TypeOrmModule.forFeature([StoredFile, FileVersion]), ActivityModule, SessionsModule],
  controllers: [FilesController, FilesApiController],
  providers: [
    Checksums,
    DownloadNotes,
    Downloads,
    FileHistory,
    FileLists,
    FileStore,
    FilesService,
    Grants,
    Resumption,
    Quota,
    SavedNames,
    SettledNames,
    ShelfVisits,
    StoreWatch,
    Verification,
    WelcomeFile,
  ],
  exports: [Checksums, DownloadNotes, FileStore, FilesService, Grants, Quota, StoreWatch, Verification],
})
export class FilesModule {}
