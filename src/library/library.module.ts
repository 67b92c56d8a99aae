import { Module } from '@nestjs/common';
import { MultipartModule } from '@nestjs/platform-fastify/multipart';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActivityModule } from '../activity/activity.module.js';
import { AudiencesModule } from '../audiences/audiences.module.js';
import { Settings } from '../config/settings.js';
import { FilesModule } from '../files/files.module.js';
import { StoredFile } from '../files/stored-file.entity.js';
import { LibraryApiController } from './library-api.controller.js';
import { LibraryController } from './library.controller.js';
import { LibraryService } from './library.service.js';

/** What admins do with the files: add, rename, feature, delete, and have back. */
@Module({
  imports: [
    TypeOrmModule.forFeature([StoredFile]),
    MultipartModule.registerAsync({
      inject: [Settings],
      useFactory: ({ uploadLimit }: Settings) => ({
        limits: { fileSize: uploadLimit, files: 1, fields: 10 },
        defParamCharset: 'utf8',
      }),
    }),
    ActivityModule,
    AudiencesModule,
    FilesModule,
  ],
  controllers: [LibraryController, LibraryApiController],
  providers: [LibraryService],
  exports: [LibraryService],
})
export class LibraryModule {}
