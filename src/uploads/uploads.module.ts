import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FilesModule } from '../files/files.module.js';
import { LibraryModule } from '../library/library.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { StoreModule } from '../store/store.module.js';
import { RawUploadsApiController } from './raw-uploads-api.controller.js';
import { Tus } from './tus.js';
import { Upload } from './upload.entity.js';
import { UploadsApiController } from './uploads-api.controller.js';
import { UploadsController } from './uploads.controller.js';
import { UploadsService } from './uploads.service.js';

/** Uploads without a form: resumable uploads, and raw bytes. */
@Module({
  imports: [TypeOrmModule.forFeature([Upload]), FilesModule, LibraryModule, SessionsModule, StoreModule],
  controllers: [UploadsController, UploadsApiController, RawUploadsApiController],
  providers: [Tus, UploadsService],
})
export class UploadsModule {}
