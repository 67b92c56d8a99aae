import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Keys } from './keys.js';
import { Settings } from './settings.js';

/** Provides the settings and the keys, which were read before the app was made. */
@Global()
@Module({})
export class ConfigModule {
  static with(settings: Settings, keys: Keys): DynamicModule {
    return {
      module: ConfigModule,
      providers: [
        { provide: Settings, useValue: settings },
        { provide: Keys, useValue: keys },
      ],
      exports: [Settings, Keys],
    };
  }
}
