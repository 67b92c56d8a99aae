import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Settings } from '../config/settings.js';
import { Answering } from './answering.js';
import { dataSourceOptions } from './data-source.js';
import { Reader } from './reader.js';
import { openSite } from './site.js';
import { Writer } from './writer.js';

/** The one data source, its schema up to date before anyone asks; a room adds `TypeOrmModule.forFeature([…])`. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Settings],
      useFactory: (settings: Settings) => ({
        ...dataSourceOptions(settings),
        dataDir: settings.dataDir,
        autoLoadEntities: true,
        toRetry: () => false,
      }),
      dataSourceFactory: (options) => {
        if (!options) throw new Error('The data source has no options.');
        return openSite(options, (options as { dataDir?: string }).dataDir ?? '');
      },
    }),
  ],
  providers: [Answering, Reader, Writer],
  exports: [Answering, Reader, Writer],
})
export class DatabaseModule {}
