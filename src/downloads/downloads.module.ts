import { Module } from '@nestjs/common';
import { ActivityModule } from '../activity/activity.module.js';
import { FilesModule } from '../files/files.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { StoreModule } from '../store/store.module.js';
import { Checksums } from './checksums.js';
import { DownloadNotes } from './download-notes.js';
import { DownloadsApiController } from './downloads-api.controller.js';
import { DownloadsController } from './downloads.controller.js';
import { Downloads } from './downloads.js';
import { Grants } from './grants.js';
import { Resumption } from './resumption.js';

/** Sends files to members, and counts their downloads. */
@Module({
  imports: [ActivityModule, FilesModule, SessionsModule, StoreModule],
  controllers: [DownloadsController, DownloadsApiController],
  providers: [Checksums, DownloadNotes, Downloads, Grants, Resumption],
  exports: [Checksums, DownloadNotes, Grants],
})
export class DownloadsModule {}
