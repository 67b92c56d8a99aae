import { Module } from '@nestjs/common';
import { FileStore } from './file-store.js';

/** The bytes of files, at rest: whole ones under a key, and drafts of what has not all arrived. */
@Module({ providers: [FileStore], exports: [FileStore] })
export class StoreModule {}
