import { Module } from '@nestjs/common';
import { FileStore } from './file-store.js';

/** The file store: it keeps the bytes of files on the disk, both complete files and files that have not all arrived. */
@Module({ providers: [FileStore], exports: [FileStore] })
export class StoreModule {}
