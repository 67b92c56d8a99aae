import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { AudiencesModule } from '../audiences/audiences.module.js';
import { FilesModule } from '../files/files.module.js';
import { StoredFile } from '../files/stored-file.entity.js';
import { StoreModule } from '../store/store.module.js';
import { FileAudience } from './file-audience.js';
import { FileAudienceApiController } from './file-audience-api.controller.js';
import { FileAudienceController } from './file-audience.controller.js';
import { LibraryApiController } from './library-api.controller.js';
import { LibraryController } from './library.controller.js';
import { LibraryService } from './library.service.js';

/** What admins do with files: add, rename, feature, share, delete and restore. */
@Module({
  imports: [TypeOrmModule.forFeature([StoredFile]), ActivityModule, AudiencesModule, FilesModule, StoreModule],
  controllers: [LibraryController, LibraryApiController, FileAudienceController, FileAudienceApiController],
  providers: [FileAudience, LibraryService],
  exports: [LibraryService],
})
export class LibraryModule {}
