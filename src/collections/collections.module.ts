import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { AudiencesModule } from '../audiences/audiences.module.js';
import { DownloadsModule } from '../downloads/downloads.module.js';
import { FilesModule } from '../files/files.module.js';
import { StoredFile } from '../files/stored-file.entity.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { StoreModule } from '../store/store.module.js';
import { CollectionAudienceApiController } from './collection-audience-api.controller.js';
import { CollectionAudienceController } from './collection-audience.controller.js';
import { CollectionDownloads } from './collection-downloads.js';
import { CollectionFiles } from './collection-files.js';
import { Collection } from './collection.entity.js';
import { CollectionsApiController } from './collections-api.controller.js';
import { CollectionsController } from './collections.controller.js';
import { CollectionsService } from './collections.service.js';
import { ManagedCollectionsApiController } from './managed-collections-api.controller.js';
import { ManagedCollectionsController } from './managed-collections.controller.js';

/** Collections of files. A member who may have a collection may have each file in it, and all of them as one zip. */
@Module({
  imports: [
    TypeOrmModule.forFeature([Collection, StoredFile]),
    ActivityModule,
    AudiencesModule,
    DownloadsModule,
    FilesModule,
    SessionsModule,
    StoreModule,
  ],
  controllers: [
    CollectionsController,
    CollectionsApiController,
    ManagedCollectionsController,
    ManagedCollectionsApiController,
    CollectionAudienceController,
    CollectionAudienceApiController,
  ],
  providers: [CollectionDownloads, CollectionFiles, CollectionsService],
  exports: [CollectionsService],
})
export class CollectionsModule {}
