import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Keys } from '../config/keys.js';
import { Settings } from '../config/settings.js';
import { Answering } from './answering.js';
import { dataSourceOptions } from './data-source.js';
import { LongWork } from './long-work.js';
import { Reader } from './reader.js';
import { openSite } from './site.js';
import { Writer } from './writer.js';

/**
 * The one data source. Its schema is up to date before anything uses it. A feature module adds
 * `TypeOrmModule.forFeature([…])`.
 */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Settings, Keys],
      useFactory: (settings: Settings, keys: Keys) => ({
        ...dataSourceOptions(settings),
        site: { settings, keys },
        autoLoadEntities: true,
        toRetry: () => false,
      }),
      dataSourceFactory: (options) => {
        if (!options) throw new Error('The data source has no options.');
        const { site } = options as typeof options & { site: { settings: Settings; keys: Keys } };
        return openSite(options, site.settings, site.keys);
      },
    }),
  ],
  providers: [Answering, LongWork, Reader, Writer],
  exports: [Answering, LongWork, Reader, Writer],
})
export class DatabaseModule {}
