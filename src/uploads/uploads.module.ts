import { Module } from '@nestjs/common';
import { LibraryModule } from '../library/library.module.js';
import { RawUploadsApiController } from './raw-uploads-api.controller.js';

/** Ways in for files beside a form: as raw bytes. */
@Module({
  imports: [LibraryModule],
  controllers: [RawUploadsApiController],
})
export class UploadsModule {}
